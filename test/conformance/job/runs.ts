import { describe, expect, test } from '@jest/globals'
import type { Served } from '../../../infra/testing/loopback-server.ts'
import type { StartedJob } from '../../../shared/providers/action.ts'
import type { Run, Verdict } from '../../../shared/providers/job.ts'
import { testEach } from '../test-each.ts'
import type { JobFixture } from './fixture.ts'
import type { JobOptions } from './options.ts'

const ENDS: Record<Exclude<Verdict, 'running'>, object> = {
  pass: { status: 'succeeded', result: 'pass' },
  warning: { status: 'succeeded', result: 'warning' },
  fail: { status: 'succeeded', result: 'fail' },
  errored: { status: 'errored', result: 'fail' },
  aborted: { status: 'aborted', result: 'fail' },
}

/** The start of a run by the clock of its task: unlike that of any platform. */
const OWN_START = 86_400_000

/** Returns a run that its task started at another time. */
function startedAt(started: StartedJob, time: number): StartedJob {
  return { ...started, job: { ...(started.job as Run), startedAt: time } }
}

function timestamp(time: number): string {
  return new Date(time).toISOString()
}

/** Registers the tests of the states and of the results of a run. */
export function runTests<S extends Served>(fixture: JobFixture<S>): void {
  const { platform } = fixture
  const { reports = [], measures } = fixture.options

  describe('a run', () => {
    stateTests(fixture)

    test('is polled until it ends', async () => {
      const { job, current } = fixture
      const started = await fixture.startRun()
      expect(await job.poll(started, current.input)).toMatchObject({ status: expect.any(String) })
      await current.end()
      const end = platform.ends ? { status: platform.ends } : ENDS.pass
      expect(await job.end(started, current.input)).toMatchObject(end)
    })

    const { ownTimes } = platform
    test(`reports ${ownTimes ? `the times of its task: ${ownTimes}` : 'the times of the platform'}`, async () => {
      const { job, current } = fixture
      const started = await fixture.startRun()
      await current.end()
      const { data } = await job.end(startedAt(started, OWN_START), current.input)
      if (ownTimes) expect(data['start']).toBe(timestamp(OWN_START))
      else {
        expect(data['start']).not.toBe(timestamp(OWN_START))
        expect(data).toMatchObject({ duration: expect.any(Number) })
        expect(Date.parse(String(data['start']))).toBeLessThanOrEqual(Date.parse(String(data['end'])))
      }
    })
  })

  testEach(
    reports,
    ({ name }) => `a run reports ${name}`,
    async ({ change, reported, input, connection }) => {
      const job = fixture.unlimited(connection)
      const started = await job.start(fixture.input(input))
      await fixture.current.letStart()
      await change(fixture.current.server)
      const result = await job.poll(started, fixture.input(input))
      expect('outcome' in result ? result.outcome : result).toMatchObject(reported)
    },
  )

  if (measures) measurementTest(fixture, measures)
}

function stateTests<S extends Served>(fixture: JobFixture<S>): void {
  const { job, provider } = fixture
  const { states, otherStates = [], unknownStates = ['unheard-of', 'constructor'] } = fixture.options
  const { running = [], ...ending } = states
  const ends = Object.entries(ending).flatMap(([verdict, names]) => names.map((state) => ({ state, verdict })))
  const startIn = async (state: string) => {
    const started = await fixture.startRun()
    await fixture.current.enter(state)
    return started
  }

  test('has a meaning for every documented state', () => {
    const listed = [...Object.values(states).flat(), ...otherStates]
    expect(Object.keys(provider.states).filter((state) => !listed.includes(state))).toEqual([])
  })

  testEach(
    running,
    (state) => `in the state ${state} is running`,
    async (state) => {
      expect(await job.poll(await startIn(state), fixture.input())).toMatchObject({ status: state })
    },
  )

  testEach(
    ends,
    ({ state, verdict }) => `in the state ${state} ends with ${verdict}`,
    async ({ state, verdict }) => {
      const started = await startIn(state)
      const outcome = await job.end(started, fixture.input())
      expect(outcome).toMatchObject(ENDS[verdict as keyof typeof ENDS])
      expect(outcome.data).toMatchObject({ id: fixture.idOf(started), state, end: expect.any(String) })
      expect(outcome.message).toContain(` ended as ${state}`)
      const { url } = outcome.data
      if (url) expect(Object.values(outcome.links)).toContain(url)
    },
  )

  testEach(
    unknownStates,
    (state) => `in the unknown state ${state} is running`,
    async (state) => {
      const polled = await job.poll(await startIn(state), fixture.input())
      expect(polled).toMatchObject({ status: `${state} (unknown state)` })
    },
  )
}

function measurementTest<S extends Served>(
  fixture: JobFixture<S>,
  { end, metrics, data = metrics }: NonNullable<JobOptions<S>['measures']>,
): void {
  test('a run reports its measurements, which thresholds can use', async () => {
    const thresholds = Object.entries(metrics).map(([metric, value]) => ({ metric, op: '<', value }))
    const input = fixture.input({ thresholds })
    const started = await fixture.job.start(input)
    await end(fixture.current.server)
    const outcome = await fixture.job.end(started, input)
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'fail', data })
    for (const [metric, value] of Object.entries(metrics))
      expect(outcome.message).toContain(`${metric} is ${value}, not < ${value}`)
  })
}
