import { describe, expect, test } from '@jest/globals'
import type * as z from 'zod/mini'
import type { Call, Served } from '../../infra/sandbox/platforms/loopback-server.ts'
import { Failure } from '../../shared/errors.ts'
import type { StartedJob } from '../../shared/providers/action.ts'
import type { FlagProvider } from '../../shared/providers/flag.ts'
import { flagDriver } from '../functions/feature-flags/drive.ts'
import { type ClientOptions, clientOf, expectFailure, failureOf, keyOf, startEach } from '../functions/helpers.ts'
import { type CommonOptions, commonTests, isWrite } from './common.ts'
import type { FlagPlatform } from './platform.ts'
import { testEach } from './test-each.ts'

interface FlagOptions<S extends Served> extends CommonOptions<S> {
  /** The flag of an input that names none. Defaults to one that is off. */
  flag?: string
  /** Inputs that the provider refuses before it sends a request, and a part of the message. */
  invalidInputs?: [input: object, message: string][]
  /** Inputs that are refused and change nothing, a part of the reason, and changes of the platform and of the connection. */
  refused?: [input: object, reason: string, change?: Change<S>, connection?: object | ((server: S) => object)][]
  /** Inputs that set flags, a part of the outcome, and changes of the platform and of the connection. */
  sets?: [input: object, outcome: object, change?: Change<S>, connection?: object][]
  /** The platform does not know its environments. */
  anyEnvironment?: true
  /** The words with which an unknown flag, and an unknown environment, is refused. */
  unknown?: { flag?: string; environment?: string }
  /** Changes that wait for an approval or a deployment. */
  pending?: {
    /** Lets changes wait, if they do not always. */
    guard?: Change<S>
    connection?: object
    /** The platform's word for what a change waits for. */
    noun: string
    /** By state: how it is reached, and the result of a poll or the status that it shows. */
    states: Record<string, { reach: Change<S>; ends?: 'pass' | 'fail'; says?: string }>
  }
}

type Change<S> = (server: S) => unknown

/**
 * Registers the tests that every provider of feature flags must pass: those of `commonTests`, and repeated calls and lost
 * responses change nothing.
 *
 * @example flagConformance(unleash, flagPlatforms['unleash'])
 */
export function flagConformance<C extends z.ZodMiniObject, S extends Served>(
  flagProvider: FlagProvider<C>,
  platform: FlagPlatform<S>,
  {
    flag,
    anyEnvironment,
    unknown = {},
    invalidInputs = [],
    refused = [],
    sets = [],
    pending,
    ...options
  }: FlagOptions<S> = {},
) {
  type Flags = Awaited<ReturnType<typeof platform.start>>
  const provider = flagProvider as unknown as FlagProvider
  const { off, on } = platform.flags
  let first: Flags | undefined
  const played = startEach(async () => {
    const started = await platform.start()
    first = started
    return { ...started, close: () => started.server.close() }
  })
  const server = new Proxy({} as S, { get: (_, field) => Reflect.get(played.server, field) })
  const driver = flagDriver(provider, () => played.connection, flag ?? off)
  const { set } = driver

  describe(`${provider.title}: flag conformance`, () => {
    testEach(invalidInputs, 'the input %j is invalid: %s', async (input, message) => {
      await expectFailure(set({ state: 'on', ...input }), { kind: 'invalid', status: 400 }, message)
      expect(server.calls).toEqual([])
    })

    testEach(
      refused,
      'shows why %j is refused, and changes nothing: %s',
      async (input, reason, change, fields = {}) => {
        change?.(server)
        const stateOf = () => JSON.stringify(Reflect.get(server, 'state'))
        const before = stateOf()
        const more = typeof fields === 'function' ? fields(server) : fields
        await expectFailure(set(input, {}, more), { kind: 'refused', status: 422, mayHaveWritten: false }, reason)
        expect(stateOf()).toBe(before)
      },
    )

    testEach(sets, 'sets %j', async (input, outcome, change, fields = {}) => {
      change?.(server)
      expect(await set(input, {}, fields)).toMatchObject(outcome)
    })

    const driverOf = ({ connection }: Flags) => flagDriver(provider, () => connection)
    const turnOnAt = (at: Flags, input: object, options?: ClientOptions) =>
      driverOf(at).set({ state: 'on', ...input }, options)

    const at = commonTests<Flags>(provider, {
      ...options,
      start() {
        const ready = first
        first = undefined
        return ready ? Promise.resolve(ready) : platform.start()
      },
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

    test.each([
      ['flag', { flag: 'no-such-flag' }],
      ...(anyEnvironment ? [] : [['environment', { flag: off, environment: 'no-such-one' }] as const]),
    ] as const)('refuses an unknown %s without a write', async (what, input) => {
      const failure = await failureOf(turnOnAt(at(), input))
      expect(failure).toMatchObject({ kind: 'refused', transient: false })
      expect(failure.message).toContain(unknown[what] ?? '')
      expect(writes()).toEqual([])
    })

    test('turns a flag on and off again', async () => {
      let events = 0
      const set = async (state: string) => {
        const outcome = await turnOnAt(at(), { flag: off, state }, { key: keyOf(++events) })
        at().complete?.()
        return outcome
      }
      const changed = at().complete === undefined
      const data = { before: { state: 'off' }, after: { state: changed ? 'on' : 'off' }, changed }
      expect(await set('on')).toMatchObject({ data })
      expect(await set('off')).toMatchObject({ data: { before: { state: 'on' } } })
      expect(await set('off')).toMatchObject({ message: expect.stringMatching(/was off.* already$/) })
    })

    test('sets several flags in one call', async () => {
      const outcome = await driverOf(at()).set({ flags: [{ flag: off }, { flag: on }], state: 'on' })
      expect(outcome).toMatchObject({ status: 'succeeded', data: { flags: [{ flag: off }, { flag: on }] } })
    })

    if (pending) pendingTests(provider, platform, pending)
  })
  return {
    ...{ ...driver, server, provider },
    client: (more: object = {}) => clientOf(provider, provider.connection.parse({ ...played.connection, ...more })),
    calls: (method: string) => server.calls.filter((call) => call.method === method),
  }
}

function pendingTests<S extends Served>(
  provider: FlagProvider,
  platform: FlagPlatform<S>,
  { guard, connection, noun, states }: NonNullable<FlagOptions<S>['pending']>,
) {
  describe('pending change', () => {
    const at = startEach(async () => {
      const played = await platform.start()
      guard?.(played.server)
      return { ...played, close: played.server.close }
    })
    const { request, poll: pollJob } = flagDriver(
      provider,
      () => ({ ...at.connection, ...connection }),
      platform.flags.off,
    )
    const ask = (options?: ClientOptions) => request({ state: 'on' }, options)
    const poll = (started: StartedJob) => pollJob(started, { state: 'on' })
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
      await reach(at.server)
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

    const ending = Object.entries(states).filter(([, { ends }]) => ends === 'pass')
    test.each(ending)('%s is applied once, also after a lost response', async (_state, { reach }) => {
      const started = await ask()
      await reach(at.server)
      at.server.calls.length = 0
      at.server.loseNext(isWrite)
      const first: unknown = await poll(started).catch((error: unknown) => error)
      expect(first).toMatchObject(first instanceof Failure ? { transient: true } : { outcome: { result: 'pass' } })
      expect(await poll(started)).toMatchObject({ outcome: { result: 'pass' } })
      expect(at.server.calls.filter(isWrite).length).toBeLessThanOrEqual(1)
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
