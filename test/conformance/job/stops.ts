import { describe, expect, test } from '@jest/globals'
import type { Call, Served } from '../../../infra/testing/loopback-server.ts'
import { expectFailure, failureOf } from '../../functions/helpers.ts'
import { isNotToken, isWrite } from '../common/requests.ts'
import { testEach } from '../test-each.ts'
import type { JobFixture } from './fixture.ts'

/** Registers the tests of a stop, if the runs of the provider can be stopped. */
export function stopTests<S extends Served>(fixture: JobFixture<S>): void {
  if (fixture.provider.stop === undefined) return
  describe('a stop', () => {
    acceptedStopTests(fixture)
    lateStopTests(fixture)
    refusedStopTests(fixture)
  })
}

function acceptedStopTests<S extends Served>(fixture: JobFixture<S>): void {
  const { job, platform } = fixture
  const { stopsBy } = fixture.options
  const stopped = { status: platform.stops ?? 'aborted' }

  test('ends the run with an id, and its task ends', async () => {
    const started = await fixture.startRun()
    const { current } = fixture
    const id = current.id()
    await job.stop({ id })
    expect(current.finishStop()).toBe(true)
    expect(await job.end(started, current.input)).toMatchObject(stopped)
    expect((await job.stop({ id })).message).toContain('had ended already')
  })

  if (stopsBy) {
    test(`accepts ${JSON.stringify(stopsBy)}`, async () => {
      await fixture.startRun()
      await job.stop(stopsBy)
      expect(fixture.current.finishStop()).toBe(true)
    })
  }

  test('ends the run at the deadline', async () => {
    const started = await fixture.startRun()
    const { current } = fixture
    expect(await job.stopAtDeadline(started, current.input)).toBe(true)
    expect(current.finishStop()).toBe(true)
    expect(await job.end(started, current.input)).toMatchObject(stopped)
  })
}

function lateStopTests<S extends Served>(fixture: JobFixture<S>): void {
  const { job } = fixture
  const { slowStop } = fixture.options

  test('passes for a run that has ended, or ends in the meantime', async () => {
    const started = await fixture.startRun()
    const { current } = fixture
    const id = current.id()
    await current.end()
    expect(await job.stop({ id })).toMatchObject({ result: 'pass', message: expect.stringContaining('had ended') })
    expect(await job.stopAtDeadline(started, current.input)).toBe(true)
    refuseStop(current.server)
    expect(await job.stopAtDeadline(started, current.input)).toBe(true)
  })

  test('that is refused fails for a run that is still running', async () => {
    const started = await fixture.startRun()
    const { current } = fixture
    refuseStop(current.server)
    expect(await failureOf(job.stopAtDeadline(started, current.input))).toMatchObject({ transient: false })
    expect(current.finishStop()).toBe(false)
  })

  if (slowStop) {
    test('waits for a run that is still running', async () => {
      await fixture.startRun()
      await slowStop.change?.(fixture.current.server)
      expect((await job.stop({ id: fixture.current.id() })).message).toBe(`still ${slowStop.state}`)
    })
  }
}

/** Lets the platform refuse the next request that changes something. */
function refuseStop(server: Served): void {
  // Locust stops its run with a GET request.
  const on = (call: Call) => isNotToken(call) && (isWrite(call) || call.path.endsWith('/stop'))
  server.failNext(400, { message: 'It cannot be stopped.' }, { on })
}

function refusedStopTests<S extends Served>(fixture: JobFixture<S>): void {
  const { job } = fixture
  const { refusedStops = [], invalidIds } = fixture.options

  testEach(
    refusedStops,
    (_stop, index) => `shows the reason of the platform: ${index}`,
    async ({ change, id: other, reason, kind = 'refused' }) => {
      await fixture.startRun()
      const id = other ?? fixture.current.id()
      await change?.(fixture.current.server)
      await expectFailure(job.stop({ id }), { kind, transient: kind === 'platform' }, reason)
    },
  )

  testEach(
    invalidIds?.ids ?? [],
    (id) => `rejects the id ${JSON.stringify(id)} before sending a request`,
    async (id) => {
      await expectFailure(job.stop({ id }), { kind: 'invalid', status: 400 }, invalidIds?.message ?? '')
      expect(fixture.current.server.calls).toEqual([])
    },
  )
}
