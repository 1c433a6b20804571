import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { keptnEventLog } from '../../infra/keptn/event-log.ts'
import { playSequence } from '../../infra/keptn/player.ts'
import { loadSequence, type SequenceFiles } from '../../infra/keptn/sequence-files.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { Service, triggered } from './service.ts'

const names = ['chaos', 'remediation', 'optimization', 'slo', 'ticket'] as const
const played = {} as Record<(typeof names)[number], Awaited<ReturnType<typeof play>>>
let service: Service
beforeAll(async () => {
  service = await new Service({ timeScale: 4 }).start()
  await Promise.all(
    names.map(async (name) => {
      played[name] = await play(loadSequence(name))
    }),
  )
})
afterAll(() => service.end())

const list = async (name: string) => (await service.call(`/sandbox/${name}`, undefined, { method: 'GET' })).body

const runsOf = async (platform: string) =>
  ((await list('runs')) as { platform: string; status: string }[]).filter((run) => run.platform === platform)

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

/** Returns the last result of a task of the sequence. */
// biome-ignore lint/suspicious/noExplicitAny: the tests assert on any body.
async function answerOf(task: string): Promise<any> {
  const events = await service.events()
  return events.filter(({ type }) => type === `sh.keptn.event.${task}.finished`).at(-1)?.data
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
  const injections = async () => (await service.requests('toxiproxy')).filter(({ method }) => method !== 'GET')

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
    expect(await list('toxics')).toEqual([])
    expect((await injections()).map(({ method, status }) => [method, status])).toEqual([
      ['POST', 200],
      ['DELETE', 204],
    ])
  })

  it('ends if the shop fails the test, and removes the fault', async () => {
    const files = loadSequence('chaos')
    for (const { tasks } of files.sequences) {
      for (const { name, properties } of tasks) {
        if (name === 'chaos') Object.assign(properties, { latency: 3_500, duration: 'PT6S' })
      }
    }
    const { passed, tasks } = await play(files)
    expect([passed, tasks.map(({ name }) => name)]).toEqual([false, ['test', 'chaos']])
    expect(tasks[1]?.outcome).toMatchObject({ status: 'succeeded', result: 'fail' })
    expect(await list('toxics')).toEqual([])
  })
})

it('An evaluation without a timeframe uses the times of the preceding test', async () => {
  const files = loadSequence('release')
  const [staging] = files.sequences
  if (!staging) throw new Error('The sequence release has no stage.')
  for (const { name, properties } of staging.tasks) {
    if (name === 'evaluation') Reflect.deleteProperty(properties, 'timeframe')
  }
  const { passed, text } = await play({ ...files, sequences: [staging] })
  expect({ passed, text }).toEqual({ passed: true, text: expect.any(String) })
  const [{ deployment }, { test }, { evaluation }] = await Promise.all(
    ['deployment', 'test', 'evaluation'].map(answerOf),
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
    'restart-service (run-runbook): Execution 1 ended as succeeded',
    expect.any(String),
  ])
  const flag = (await list('flags')).find(({ name }: { name: string }) => name === 'slow-recommendations')
  expect(flag.environments).toContainEqual(expect.objectContaining({ name: 'production', enabled: false }))
  const inputs = { service: 'checkout', key: expect.stringMatching(/^[0-9a-f]{40}$/) }
  expect(await runsOf('rundeck')).toMatchObject([{ job: 'restart-checkout', inputs }])
})

it('The optimization sequence tunes a model above a threshold and returns its best configuration', async () => {
  const { passed, tasks, text } = played.optimization
  expect({ passed, text }).toEqual({ passed: true, text: expect.any(String) })
  expect(tasks.map(({ name }) => name)).toEqual(['tuning', 'notify'])
  expect(await answerOf('tuning')).toMatchObject({
    result: 'pass',
    tuning: {
      output: { best: { factors: 96 }, accuracy: 0.93, trials: 40 },
      thresholds: [{ metric: 'accuracy', actual: 0.93, result: 'pass' }],
    },
  })
  const inputs = { service: 'casdemoapp', trials: '40' }
  expect(await runsOf('databricks')).toMatchObject([{ job: 'tune-recommender', inputs }])
})

it('The ticket sequence closes the issue that it opened, with both comments', async () => {
  const { passed, text } = played.ticket
  expect({ passed, text }).toEqual({ passed: true, text: expect.any(String) })
  const { id } = (await answerOf('open-ticket'))['open-ticket']
  expect((await answerOf('close-ticket'))['close-ticket']).toMatchObject({ id, state: 'closed' })
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
  const ended = async (action: string, input: object, query = '') => {
    const event = triggered({ type: 'sh.keptn.event.job.triggered', input })
    expect(await service.call(`/v1/${action}?mode=interactive&sendStarted=true${query}`, event)).toMatchObject({
      status: 202,
    })
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toHaveLength(1)
    return finished[0]
  }
  const thresholds = [{ metric: 'accuracy', op: '>=', value: 0.9 }]

  it.each([
    ['fails', 'failure', '', { status: 'succeeded', result: 'fail' }, /RUN_EXECUTION_ERROR: .*all trials failed/],
    ['ends in nonsense', 'nonsense', '', { status: 'succeeded', result: 'fail' }, /accuracy/],
    ['vanishes', 'vanish', '&deadline=PT10S', { status: 'errored', result: 'fail' }, /Run \d+ does not exist/],
    ['hangs', 'hang', '&deadline=PT4S', { status: 'errored', result: 'fail' }, /deadline/],
  ])('on Databricks that %s is reported as such', async (_, outcome, query, end, message) => {
    const input = { parameters: { seconds: 1, outcome }, thresholds }
    const answer = await ended('optimization/start-model', input, query)
    expect(answer).toMatchObject({ ...end, message: expect.stringMatching(message) })
  })

  it.each([
    ['fails', 'failure', '', { status: 'succeeded', result: 'fail' }, /failed: step 2 failed on shop-2/],
    ['ends in nonsense', 'nonsense', '', { status: 'succeeded', result: 'fail' }, /its status is "gone fishing"/],
    ['vanishes', 'vanish', '&deadline=PT10S', { status: 'errored', result: 'fail' }, /Execution ID does not exist/],
    ['hangs', 'hang', '&deadline=PT4S', { status: 'errored', result: 'fail' }, /deadline/],
  ])('on Rundeck that %s is reported as such', async (_, outcome, query, end, message) => {
    const input = { target: 'clear-cache', parameters: { seconds: 1, outcome } }
    const answer = await ended('remediation/run-runbook', input, query)
    expect(answer).toMatchObject({ ...end, message: expect.stringMatching(message) })
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
