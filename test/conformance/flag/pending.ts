import { describe, expect, test } from '@jest/globals'
import type { Call, Served } from '../../../infra/testing/loopback-server.ts'
import { Failure } from '../../../shared/errors.ts'
import type { PollResult, StartedJob } from '../../../shared/providers/action.ts'
import type { FlagProvider } from '../../../shared/providers/flag.ts'
import { flagDriver } from '../../functions/feature-flags/drive.ts'
import { type ClientOptions, failureOf, startEach } from '../../functions/helpers.ts'
import { isWrite } from '../common/requests.ts'
import type { FlagPlatform } from '../platform.ts'
import { testEach } from '../test-each.ts'
import type { PendingChange } from './options.ts'

/** Turns a flag on at the platform of the current test, which lets the change wait. */
interface Pending<S extends Served> {
  server: S
  request(options?: ClientOptions): Promise<StartedJob>
  poll(started: StartedJob, options?: ClientOptions): Promise<PollResult>
}

/** Registers the tests of a change that waits for an approval or a deployment. */
export function pendingTests<S extends Served>(
  provider: FlagProvider,
  { start, flags }: FlagPlatform<S>,
  change: PendingChange<S>,
): void {
  describe('pending change', () => {
    const current = startEach(async () => {
      const platform = await start()
      change.guard?.(platform.server)
      return { ...platform, close: platform.server.close }
    })
    const driver = flagDriver(provider, () => ({ ...current.connection, ...change.connection }), flags.off)
    const pending: Pending<S> = {
      get server() {
        return current.server
      },
      request: (options) => driver.request({ state: 'on' }, options),
      poll: (started, options) => driver.poll(started, { state: 'on' }, options),
    }
    requestTests(pending, change)
    endTests(pending, change)
  })
}

function requestTests<S extends Served>(pending: Pending<S>, { noun }: PendingChange<S>): void {
  const { request, poll } = pending
  const idsOf = ({ outcome }: StartedJob) => (outcome.data['pending'] as { id: string }[]).map(({ id }) => id)

  test('is a warning, and changes nothing yet', async () => {
    const { outcome } = await request()
    const message = expect.stringContaining(`waiting for ${noun} `)
    const data = { before: { state: 'off' }, after: { state: 'off' }, changed: false, pending: [{ noun }] }
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'warning', message, data })
  })

  test('is requested once per event, also after a lost response', async () => {
    const isCreate = ({ method, text }: Call) => method === 'POST' && text !== ''
    pending.server.loseNext(isCreate)
    expect(await failureOf(request())).toMatchObject({ transient: true, mayHaveWritten: true })
    const first = await request({ isRetry: true })
    expect(idsOf(await request({ isRetry: true }))).toEqual(idsOf(first))
    const created = pending.server.calls.filter(isCreate).map(({ path, text }) => `${path} ${text}`)
    expect(created).toEqual([...new Set(created)])
  })

  test('can be polled again after an error', async () => {
    const started = await request()
    for (const { status, body } of [
      { status: 503, body: '<html></html>' },
      { status: 200, body: '"welcome"' },
    ]) {
      pending.server.failNext(status, body)
      expect(await failureOf(poll(started))).toMatchObject({ kind: 'platform' })
    }
  })
}

function endTests<S extends Served>(pending: Pending<S>, { states }: PendingChange<S>): void {
  const { request, poll } = pending
  const passed = { outcome: { result: 'pass' } }

  testEach(
    Object.entries(states),
    ([state]) => `${state} has the matching result`,
    async ([, { reach, ends, says = '' }]) => {
      const started = await request()
      await reach(pending.server)
      const polled = await poll(started)
      if (ends === undefined) {
        expect(polled).toEqual({ status: expect.stringContaining(says) })
        return
      }
      const changed = ends === 'pass'
      const data = { before: { state: 'off' }, after: { state: changed ? 'on' : 'off' }, changed }
      const message = expect.stringContaining(says)
      expect(polled).toMatchObject({ outcome: { status: 'succeeded', result: ends, message, data } })
      if (changed) expect(await poll(started)).toMatchObject(passed)
    },
  )

  testEach(
    Object.entries(states).filter(([, { ends }]) => ends === 'pass'),
    ([state]) => `${state} is applied once, also after a lost response`,
    async ([, { reach }]) => {
      const started = await request()
      await reach(pending.server)
      pending.server.calls.length = 0
      pending.server.loseNext(isWrite)
      const first: unknown = await poll(started).catch((error: unknown) => error)
      expect(first).toMatchObject(first instanceof Failure ? { transient: true } : passed)
      expect(await poll(started)).toMatchObject(passed)
      expect(pending.server.calls.filter(isWrite).length).toBeLessThanOrEqual(1)
    },
  )

  testEach(
    Object.entries(states).filter(([, { ends }]) => ends === 'pass'),
    ([state]) => `${state} is not applied while the change may not be made`,
    async ([, { reach }]) => {
      const started = await request()
      await reach(pending.server)
      pending.server.calls.length = 0
      const error = new Error('People have stopped it.')
      const polled: unknown = await poll(started, { beforeWrite: () => Promise.reject(error) }).catch(
        (thrown) => thrown,
      )
      // The platform may have made the change itself.
      if (polled !== error) expect(polled).toMatchObject(passed)
      expect(pending.server.calls.filter(isWrite)).toEqual([])
    },
  )
}
