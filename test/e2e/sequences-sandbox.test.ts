import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { keptnEventLog } from '../../infra/keptn/event-log.ts'
import { playSequence } from '../../infra/keptn/player.ts'
import { loadSequence, type SequenceFiles } from '../../infra/keptn/sequence-files.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { Service, triggered } from './service.ts'

const errored = { status: 'errored', result: 'fail' }
const failed = { status: 'succeeded', result: 'fail' }
const model = (outcome: string) => ({
  parameters: { seconds: 1, outcome },
  thresholds: [{ metric: 'accuracy', op: '>=', value: 0.9 }],
})
const runbook = (outcome: string) => ({ target: 'clear-cache', parameters: { seconds: 1, outcome } })
/** Runs of Databricks and Rundeck that do not pass. */
const outcomes = [
  ['optimization/start-model', model('failure'), '', failed, /RUN_EXECUTION_ERROR: .*all trials failed/],
  ['optimization/start-model', model('nonsense'), '', failed, /accuracy/],
  ['optimization/start-model', model('vanish'), '&deadline=PT10S', errored, /Run \d+ does not exist/],
  ['optimization/start-model', model('hang'), '&deadline=PT4S', errored, /deadline/],
  ['remediation/run-runbook', runbook('failure'), '', failed, /failed: step 2 failed on shop-2/],
  ['remediation/run-runbook', runbook('nonsense'), '', failed, /its status is "gone fishing"/],
  ['remediation/run-runbook', runbook('vanish'), '&deadline=PT10S', errored, /Execution ID does not exist/],
  ['remediation/run-runbook', runbook('hang'), '&deadline=PT4S', errored, /deadline/],
] as const

type Played = Awaited<ReturnType<typeof play>>
const names = ['chaos', 'remediation', 'optimization', 'slo', 'ticket'] as const
const played = {} as Record<(typeof names)[number] | 'failed chaos' | 'staging', Played>
/** The results of the runs of `outcomes`, in this order. */
// biome-ignore lint/suspicious/noExplicitAny: the tests assert on any result.
const ends: any[] = []
let service: Service
beforeAll(async () => {
  service = await new Service({ timeScale: 4 }).start()
  const sequences = names.map(async (name) => {
    played[name] = await play(loadSequence(name))
    // Its fault would affect the other chaos sequence.
    if (name === 'chaos') played['failed chaos'] = await play(failingChaos())
  })
  const staging = play(stagingWithoutTimeframe()).then((run) => {
    played.staging = run
  })
  for (const [action, input, query] of outcomes) ends.push(await endOf(action, input, query))
  await Promise.all([...sequences, staging])
})
afterAll(() => service.end())

const list = async (name: string) => (await service.call(`/sandbox/${name}`, undefined, { method: 'GET' })).body

const runsOf = async (platform: string) =>
  ((await list('runs')) as { platform: string; status: string; job: string; inputs: Record<string, string> }[]).filter(
    (run) => run.platform === platform,
  )

async function play(files: SequenceFiles) {
  const lines: string[] = []
  const played = await playSequence({
    files,
    url: service.url,
    token: demo.callerToken,
    log: keptnEventLog(`${service.url}/sandbox/keptn`, demo.keptnToken),
    print: (line) => lines.push(line),
  })
  return { ...played, text: lines.join('\n') }
}

/** Returns the result of a task of a sequence. */
// biome-ignore lint/suspicious/noExplicitAny: the tests assert on any body.
async function answerOf({ context }: Played, task: string): Promise<any> {
  const type = `sh.keptn.event.${task}.finished`
  return (await service.events()).find((event) => event.type === type && event.shkeptncontext === context)?.data
}

function failingChaos(): SequenceFiles {
  const files = loadSequence('chaos')
  for (const { tasks } of files.sequences) {
    for (const { name, properties } of tasks) {
      if (name === 'chaos') Object.assign(properties, { latency: 3_500, duration: 'PT6S' })
    }
  }
  return files
}

function stagingWithoutTimeframe(): SequenceFiles {
  const files = loadSequence('release')
  const [staging] = files.sequences
  if (!staging) throw new Error('The sequence release has no stage.')
  for (const { name, properties } of staging.tasks) {
    if (name === 'evaluation') Reflect.deleteProperty(properties, 'timeframe')
  }
  return { ...files, sequences: [staging] }
}

/** Runs a job and returns its result. */
async function endOf(action: string, input: object, query: string) {
  const event = triggered({ type: 'sh.keptn.event.job.triggered', input })
  expect(await service.call(`/v1/${action}?mode=interactive&sendStarted=true${query}`, event)).toMatchObject({
    status: 202,
  })
  await service.until(async () => (await service.repliesTo(event.id)).finished.length > 0, `the end of ${action}`)
  return (await service.repliesTo(event.id)).finished
}

it.each([
  ['chaos', ['test load-testing', 'chaos chaos-testing', 'chaos load-testing', 'test load-testing', 'evaluation slo']],
  ['remediation', ['action remediation', 'action remediation', 'evaluation slo']],
  ['optimization', ['tuning optimization', 'notify webhook-service']],
  ['slo', ['evaluation slo']],
  ['ticket', ['open-ticket issue-ticketing', 'comment-ticket webhook-service', 'close-ticket issue-ticketing']],
] as const)('The %s sequence completes, with each task run by one of the functions', async (name, ends) => {
  const { passed, context, text } = played[name]
  expect({ passed, text }).toEqual({ passed: true, text: expect.any(String) })
  expect((await service.endedBy(context)).sort()).toEqual([...ends].sort())
})

describe('The chaos sequence', () => {
  const p95 = /p95 is ([\d.]+), not </

  it('slows the shop down during the test and restores it', async () => {
    const { passed, tasks, text } = played.chaos
    expect({ passed, text }).toEqual({ passed: true, text: expect.any(String) })
    expect(tasks.map(({ name, outcome }) => [name, outcome?.result])).toEqual([
      ['test', 'pass'],
      ['chaos', 'warning'],
      ['test', 'pass'],
      ['evaluation', 'pass'],
    ])
    expect(tasks[1]?.outcome?.message).toContain('ended as removed')
    expect(Number(p95.exec(tasks[1]?.outcome?.message ?? '')?.[1])).toBeGreaterThan(1_000)
  })

  it('ends if the shop fails the test, and removes the fault', async () => {
    const { passed, tasks } = played['failed chaos']
    expect([passed, tasks.map(({ name }) => name)]).toEqual([false, ['test', 'chaos']])
    expect(tasks[1]?.outcome).toMatchObject({ status: 'succeeded', result: 'fail' })
  })

  it('leaves no fault', async () => {
    expect(await list('toxics')).toEqual([])
    const injections = (await service.requests('toxiproxy')).filter(({ method }) => method !== 'GET')
    const each = [
      ['POST', 200],
      ['DELETE', 204],
    ]
    expect(injections.map(({ method, status }) => [method, status])).toEqual([...each, ...each])
  })
})

it('An evaluation without a timeframe uses the times of the preceding test', async () => {
  const { passed, text } = played.staging
  expect({ passed, text }).toEqual({ passed: true, text: expect.any(String) })
  const [{ deployment }, { test }, { evaluation }] = await Promise.all(
    ['deployment', 'test', 'evaluation'].map((task) => answerOf(played.staging, task)),
  )
  const utc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
  for (const time of [deployment.start, deployment.end, test.start, test.end]) expect(time).toMatch(utc)
  expect(Date.parse(deployment.end)).toBeLessThanOrEqual(Date.parse(test.start))
  expect(Date.parse(test.end)).toBeGreaterThan(Date.parse(test.start))
  expect([evaluation.timeStart, evaluation.timeEnd].map(Date.parse)).toEqual([test.start, test.end].map(Date.parse))
})

it('The remediation sequence turns a flag off and restarts a service through one webhook', async () => {
  const { passed, tasks, text } = played.remediation
  expect({ passed, text }).toEqual({ passed: true, text: expect.any(String) })
  expect(tasks.map(({ outcome }) => outcome?.message)).toEqual([
    expect.stringMatching(/^toggle-feature \(toggle-flag\): slow-recommendations in production is off/),
    expect.stringMatching(/^restart-service \(run-runbook\): Execution \d+ ended as succeeded$/),
    expect.any(String),
  ])
  const flag = (await list('flags')).find(({ name }: { name: string }) => name === 'slow-recommendations')
  expect(flag.environments).toContainEqual(expect.objectContaining({ name: 'production', enabled: false }))
  const inputs = { service: 'checkout', key: expect.stringMatching(/^[0-9a-f]{40}$/) }
  expect((await runsOf('rundeck')).filter(({ job }) => job === 'restart-checkout')).toMatchObject([{ inputs }])
})

it('The optimization sequence tunes a model above a threshold and returns its best configuration', async () => {
  const { passed, tasks, text } = played.optimization
  expect({ passed, text }).toEqual({ passed: true, text: expect.any(String) })
  expect(tasks.map(({ name }) => name)).toEqual(['tuning', 'notify'])
  expect(await answerOf(played.optimization, 'tuning')).toMatchObject({
    result: 'pass',
    tuning: {
      output: { best: { factors: 96 }, accuracy: 0.93, trials: 40 },
      thresholds: [{ metric: 'accuracy', actual: 0.93, result: 'pass' }],
    },
  })
  const inputs = { service: 'casdemoapp', trials: '40' }
  expect((await runsOf('databricks')).filter(({ inputs }) => inputs['trials'] === '40')).toMatchObject([
    { job: 'tune-recommender', inputs },
  ])
})

it('The ticket sequence closes the issue that it opened, with both comments', async () => {
  const { passed, text } = played.ticket
  expect({ passed, text }).toEqual({ passed: true, text: expect.any(String) })
  const { id } = (await answerOf(played.ticket, 'open-ticket'))['open-ticket']
  expect((await answerOf(played.ticket, 'close-ticket'))['close-ticket']).toMatchObject({ id, state: 'closed' })
  const issue = (await list('issues')).find(({ title }: { title: string }) => title === 'Response time degradation')
  expect(issue).toMatchObject({ state: 'closed' })
  expect(JSON.stringify(issue.comments)).toMatch(/Work on the problem has started\..*Closed by the sequence\./s)
})

it('A task without the id of an earlier task ends the sequence and says how to send it', async () => {
  const files = loadSequence('ticket')
  for (const sequence of files.sequences) sequence.tasks = sequence.tasks.filter(({ name }) => name !== 'open-ticket')
  const { passed, tasks } = await play(files)
  expect([passed, tasks.map(({ name }) => name)]).toEqual([false, ['comment-ticket']])
  expect(tasks[0]?.outcome?.message).toMatch(/input\.id is missing: .*webhooks config --from <task>/)
})

describe('A run in the sandbox', () => {
  it.each(
    outcomes.map(([action, { parameters }, , end, message], at) => [parameters.outcome, action, at, end, message]),
  )('that ends as %s is reported as such by %s', (_outcome, _action, at, end, message) => {
    expect(ends[Number(at)]).toMatchObject([{ ...Object(end), message: expect.stringMatching(message as RegExp) }])
  })

  it('on Databricks or Rundeck is stopped by the id from its start', async () => {
    for (const [start, stop, input] of [
      ['optimization/start-model', 'optimization/stop-model', {}],
      ['remediation/run-job', 'remediation/stop-runbook', { target: 'restart-checkout' }],
    ] as const) {
      const parameters = { outcome: 'hang' }
      const started = await service.call(`/v1/${start}`, triggered({ input: { ...input, parameters } }))
      expect(started).toMatchObject({ status: 200, body: { data: { state: 'started' } } })
      const stopped = await service.call(`/v1/${stop}`, triggered({ input: { id: started.body.data.id } }))
      expect(stopped).toMatchObject({
        status: 200,
        body: { result: 'pass', message: expect.stringContaining('Stopped') },
      })
    }
    const [atDatabricks, atRundeck] = await Promise.all([runsOf('databricks'), runsOf('rundeck')])
    expect([atDatabricks.at(-1)?.status, atRundeck.at(-1)?.status]).toEqual(['CANCELED', 'aborted'])
  })
})
