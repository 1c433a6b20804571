import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import { requestLine } from '../../infra/testing/loopback-server.ts'
import { jobPlatforms, type NamedJobPlatform } from '../conformance/job-platforms.ts'
import { isFindable } from '../conformance/once.ts'
import { waitForAll } from '../wait-for-all.ts'
import { Lifecycle } from './lifecycle.ts'

interface Scenario {
  name: string
  losesResponse?: true
  /** The function crashes before it has recorded the result of the start. */
  crashes?: true
  stops?: 'at start' | 'at poll'
}

const scenarios: Scenario[] = [
  { name: 'runs once if the start response is lost', losesResponse: true },
  { name: 'runs once if the function crashes before it has recorded the start', crashes: true },
  { name: 'ends as aborted if it is stopped during the run', stops: 'at poll' },
  { name: 'is not started again if it is stopped before the start response', losesResponse: true, stops: 'at start' },
]
const crash = { checkpoint: 'start SUCCEED', isRecorded: false, effect: 'crash' } as const

/** Runs a task that starts a job. */
async function play(lifecycle: Lifecycle, { provider, platform, start, stop }: NamedJobPlatform, scenario: Scenario) {
  const { losesResponse, crashes, stops } = scenario
  const played = await platform.start()
  const connection = `${provider}-${scenarios.indexOf(scenario)}`
  lifecycle.connect(connection, { provider, ...played.connection })
  // All tasks move the clock.
  const options = `?deadline=P1D&connection=${connection}`
  if (losesResponse) played.server.loseNext((call) => platform.starts.test(requestLine(call)))

  const stopRun = async () => {
    let hasStopped = false
    // Some platforms stop a run after a while.
    const onCheckpoint = async () => {
      hasStopped ||= played.finishStop()
    }
    const { outcome } = await lifecycle.call(`${stop}${options}`, { input: { id: played.id() } }, { onCheckpoint })
    return { hasStopped, ...outcome }
  }
  let [hasStarted, polls] = [false, 0]
  let stopped: Awaited<ReturnType<typeof stopRun>> | undefined
  const onCheckpoint = async (checkpoint: string) => {
    if (!hasStarted && played.runs() > 0) {
      hasStarted = true
      if (stops !== 'at start' || platform.stopsLate) played.letStart()
      if (stops === 'at start') stopped = await stopRun()
    }
    if (checkpoint !== 'poll RETRY' || ++polls !== 2) return
    if (stops === 'at poll') stopped = await stopRun()
    else played.end()
  }
  const interruption = crashes ? crash : undefined
  try {
    const call = await lifecycle.call(`${start}${options}`, { input: played.input }, { onCheckpoint, interruption })
    return { outcome: call.outcome, sent: call.sent, runs: played.runs(), stopped }
  } finally {
    await played.server.close()
  }
}

const outcomeUnknown = {
  status: 'errored',
  result: 'fail',
  message: expect.stringMatching(/It is unknown whether an? .* was started\. The start was not retried\. Check /),
}

function expectedOutcome({ platform, once }: NamedJobPlatform, { stops }: Scenario): object {
  if (stops === 'at poll') return platform.stops ? { status: platform.stops } : { status: 'aborted', result: 'fail' }
  if (!isFindable(once)) return outcomeUnknown
  if (stops) return platform.stoppedAtStart ? outcomeUnknown : { status: 'aborted', result: 'fail' }
  return platform.ends ? { status: platform.ends } : { status: 'succeeded', result: 'pass' }
}

describe.each([...Map.groupBy(jobPlatforms, ({ category }) => category)])('%s', (category, platforms) => {
  const lifecycle = new Lifecycle(categories.find(({ name }) => name === category) ?? categories[0])
  const cases = platforms.flatMap((kind) => {
    const possible = scenarios.filter(
      ({ stops }) => !stops || (kind.stop && (stops === 'at poll' || kind.platform.stoppedAtStart !== 'forgotten')),
    )
    return possible.map((scenario) => ({ kind, scenario, provider: kind.provider, name: scenario.name }))
  })
  const results = new Map<object, Awaited<ReturnType<typeof play>> | Error>()
  beforeAll(async () => {
    await lifecycle.start()
    const playOne = async (one: (typeof cases)[number]) => {
      results.set(one, await play(lifecycle, one.kind, one.scenario).catch((error: Error) => error))
    }
    // More at once would take longer than the webhook waits for a response of AWS.
    const playAll = async (played: typeof cases) => {
      for (let at = 0; at < played.length; at += 10) await waitForAll(played.slice(at, at + 10).map(playOne))
    }
    await playAll(cases.filter(({ scenario }) => !scenario.crashes))
    // A task that crashed moves the clock by a minute, in which runs of other tasks would end.
    await playAll(cases.filter(({ scenario }) => scenario.crashes))
  })
  afterAll(() => lifecycle.close())

  test.each(cases)('A job of $provider $name', (one) => {
    const { kind, scenario } = one
    const result = results.get(one)
    if (result instanceof Error) throw result
    expect(result).toMatchObject({
      outcome: expectedOutcome(kind, scenario),
      sent: ['started', 'finished'],
      runs: 1,
      ...(scenario.stops
        ? { stopped: { hasStopped: true, result: 'pass', message: expect.stringMatching(/^Stopped /) } }
        : {}),
    })
  })
})
