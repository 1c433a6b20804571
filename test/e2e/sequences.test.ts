import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { keptnEventLog } from '../../infra/sandbox/keptn/event-log.ts'
import { playSequence } from '../../infra/sandbox/keptn/player.ts'
import { loadSequence, loadSequenceFolder, type SequenceFiles } from '../../infra/sandbox/keptn/sequence-files.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import type { MessageSummary } from '../../infra/sandbox/platforms/slack/responses.ts'
import { spawnWebhooks, webhooks } from '../infra/cli/webhooks.ts'
import type { Ended } from '../runner/in-process.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { waitForAll } from '../wait-for-all.ts'
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
  ['failure', 'optimization/start-model', model, '', failed, /RUN_EXECUTION_ERROR: .*all trials failed/],
  ['nonsense', 'optimization/start-model', model, '', failed, /accuracy/],
  ['vanish', 'optimization/start-model', model, '', errored, /Run \d+ does not exist/],
  ['hang', 'optimization/start-model', model, '&deadline=PT3S', errored, /deadline/],
  ['failure', 'remediation/run-runbook', runbook, '', failed, /failed: step 2 failed on shop-2/],
  ['nonsense', 'remediation/run-runbook', runbook, '', failed, /its status is "gone fishing"/],
  ['vanish', 'remediation/run-runbook', runbook, '', errored, /Execution ID does not exist/],
  ['hang', 'remediation/run-runbook', runbook, '&deadline=PT3S', errored, /deadline/],
] as const

const sequences = {
  chaos: ['test load-testing', 'chaos chaos-testing', 'chaos load-testing', 'test load-testing', 'evaluation slo'],
  incident: ['openticket incident-management', 'toggleflag feature-flags', 'evaluation slo', 'notify webhook-service'],
  optimization: ['tuning optimization', 'notify webhook-service'],
  remediation: ['action remediation', 'action remediation', 'evaluation slo'],
  ticket: ['open-ticket issue-ticketing', 'comment-ticket webhook-service', 'close-ticket issue-ticketing'],
}
type Played = Awaited<ReturnType<typeof play>>
/** How people decide about releases: an action, and who tries it. */
const decisions = { approved: ['approve', 'jane'], rejected: ['reject', 'jane'], tried: ['approve', 'ben', 'jane'] }
const played = {} as Record<keyof typeof sequences | keyof typeof decisions, Played>
/** The release sequence from its second stage, which starts with the approval. */
const production = temporaryFolder()
cpSync(join(import.meta.dirname, '../../examples/keptn-release'), production, { recursive: true })
/** The complete release. */
const complete = join(temporaryFolder(), 'release')
cpSync(production, complete, { recursive: true })
// A busy machine has a higher latency.
const webhook = readFileSync(join(complete, 'webhook.yaml'), 'utf8')
writeFileSync(join(complete, 'webhook.yaml'), webhook.replace('\\"value\\":2000', '\\"value\\":60000'))
const event = readFileSync(join(production, 'event.json'), 'utf8')
writeFileSync(join(production, 'event.json'), event.replaceAll('staging', 'production'))
const service = await new Service({ timeScale: 30 }).start()
afterAll(() => service.end())

async function play(files: SequenceFiles, onAccepted?: Parameters<typeof playSequence>[0]['onAccepted']) {
  const lines: string[] = []
  const { passed, tasks, context } = await playSequence({
    files,
    url: service.url,
    token: demo.callerToken,
    onAccepted,
    log: keptnEventLog(`${service.url}/sandbox/keptn`, demo.keptnToken),
    print: (line) => lines.push(line),
  })
  const events = (await service.events()).filter(({ shkeptncontext }) => shkeptncontext === context)
  return {
    passed,
    tasks,
    context,
    text: lines.join('\n'),
    results: tasks.map(({ name, outcome }) => `${name} ${outcome?.result}`),
    messages: tasks.map(({ outcome }) => outcome?.message),
    /** Returns the data of the events of a task. */
    // biome-ignore lint/suspicious/noExplicitAny: the tests assert on any event.
    of: (task: string, kind = 'finished'): any[] =>
      events.filter(({ type }) => type === `sh.keptn.event.${task}.${kind}`).map(({ data }) => data),
  }
}

/** Replaces the duration of load tests, and accepts the latency of a busy machine. */
function withDurations(files: SequenceFiles, durations: Record<string, string>): SequenceFiles {
  for (const request of files.webhooks.flatMap(({ requests }) => requests))
    if (typeof request !== 'string')
      request.payload = request.payload
        .replace(/PT\d+S/, (duration) => durations[duration] ?? duration)
        .replace(/(?<="p95","op":"<","value":)\d+/, '9000')
  return files
}

/** The chaos sequence with shorter tests, and an evaluation without a timeframe. */
function shortChaos(): SequenceFiles {
  const files = withDurations(loadSequence('chaos'), { PT3S: 'PT1S', PT5S: 'PT3S' })
  for (const { name, properties = {} } of files.sequences.flatMap(({ tasks }) => tasks)) {
    // Longer than the load test, which a busy machine starts late.
    if (name === 'chaos') properties['duration'] = 'PT20S'
    if (name === 'evaluation') Reflect.deleteProperty(properties, 'timeframe')
  }
  return files
}

const runsOf = async (platform: string) =>
  (
    (await service.list('runs')) as { platform: string; status: string; job: string; inputs: Record<string, string> }[]
  ).filter((run) => run.platform === platform)
const messages = (): Promise<MessageSummary[]> => service.list('messages')

/** Runs the production stage of the release. Passes the question of its approval to `decide`. */
function release(decide: (question: MessageSummary) => Promise<void>): Promise<Played> {
  return play(loadSequenceFolder(production), async ({ taskId, statusUrl }) => {
    if (!statusUrl.includes('/notification/')) return
    const find = async () => (await messages()).find(({ metadata }) => metadata?.event_payload['key'] === taskId)
    await service.until(find, 'the question')
    await decide((await find()) as MessageSummary)
  })
}

/** The results of the runs of `outcomes`, in this order. */
// biome-ignore lint/suspicious/noExplicitAny: the tests assert on any result.
let ends: any[]
let byCommand: Ended
const questions: MessageSummary[] = []
beforeAll(async () => {
  const playOne = async (name: keyof typeof sequences) => {
    played[name] = await play(name === 'chaos' ? shortChaos() : loadSequence(name))
  }
  const { incident: _, remediation: _1, ...others } = sequences
  // Both turn off the same flag.
  const playBoth = playOne('remediation').then(() => playOne('incident'))
  const playAll = [playBoth, ...(Object.keys(others) as (keyof typeof others)[]).map(playOne)]
  const endAll = outcomes.map(([outcome, action, input, query]) => endOf(action, input(outcome), query))
  const commanded = webhooks(['sequence', '--file', complete, '--url', service.url])
  ends = await waitForAll(endAll)
  const decideAll = (Object.keys(decisions) as (keyof typeof decisions)[]).map(async (name) => {
    const [action = '', ...users] = decisions[name]
    played[name] = await release(async (question) => {
      questions.push(question)
      for (const user of users) await service.press(question, action, user)
    })
  })
  await waitForAll([...playAll, ...decideAll])
  byCommand = await commanded
})

/** Runs a job and returns its result. */
async function endOf(action: string, input: object, query: string) {
  const event = triggered({ type: 'sh.keptn.event.job.triggered', input })
  expect(await service.call(`/v1/${action}?mode=interactive&sendStarted=true${query}`, event)).toMatchObject({
    status: 202,
  })
  const hasEnded = async () => (await service.repliesTo(event.id)).finished.length > 0
  await service.until(hasEnded, `the end of ${action}`)
  return (await service.repliesTo(event.id)).finished
}

it.each(Object.entries(sequences))(
  'The %s sequence completes, with each task run by one of the functions',
  async (name, tasks) => {
    const { passed, context, text } = played[name as keyof typeof sequences]
    expect({ passed, text }).toEqual({ passed: true, text: expect.any(String) })
    expect((await service.endedBy(context)).sort()).toEqual([...tasks].sort())
  },
)

describe('The chaos sequence', () => {
  it('slows the shop down during the test and restores it', async () => {
    const { results, messages } = played.chaos
    expect(results).toEqual(['test pass', 'chaos warning', 'test pass', 'evaluation pass'])
    expect(messages[1]).toContain('ended as removed')
    expect(Number(/p95 is ([\d.]+), not </.exec(messages[1] ?? '')?.[1])).toBeGreaterThan(1_000)
  })

  it('leaves no fault', async () => {
    expect(await service.list('toxics')).toEqual([])
    const injections = (await service.requests('toxiproxy')).filter(({ method }) => method !== 'GET')
    expect(injections).toMatchObject([
      { method: 'POST', status: 200 },
      { method: 'DELETE', status: 204 },
    ])
  })

  it('evaluates the times of the preceding test if there is no timeframe', () => {
    const { start, end } = played.chaos.of('test').at(-1).test
    const { timeStart, timeEnd } = played.chaos.of('evaluation')[0].evaluation
    for (const time of [start, end]) expect(time).toMatch(utc)
    expect(Date.parse(end)).toBeGreaterThan(Date.parse(start))
    expect([timeStart, timeEnd].map(Date.parse)).toEqual([start, end].map(Date.parse))
  })
})
const utc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

it('The remediation sequence turns a flag off and restarts a service through one webhook', async () => {
  expect(played.remediation.messages).toEqual([
    expect.stringMatching(/^toggle-feature \(toggle-flag\): slow-recommendations in production is off/),
    expect.stringMatching(/^restart-service \(run-runbook\): Execution \d+ ended as succeeded$/),
    expect.any(String),
  ])
  const flag = (await service.list('flags')).find(({ name }: { name: string }) => name === 'slow-recommendations')
  expect(flag.environments).toContainEqual(expect.objectContaining({ name: 'production', enabled: false }))
  const inputs = { service: 'checkout', key: expect.stringMatching(/^[0-9a-f]{40}$/) }
  expect((await runsOf('rundeck')).filter(({ job }) => job === 'restart-checkout')).toMatchObject([{ inputs }])
})

it('The optimization sequence tunes a model above a threshold and returns its best configuration', async () => {
  expect(played.optimization.of('tuning')).toMatchObject([
    {
      result: 'pass',
      tuning: {
        output: { best: { factors: 96 }, accuracy: 0.93, trials: 40 },
        thresholds: [{ metric: 'accuracy', actual: 0.93, result: 'pass' }],
      },
    },
  ])
  const inputs = { service: 'casdemoapp', trials: '40' }
  expect((await runsOf('databricks')).filter(({ inputs }) => inputs['trials'] === '40')).toMatchObject([
    { job: 'tune-recommender', inputs },
  ])
})

it('The ticket sequence closes the issue that it opened, with both comments', async () => {
  const { id } = played.ticket.of('open-ticket')[0]['open-ticket']
  expect(played.ticket.of('close-ticket')[0]['close-ticket']).toMatchObject({ id, state: 'closed' })
  const issue = (await service.issues()).find(({ title }) => title === 'Response time degradation')
  expect(issue).toMatchObject({ state: 'closed' })
  expect(JSON.stringify(issue.comments)).toMatch(/Work on the problem has started\..*Closed by the sequence\./s)
})

it('A task without the id of an earlier task ends the sequence and says how to send it', async () => {
  const files = loadSequence('ticket')
  for (const sequence of files.sequences) sequence.tasks = sequence.tasks.filter(({ name }) => name !== 'open-ticket')
  expect(await play(files)).toMatchObject({
    passed: false,
    results: ['comment-ticket fail'],
    messages: [expect.stringMatching(/input\.id is missing: .*webhooks config --from <task>/)],
  })
})

it('The incident sequence sends a message with a link to the ticket', async () => {
  const [ticket] = await service.list('incidents')
  expect((await messages()).find(({ blocks }) => blocks.some((text) => text.includes('Problem open')))).toMatchObject({
    channel: 'releases',
    buttons: [],
    blocks: [
      expect.stringContaining('Problem open: It\'s "slow" & <down>'),
      expect.stringContaining('State: open'),
      expect.stringContaining(`Ticket (${ticket.url})`),
    ],
  })
})

describe('A run in the sandbox', () => {
  it.each(outcomes.map(([outcome, action, , , end, message], at) => [outcome, action, at, end, message] as const))(
    'that ends as %s is reported as such by %s',
    (_outcome, _action, at, end, message) => {
      expect(ends[at]).toMatchObject([{ ...end, message: expect.stringMatching(message) }])
    },
  )

  it('on Databricks or Rundeck is stopped by the id from its start', async () => {
    for (const [start, stop, input] of [
      ['optimization/start-model', 'optimization/stop-model', {}],
      ['remediation/run-job', 'remediation/stop-runbook', { target: 'restart-checkout' }],
    ] as const) {
      const parameters = { outcome: 'hang' }
      const started = await service.call(`/v1/${start}`, triggered({ input: { ...input, parameters } }))
      expect(started).toMatchObject({ status: 200, body: { data: { state: 'started' } } })
      const stopped = await service.call(`/v1/${stop}`, triggered({ input: { id: started.body.data.id } }))
      const message = expect.stringContaining('Stopped')
      expect(stopped).toMatchObject({ status: 200, body: { result: 'pass', message } })
    }
    const isStopped = async () =>
      [(await runsOf('databricks')).at(-1)?.status, (await runsOf('rundeck')).at(-1)?.status].join() ===
      'CANCELED,aborted'
    await service.until(isStopped, 'the end of both runs')
  })
})

describe('The approval of the release sequence', () => {
  const approvals = ({ of }: Played) => [of('approval', 'started').length, of('approval')] as const

  it('waits for a click in the chat, continues once approved, and is closed then', async () => {
    for (const question of questions)
      expect(question).toMatchObject({
        channel: 'releases',
        buttons: [{ action: 'approve' }, { action: 'reject' }],
        text: expect.stringContaining('Release casdemoapp to production?'),
      })
    expect(played.approved).toMatchObject({
      passed: true,
      results: ['approval pass', 'deployment pass', 'evaluation pass'],
    })
    const by = 'Jane Doe (U0JANE)'
    expect(approvals(played.approved)).toEqual([
      1,
      [
        expect.objectContaining({
          status: 'succeeded',
          result: 'pass',
          message: `Approved by ${by}`,
          approval: expect.objectContaining({ decision: 'approved', by }),
        }),
      ],
    ])
    const { start, end } = played.approved.of('deployment')[0].deployment
    for (const time of [start, end]) expect(time).toMatch(utc)
    // A click that was repeated has a private response with the same words.
    const closed = (await messages()).filter(({ text, ephemeral }) => !ephemeral && text.includes(`Approved by ${by}`))
    expect(closed).toMatchObject(Array(3).fill({ edited: true, buttons: [] }))
  })

  it('ends the sequence without a deployment if it is rejected', () => {
    expect(played.rejected).toMatchObject({ passed: false, results: ['approval fail'] })
    expect(approvals(played.rejected)).toMatchObject([1, [{ status: 'succeeded', result: 'fail' }]])
  })

  it('is not decided by an unauthorized person', async () => {
    expect((await messages()).find(({ ephemeral }) => ephemeral === 'ben')).toMatchObject({
      text: 'Only jane@example.com may decide this. Nothing was changed.',
    })
    expect(played.tried.passed).toBe(true)
    expect(approvals(played.tried)).toMatchObject([1, [{ message: 'Approved by Jane Doe (U0JANE)' }]])
  })
})

describe('webhooks sequence release', () => {
  it('approves automatically without a terminal, and says so', async () => {
    const { code, out } = byCommand
    expect(out).toContain(`clicks Approve at ${service.url}/sandbox/slack as jane, because there is no terminal`)
    expect(out).toContain('approval.finished  succeeded/pass  Approved by Jane Doe (U0JANE)')
    const ends = [...out.matchAll(/ ([a-z]+)\.finished {2}succeeded\/pass .*\((.+)\)$/gm)]
    expect(ends.map(([, task, by]) => `${task} ${by?.split('/')[1]}`)).toEqual([
      'deployment ci-cd',
      'test load-testing',
      'evaluation slo',
      'approval notification',
      'deployment ci-cd',
      'evaluation slo',
    ])
    expect(out).toMatch(/test\.finished +succeeded\/pass +Load test [0-9a-f]+ ended as finished/)
    const image = 'registry.example.com/casdemoapp:1.4.2'
    const inputs = (await service.list('runs')).map((run: { inputs: object }) => run.inputs)
    for (const stage of ['staging', 'production'])
      expect(inputs).toContainEqual(expect.objectContaining({ stage, image }))
    expect({ code, end: out.slice(-200) }).toEqual({ code: 0, end: expect.stringContaining('release passed') })
  })

  it('says where to click and waits if it must not approve', async () => {
    const { child, ended } = spawnWebhooks(['sequence', '--file', production, '--no-approve', '--url', service.url], {})
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    await service.until(() => out.includes(`waits for a click at ${service.url}/sandbox/slack`), 'the question')
    await service.press(
      (await messages()).findLast(({ buttons }) => buttons.length > 0) as MessageSummary,
      'reject',
      'jane',
    )
    const { code } = await ended
    expect(out).toContain('approval.finished  succeeded/fail  Rejected by Jane Doe (U0JANE)')
    expect(out).not.toContain('clicks Approve')
    expect(code).toBe(1)
  })
})

/** Sets the value of the SLO on the page; an empty value means no data. */
async function setSlo(value: string): Promise<void> {
  const body = new URLSearchParams({ slo: 'casdemoapp', value })
  const { status } = await fetch(`${service.url}/sandbox/dynatrace/set`, { method: 'POST', body, redirect: 'manual' })
  expect(status).toBe(303)
}

describe('The slo sequence', () => {
  it.each([
    ['99.2', { status: 'succeeded', result: 'pass' }, 100, 'pass', 84],
    ['96', { status: 'succeeded', result: 'warning' }, 50, 'warning', 20],
    ['90', { status: 'succeeded', result: 'fail' }, 0, 'fail', -100],
  ])(
    'with an SLO at %s ends accordingly, with score and results, and reports to Dynatrace',
    async (value, end, score, status, errorBudget) => {
      await setSlo(value)
      const { passed, of, context } = await play(loadSequence('slo'))
      expect(passed).toBe(end.result !== 'fail')
      expect(await service.endedBy(context)).toEqual(['evaluation slo'])
      const [{ evaluation, ...rest }] = of('evaluation')
      expect(rest).toMatchObject(end)
      expect(evaluation).toMatchObject({
        result: end.result,
        score,
        errorBudget,
        indicatorResults: [
          {
            displayName: 'casdemoapp',
            status,
            value: { metric: 'casdemoapp', value: Number(value), success: true },
            passTargets: [{ criteria: '>=97.5', targetValue: 97.5 }],
            warningTargets: [{ criteria: '>=95', targetValue: 95 }],
          },
        ],
      })
      const { timeStart, timeEnd, url } = evaluation
      expect(Date.parse(timeEnd) - Date.parse(timeStart)).toBe(300_000)
      expect(await (await fetch(url)).text()).toContain(`succeed: ${value} %`)
      const report = (await service.list('reports')).at(-1)
      const title = expect.stringContaining(`(score ${score})`)
      expect(report).toMatchObject({ eventType: 'CUSTOM_INFO', title, entity: 'casdemoapp' })
      expect(new Date(report.startTime).toISOString()).toBe(new Date(timeStart).toISOString())
    },
  )

  it('with an SLO without data ends as errored, never as pass, and reports it', async () => {
    await setSlo('')
    const { passed, tasks, of } = await play(loadSequence('slo'))
    expect(passed).toBe(false)
    expect(tasks[0]?.outcome).toMatchObject({ status: 'errored', message: expect.stringContaining('no data') })
    expect(of('evaluation')[0].evaluation.indicatorResults[0].value.success).toBe(false)
    expect((await service.list('reports')).at(-1).title).toContain('errored')
  })

  it('is delayed by an outage of Dynatrace', async () => {
    await setSlo('99.2')
    await service.fault({ target: 'dynatrace', kind: '503', count: 2 })
    expect((await play(loadSequence('slo'))).results).toEqual(['evaluation pass'])
  })
})

describe('A missed SLO', () => {
  const ends = {
    incident: ['openticket pass', 'toggleflag pass', 'evaluation fail'],
    remediation: ['action pass', 'action pass', 'evaluation fail'],
    // In staging, without an approval or a production deployment.
    release: ['deployment pass', 'test pass', 'evaluation fail'],
  }
  const missed: Record<string, Played> = {}
  beforeAll(async () => {
    await setSlo('90')
    const playOne = async (name: string) => {
      missed[name] = await play(withDurations(loadSequence(name), { PT5S: 'PT1S' }))
    }
    await waitForAll(Object.keys(ends).map(playOne))
  })

  it.each(Object.entries(ends))('ends the sequence %s', (name, results) => {
    expect(missed[name]).toMatchObject({ passed: false, results })
  })
})

it('An SLO file compares with earlier passing evaluations, except invalidated ones', async () => {
  const log = keptnEventLog(`${service.url}/sandbox/keptn`, demo.keptnToken)
  const evaluate = async (value: string) => {
    await setSlo(value)
    const sloFile = {
      comparison: { compare_with: 'single_result', include_result_with_score: 'pass' },
      objectives: [{ sli: 'availability', pass: [{ criteria: ['>=-1'] }] }],
      total_score: { pass: '100%' },
    }
    const queries = [{ name: 'availability', query: 'casdemoapp' }]
    const data = { project: 'compared', stage: 'production', service: 'casdemoapp' }
    const event = triggered({ type: 'sh.keptn.event.evaluation.triggered', data })
    const input = { timeframe: '5m', queries, sloFile }
    const path = '/v1/slo/request-evaluation?mode=interactive&sendStarted=true'
    expect((await service.call(path, { ...event, input })).status).toBe(202)
    // Keptn records an event a moment after it has accepted it.
    const isRecorded = async () => (await log.read(event.shkeptncontext)).some(({ type }) => type.endsWith('.finished'))
    await service.until(isRecorded, 'the recorded result')
    const [{ result, evaluation }] = (await service.repliesTo(event.id)).finished
    return { event, compared: [result, evaluation.indicatorResults[0].value.comparedValue] }
  }
  expect((await evaluate('97')).compared).toEqual(['pass', undefined])
  const second = await evaluate('99')
  expect(second.compared).toEqual(['pass', 97])
  // Failed evaluations are not compared.
  expect((await evaluate('90')).compared).toEqual(['fail', 99])
  expect((await evaluate('96.5')).compared).toEqual(['fail', 99])
  const { id, shkeptncontext, data } = second.event
  const invalidated = { type: 'sh.keptn.event.evaluation.invalidated', source: 'bridge', triggeredid: id }
  const headers = { 'x-token': demo.keptnToken }
  const sent = { ...invalidated, shkeptncontext, data }
  expect((await service.call('/sandbox/keptn/api/v1/event', sent, { token: null, headers })).status).toBe(200)
  expect((await evaluate('96.5')).compared).toEqual(['pass', 97])
})
