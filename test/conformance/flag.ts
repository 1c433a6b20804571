import { describe, expect, test } from '@jest/globals'
import type { Call } from '../../infra/platforms/loopback-server.ts'
import type { PollResult, StartedJob } from '../../shared/providers/action.ts'
import type { FlagProvider } from '../../shared/providers/flag.ts'
import { setFlag, setFlags } from '../../shared/providers/set-flags.ts'
import { type ClientOptions, clientOf, failureOf, startEach } from '../functions/helpers.ts'
import { startedJob } from '../functions/job.ts'
import { type CommonOptions, commonTests } from './common.ts'
import type { FlagPlatform, Played } from './platform.ts'

interface FlagOptions extends CommonOptions {
  /** The platform does not know its environments. */
  anyEnvironment?: true
  /** Changes that wait for an approval or a deployment. */
  pending?: {
    /** Starts the platform so that a change waits. */
    start(): Promise<Flags>
    /** The platform's word for what a change waits for. */
    noun: string
    /** By state: how it is reached, and the result of a poll or the status that it shows. */
    states: Record<string, { reach(server: never): unknown; ends?: 'pass' | 'fail'; says?: string }>
  }
}

type Flags = Played & { complete?: () => void }

/**
 * Registers the tests that every provider of feature flags must pass: those of `commonTests`, and repeated calls and lost
 * responses change nothing.
 *
 * @example flagConformance(unleash, flagPlatforms['unleash'])
 */
export function flagConformance(
  provider: FlagProvider,
  platform: FlagPlatform | undefined,
  { anyEnvironment, pending, ...options }: FlagOptions = {},
): void {
  if (!platform) throw new Error(`No fake platform for ${provider.title}`)
  const { off, on } = platform.flags

  describe(`${provider.title}: flag conformance`, () => {
    const valuesOf = ({ connection }: Flags) => provider.connection.parse(connection)
    const from = (at: Flags) => ({ event: { data: {} } as never, connection: valuesOf(at), provider })
    const turnOnAt = async (at: Flags, input: { flag: string; environment?: string }, options?: ClientOptions) => {
      const completed = setFlag.complete({ state: 'on', ...input }, from(at))
      return (await setFlag.run(provider, clientOf(provider, valuesOf(at), options), completed)).outcome
    }

    const at = commonTests<Flags>(provider, {
      ...options,
      start: platform.start,
      operations: { 'set-flag': (at) => (options) => turnOnAt(at, { flag: off }, options) },
      ids: {
        flag: { valid: 'no-such-flag', run: (flag, at) => turnOnAt(at, { flag }) },
        ...(anyEnvironment
          ? {}
          : {
              environment: { valid: 'no-such-one', run: (environment, at) => turnOnAt(at, { flag: off, environment }) },
            }),
      },
    })
    const turnOn = (flag: string, options?: ClientOptions) => turnOnAt(at(), { flag }, options)
    const writes = () => at().server.calls.filter(({ method }) => method !== 'GET')

    test('writes nothing if the flag is already in the requested state', async () => {
      expect(await turnOn(on)).toMatchObject({ result: 'pass', message: expect.stringContaining('already') })
      expect(writes()).toEqual([])
    })

    test('changes the flag once if the response is lost', async () => {
      at().server.loseNext(({ method }) => method !== 'GET')
      expect(await failureOf(turnOn(off))).toMatchObject({ transient: true, mayHaveWritten: true })
      await turnOn(off, { isRetry: true })
      at().complete?.()
      expect(await turnOn(off, { isRetry: true })).toMatchObject({ result: 'pass' })
      const sent = writes().map(({ path, text }) => `${path} ${text}`)
      expect(sent).toEqual([...new Set(sent)])
    })

    test('refuses an unknown flag and an unknown environment without a write', async () => {
      const elsewhere = anyEnvironment ? [] : [{ flag: off, environment: 'no-such-one' }]
      for (const input of [{ flag: 'no-such-flag' }, ...elsewhere])
        expect(await failureOf(turnOnAt(at(), input))).toMatchObject({ kind: 'refused', transient: false })
      expect(writes()).toEqual([])
    })

    test('sets several flags in one call', async () => {
      const input = setFlags.complete({ flags: [{ flag: off }, { flag: on }], state: 'on' }, from(at()))
      const client = clientOf(provider, valuesOf(at()))
      const { outcome } = await setFlags.run(provider, client, input)
      expect(outcome).toMatchObject({ status: 'succeeded', data: { flags: [{ flag: off }, { flag: on }] } })
    })

    if (pending) pendingTests(provider, off, pending)
  })
}

function pendingTests(
  provider: FlagProvider,
  flag: string,
  { start, noun, states }: NonNullable<FlagOptions['pending']>,
) {
  describe('pending change', () => {
    const at = startEach(async () => {
      const played = await start()
      return { ...played, close: played.server.close }
    })
    const asked = () => {
      const connection = provider.connection.parse(at.connection)
      const input = setFlag.complete({ flag, state: 'on' }, { event: { data: {} } as never, connection, provider })
      return { connection, input }
    }
    const ask = async (options?: ClientOptions) => {
      const { connection, input } = asked()
      return startedJob(await setFlag.run(provider, clientOf(provider, connection, options), input))
    }
    const poll = async ({ job }: StartedJob): Promise<PollResult> => {
      const { connection, input } = asked()
      // The job state of a task is stored as JSON.
      const polled = setFlag.job?.getStatus(
        provider,
        clientOf(provider, connection),
        input,
        JSON.parse(JSON.stringify(job)),
      )
      return (await polled) ?? { status: 'not a job' }
    }
    const idsOf = ({ outcome }: StartedJob) => (outcome.data['pending'] as { id: string }[]).map(({ id }) => id)

    test('is a warning, and changes nothing yet', async () => {
      const { outcome } = await ask()
      const message = expect.stringContaining(`waiting for ${noun} `)
      const data = { before: { state: 'off' }, after: { state: 'off' }, changed: false, pending: [{ noun }] }
      expect(outcome).toMatchObject({ status: 'succeeded', result: 'warning', message, data })
    })

    test('is requested once per event, also after a lost response', async () => {
      const isCreate = ({ method, text }: Call) => method === 'POST' && text !== ''
      at.server.loseNext(isCreate)
      expect(await failureOf(ask())).toMatchObject({ transient: true, mayHaveWritten: true })
      const first = await ask({ isRetry: true })
      expect(idsOf(await ask({ isRetry: true }))).toEqual(idsOf(first))
      const created = at.server.calls.filter(isCreate).map(({ path, text }) => `${path} ${text}`)
      expect(created).toEqual([...new Set(created)])
    })

    test.each(Object.entries(states))('%s has the matching result', async (_state, { reach, ends, says = '' }) => {
      const started = await ask()
      await reach(at.server as never)
      const polled = await poll(started)
      if (ends === undefined) {
        expect(polled).toEqual({ status: expect.stringContaining(says) })
        return
      }
      const message = expect.stringContaining(says)
      const data = {
        before: { state: 'off' },
        after: { state: ends === 'pass' ? 'on' : 'off' },
        changed: ends === 'pass',
      }
      expect(polled).toMatchObject({ outcome: { status: 'succeeded', result: ends, message, data } })
      if (ends === 'pass') expect(await poll(started)).toMatchObject({ outcome: { result: 'pass' } })
    })

    test('can be polled again after an error', async () => {
      const started = await ask()
      for (const [status, body] of [
        [503, '<html></html>'],
        [200, '"welcome"'],
      ] as const) {
        at.server.failNext(status, body)
        expect(await failureOf(poll(started))).toMatchObject({ kind: 'platform' })
      }
    })
  })
}
