import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from '@jest/globals'
import fc from 'fast-check'
import * as z from 'zod/mini'
import { messageOf, templates } from '../../../functions/notification/templates/index.ts'
import { preview } from '../../../infra/sandbox/keptn/preview.ts'
import type { GoObject } from '../../../infra/sandbox/keptn/template/values.ts'
import { parseBody } from '../../../shared/core/webhook/body.ts'
import { type CallEvent, parseEvent } from '../../../shared/orchestrators/event/event.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { anyCharacter } from '../../shared/text/any-character.ts'

const checkout = { project: 'shop', stage: 'production', service: 'checkout' }
const place = 'Project: shop | Stage: production | Service: checkout'
const passed = { status: 'succeeded', result: 'pass' }
const failed = { status: 'succeeded', result: 'fail' }
const bridge = 'https://keptn.example.com/bridge/trace/7c2c890f'
type Data = Record<string, unknown>

const occasion = (type: string, data: Data = {}) => ({
  event: parseEvent({ type: `sh.keptn.event.${type}`, data: { ...checkout, ...data } }),
  sequenceUrl: undefined,
})
const messageFor = (type: string, data: Data = {}, template?: keyof typeof templates) =>
  messageOf(occasion(type, data), template)
/** Returns the fields, the rows and the links of a message as lines. */
const shown = ({ fields, table, links, ...message }: Message) => ({
  ...message,
  fields: fields.map(({ name, value }) => `${name}: ${value}`).join(' | '),
  ...(table
    ? { table: [table.columns.join(' | '), ...table.rows.map(({ mood, cells }) => `${mood}: ${cells.join(' | ')}`)] }
    : {}),
  links: links.map(({ label, url }) => `${label}: ${url}`).join(' | '),
})
const field = ({ fields }: Message, name: string) => fields.find((one) => one.name === name)?.value

// An event of lighthouse-service, from keptn/spec, cloudevents.md and the examples of the Bridge.
const indicatorResults = [
  {
    displayName: 'Response time P95',
    keySli: false,
    score: 1,
    status: 'pass',
    passTargets: [
      { criteria: '<=+10%', targetValue: 392.5944454106811, violated: false },
      { criteria: '<600', targetValue: 600, violated: false },
    ],
    warningTargets: [{ criteria: '<=800', targetValue: 800, violated: false }],
    value: { metric: 'response_time_p95', success: true, value: 364.2398472 },
  },
  {
    displayName: 'Error rate',
    keySli: true,
    score: 0.5,
    status: 'warning',
    passTargets: [{ criteria: '=0', targetValue: 0, violated: true }],
    warningTargets: [{ criteria: '<1', targetValue: 1, violated: false }],
    value: { metric: 'error_rate', success: true, value: 0.40115315268094 },
  },
  {
    displayName: '',
    keySli: false,
    passTargets: null,
    warningTargets: null,
    score: 0,
    status: 'info',
    value: { metric: 'throughput', success: true, value: 18483.6 },
  },
  {
    displayName: 'Page load',
    keySli: false,
    warningTargets: null,
    score: 0,
    status: 'fail',
    passTargets: [{ criteria: '<=+10%', targetValue: 0, violated: true }],
    value: { metric: 'page_load', success: false, value: 0, message: 'Unsupported SLI metric page_load.' },
  },
]
const evaluation = {
  timeStart: '2021-03-16T12:44:54.120Z',
  timeEnd: '2021-03-16T12:46:58Z',
  result: 'warning',
  score: 83.33333333,
  sloFileContent: 'LS0tDQpzcGVjX3ZlcnNpb246ICIxLjAi'.repeat(1_000),
  indicatorResults,
  comparedEvents: ['8ad74029-5ceb-4680-b697-d1701078faff'],
  gitCommit: '',
}

describe('template evaluation', () => {
  it('shows the score and the objectives, the worst first', () => {
    const labels = { build: '1.4.2', pipeline: 'https://ci.example.com/runs/33' }
    const data = { status: 'succeeded', result: 'warning', message: '', evaluation, labels }
    const { event } = occasion('evaluation.finished', data)
    expect(shown(messageOf({ event, sequenceUrl: bridge }))).toEqual({
      mood: 'warning',
      title: 'Evaluation of checkout in shop/production ended with a warning (score 83.33)',
      fields: `${place} | Result: warning | Score: 83.33 | Period: 2021-03-16 12:44:54 to 12:46:58 UTC (2 min 4 s) | build: 1.4.2`,
      table: [
        'Objective | Value | Target | Score',
        'bad: Page load | none: Unsupported SLI metric page_load. | <= +10% | 0',
        'warning: Error rate (key) | 0.4012 | = 0; warning < 1 | 0.5',
        'good: Response time P95 | 364.2 | <= +10% (392.6), < 600; warning <= 800 | 1',
        'neutral: throughput | 18484 |  | 0',
      ],
      links: `Open in the orchestrator: ${bridge} | pipeline: https://ci.example.com/runs/33`,
    })
  })

  it.each([
    [passed, { score: 92 }, 'good', 'passed (score 92)'],
    [failed, { score: 0 }, 'bad', 'failed (score 0)'],
    [{ status: 'errored', result: 'fail' }, { score: 0 }, 'bad', 'errored'],
    [{ status: 'aborted', result: 'fail' }, { score: 0 }, 'bad', 'was aborted (score 0)'],
    [{ status: 'unknown', result: 'other' }, {}, 'neutral', 'has finished'],
    // An event without a result has that of its evaluation.
    [{}, { score: '100', result: 'pass' }, 'good', 'passed (score 100)'],
  ])('describes %j with %j', (data, evaluation, mood, end) => {
    const message = messageFor('evaluation.finished', { ...data, evaluation })
    expect(message).toMatchObject({ mood, title: `Evaluation of checkout in shop/production ${end}` })
    expect(field(message, 'Result')).toBe('result' in evaluation ? evaluation.result : (data as Data)['result'])
  })

  it('omits earlier results from a triggered event', () => {
    expect(shown(messageFor('evaluation.triggered', { ...passed, evaluation }))).toEqual({
      mood: 'neutral',
      title: 'Evaluation of checkout in shop/production was triggered',
      fields: `${place} | Result so far: pass`,
      links: '',
    })
  })

  it('counts objectives beyond 20, with the worst mood', () => {
    const rows = (count: number, status: string) =>
      Array.from({ length: count }, (_, at) => ({ ...indicatorResults[0], displayName: `${status} ${at}`, status }))
    const all = { score: 1, indicatorResults: [...rows(15, 'pass'), ...rows(23, 'fail')] }
    const { table } = messageFor('evaluation.finished', { evaluation: all })
    expect(table?.rows).toHaveLength(21)
    expect(table?.rows[0]?.cells[0]).toBe('fail 0')
    expect(table?.rows[20]).toEqual({ mood: 'bad', cells: ['and 18 more', '', '', ''] })
  })

  it('is selected by the content of an event', () => {
    expect(messageFor('slo-check.finished', { ...passed, 'slo-check': evaluation }).table?.rows).toHaveLength(4)
    expect(field(messageFor('quiz.finished', { ...passed, quiz: { score: 7, players: 2 } }), 'Players')).toBe('2')
  })

  it('accepts the names of the specification', () => {
    const { table } = messageFor('evaluation.finished', { evaluation: { indicatorResults: [{ status: 'failed' }] } })
    expect(table?.rows).toEqual([{ mood: 'bad', cells: ['Unnamed', '', '', ''] }])
  })

  it('shows no length for a negative period', () => {
    const turned = { timeStart: evaluation.timeEnd, timeEnd: evaluation.timeStart }
    const message = messageFor('evaluation.finished', { evaluation: turned })
    expect(field(message, 'Period')).toBe('2021-03-16 12:46:58 to 12:44:54 UTC')
  })

  it.each([
    [1_002.6278552658177, '1003'],
    [123_456_789.4, '123456789'],
    [99.999, '100'],
    [-0.000012345678, '-0.00001235'],
    ['1.2345678e+07', '12345678'],
    ['0', '0'],
    ['1e999', ''],
    ['0x10', ''],
    [{}, ''],
    [Number.NaN, ''],
  ])('formats %j as %j', (value, text) => {
    const { table } = messageFor('evaluation.finished', { evaluation: { indicatorResults: [{ value: { value } }] } })
    expect(table?.rows[0]?.cells[1]).toBe(text)
  })
})

describe('event from the form in the README', () => {
  const readme = readFileSync(new URL('../../../functions/notification/README.md', import.meta.url), 'utf8')
  const blocks = [...readme.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml = '']) => yaml)
  const webhook = blocks.find((yaml) => yaml.includes('indicatorResults')) ?? ''
  const type = 'sh.keptn.event.evaluation.finished'
  const labels = { build: `It's "1" & <2>; $3 | 100 % ü`, pipeline: 'https://ci.example.com/runs/33' }

  /** Returns the event that the webhook configuration sends. */
  function sent(data: Data): CallEvent {
    const event = { id: 'e', shkeptncontext: 'c', type, data } as GoObject
    const rendered = preview(webhook, event, { secret_webhooks_token: 'token' })
    if (!('results' in rendered)) throw new Error(JSON.stringify(rendered))
    const [result] = rendered.results
    if (!result || 'refused' in result) throw new Error(result?.refused ?? 'No request')
    const body = result.argv[result.argv.indexOf('--data') + 1] ?? ''
    return parseEvent(parseBody(body, false, 'application/x-www-form-urlencoded'))
  }

  it('results in the same message as a JSON event', () => {
    const data = { ...checkout, status: 'succeeded', result: 'warning', message: 'Ünder\n800 ms', labels, evaluation }
    const { sloFileContent: _, ...event } = evaluation
    const expected = messageOf({
      event: parseEvent({ type, data: { ...data, evaluation: event } }),
      sequenceUrl: bridge,
    })
    expect(messageOf({ event: sent(data), sequenceUrl: bridge })).toEqual(expected)
  })

  it.each([{}, { labels: null, evaluation: { ...evaluation, indicatorResults: null } }])(
    'can lack any field',
    (data) => {
      const { title } = messageOf({ event: sent({ ...checkout, ...data }), sequenceUrl: undefined })
      expect(title).toMatch(/^Evaluation of checkout in shop\/production has finished/)
    },
  )
})

describe('template deployment', () => {
  const deployed = {
    deploymentstrategy: 'blue_green_service',
    deploymentURIsLocal: ['http://carts.svc.cluster.local'],
    deploymentURIsPublic: ['http://carts.sockshop-staging.example.com:80'],
    deploymentNames: ['carts-primary', 'carts-generated'],
    gitCommit: 'ca82a6dff817gc66f44342007202690a93763949',
  }

  it('shows the strategy and links to the service', () => {
    const data = { ...passed, message: 'Deployed\n\nin two steps', deployment: deployed }
    const more = 'Strategy: blue_green_service | Deployments: carts-primary, carts-generated'
    expect(shown(messageFor('deployment.finished', data))).toEqual({
      mood: 'good',
      title: 'Deployment of checkout in shop/production succeeded',
      text: 'Deployed\n\nin two steps',
      fields: `${place} | Result: pass | ${more} | Commit: ca82a6dff817gc66f44342007202690a93763949`,
      links: 'Open the deployment: http://carts.sockshop-staging.example.com/',
    })
  })

  it.each([
    ['the local address', { ...deployed, deploymentURIsPublic: [''] }, 'http://carts.svc.cluster.local/'],
    ['a text', { deploymentURIsPublic: 'https://shop.example/' }, 'https://shop.example/'],
    ['a list in a form', { deploymentURIsPublic: { 0: 'https://shop.example/', 1: 'x' } }, 'https://shop.example/'],
  ])('links to %s', (_what, deployment, url) => {
    expect(shown(messageFor('deployment.finished', { deployment })).links).toBe(`Open the deployment: ${url}`)
  })

  it('shows the results of our deployments', () => {
    const url = 'https://github.com/demo/shop/actions/runs/33'
    const deployment = {
      id: 'demo/shop#33',
      url,
      state: 'completed/failure',
      failedJob: 'deploy',
      images: ['shop:1.4.2', 'db:16'],
    }
    const message = 'Run demo/shop#33 ended as failure'
    expect(shown(messageFor('deployment.finished', { ...failed, message, deployment }))).toMatchObject({
      title: 'Deployment of checkout in shop/production failed',
      fields: `${place} | Result: fail | State: completed/failure | Failed job: deploy | Images: shop:1.4.2, db:16`,
      links: `demo/shop#33: ${url}`,
    })
  })

  const call = "could not execute request 'curl --request POST --data 'id=1&input.title={{.data.title}}' http://x': "
  const problem = (detail: string) => JSON.stringify({ type: 'about:blank', title: 'Invalid', status: 400, detail })
  const response = (body: string) => `${call}error during curl request execution: HTTP 400.\nResponse: \n${body}`
  const said = 'input.id is "7": Response: none'
  it.each([
    ['the detail of the response', response(problem(said)), said],
    ['a detail that is cut off', response(problem(said)).slice(0, -12), 'input.id is "7": Resp'],
    [
      'a response without a detail',
      response('<html>'),
      'error during curl request execution: HTTP 400.\nResponse: \n<html>',
    ],
    [
      'the reason of a refused call',
      `${call}curl command contains denied character '|'`,
      "curl command contains denied character '|'",
    ],
    ['a message without a reason', call.slice(0, 40), call.slice(0, 40)],
  ])('shows of a silent call that failed %s', (_, message, text) => {
    expect(messageFor('deployment.finished', { ...failed, message }).text).toBe(text)
  })

  it.each([
    ['deployment.triggered', 'Deployment of checkout in shop/production was triggered'],
    ['deployment.started', 'Deployment of checkout in shop/production has started'],
    ['deployment.status.changed', 'Deployment of checkout in shop/production is in progress'],
    ['release.finished', 'Release of checkout in shop/production failed'],
    ['rollback.finished', 'Rollback of checkout in shop/production failed'],
  ])('has the title for %s', (type, title) => {
    expect(messageFor(type, failed)).toMatchObject({ title, mood: type.endsWith('finished') ? 'bad' : 'neutral' })
  })
})

test.each([
  [{ scoreText: '87.5', score: '95', result: 'warning' }, 'Evaluation score: 87.5'],
  [{ score: 95, result: 'warning' }, 'Evaluation: warning'],
])('The message of a later task shows the image and the earlier evaluation %j', (evaluation, words) => {
  const configurationChange = { values: { image: 'registry.example.com/checkout:2.3.1' } }
  const { fields } = shown(messageFor('notify.triggered', { result: 'warning', configurationChange, evaluation }))
  expect(fields).toContain('Image: registry.example.com/checkout:2.3.1')
  expect(fields.split(' | ').filter((one) => one.startsWith('Evaluation'))).toEqual([words])
})

describe('template test', () => {
  it('shows the period', () => {
    const ran = { start: '2019-10-20T23:57:27.152330783Z', end: '2019-10-21T00:57:27.152330783Z' }
    const period = 'Period: 2019-10-20 23:57:27 to 2019-10-21 00:57:27 UTC (1 h)'
    expect(shown(messageFor('test.finished', { ...passed, test: { ...ran, teststrategy: 'functional' } }))).toEqual({
      mood: 'good',
      title: 'Test of checkout in shop/production passed',
      fields: `${place} | Result: pass | Strategy: functional | ${period}`,
      links: '',
    })
  })

  it('shows metrics and thresholds of our load tests', () => {
    const thresholds = [
      { metric: 'rps', op: '>=', value: 10, actual: 19.98, result: 'pass' },
      { metric: 'users', op: '<', value: 50, actual: null, result: 'fail' },
      { metric: 'errorRate', op: '<', value: 0.05, warn: 0.01, actual: 0.0123, result: 'warning' },
      { metric: 'p95', op: '<', value: 500, warn: 400, actual: 612.4, result: 'fail' },
    ]
    const measured = { duration: 90, requests: 1_198, errors: 15, errorRate: 0.0125, p95: 612.4, rps: 19.98 }
    const ran = { id: '7', state: 'finished', ...measured, statuses: { 200: 1_183, 500: 15 }, thresholds }
    const { fields, table } = shown(messageFor('test.finished', { ...failed, test: ran }))
    const metrics = 'P95: 612.4 ms | Error rate: 1.25 % | Rps: 19.98 per second | Requests: 1198 | Errors: 15'
    expect(fields).toBe(`${place} | Result: fail | ${metrics} | Duration: 1 min 30 s | Id: 7 | State: finished`)
    expect(table).toEqual([
      'Metric | Value | Target',
      'bad: Users | not measured | < 50',
      'bad: P95 | 612.4 ms | < 400 ms; warning < 500 ms',
      'warning: Error rate | 1.23 % | < 1 %; warning < 5 %',
      'good: Rps | 19.98 per second | >= 10 per second',
    ])
  })

  it.each([
    ['Duration', { duration: 'half an hour' }, 'half an hour'],
    ['Period', { start: '2019-09-01 12:00', end: '2019-09-01 12:05' }, '2019-09-01 12:00 to 2019-09-01 12:05'],
    ['Duration', { duration: 0.4 }, '0.4 s'],
    ['Duration', { duration: 59.7 }, '1 min'],
    ['Duration', { duration: 3_600 }, '1 h'],
    ['Duration', { duration: 93_784 }, '1 d 2 h'],
    ['Duration', { duration: 86_460 }, '1 d'],
    ['Duration', { duration: -5 }, '-5 s'],
  ])('shows the field %s of %j as %s', (name, ran, text) => {
    expect(field(messageFor('test.finished', { test: ran }), name)).toBe(text)
  })
})

describe('template problem', () => {
  const problem = {
    State: 'OPEN',
    ProblemID: 'P-220355',
    PID: '93a5-3fas-a09d-8ckf',
    ProblemTitle: 'Response time degradation',
    ProblemURL: 'https://monitoring.example.com/#problems/problemdetails;pid=93a5-3fas-a09d-8ckf',
    ProblemSeverity: 'PERFORMANCE',
    ProblemImpact: 'SERVICE',
    ImpactedEntity: 'carts-primary',
    Tags: 'keptn_project:shop, keptn_service:checkout',
    ProblemDetails: { displayName: '641', hasRootCause: false },
  }
  const { State: _, ...stateless } = problem
  const titled = 'Response time degradation (checkout in shop/production)'
  const link = `Problem P-220355: ${problem.ProblemURL}`

  it('shows the problem and the state of the task', () => {
    const details = 'State: open | Severity: PERFORMANCE | Impact: SERVICE | Impacted entity: carts-primary'
    expect(shown(messageFor('remediation.triggered', { problem }))).toEqual({
      mood: 'bad',
      title: `Problem open: ${titled}`,
      links: link,
      fields: `${place} | ${details} | Tags: ${problem.Tags} | Event: remediation was triggered`,
    })
  })

  it.each<[what: string, name: string, state: string, more: Data, field: string, value: string]>([
    ['the incident of the quick start', 'incident', 'RESOLVED', {}, 'Event', 'Sequence go was triggered'],
    [
      'the notification of Dynatrace',
      'dynatraceProblem',
      'CLOSED',
      { ImpactedEntity: undefined, ImpactedEntities: [{ type: 'HOST', name: 'carts' }, { name: 'web-1' }] },
      'Impacted entities',
      'carts, web-1',
    ],
  ])('accepts %s', (_what, name, State, more, shownField, value) => {
    const message = messageFor('production.go.triggered', { [name]: { ...problem, State, ...more } })
    expect(message).toMatchObject({ mood: 'good', title: `Problem ${State.toLowerCase()}: ${titled}` })
    expect(shown(message).links).toBe(link)
    expect(field(message, shownField)).toBe(value)
  })

  it.each([
    ['OPEN', 'bad'],
    ['RESOLVED', 'good'],
    ['CLOSED', 'good'],
    ['MERGED', 'neutral'],
  ])('maps the state %s to %s', (State, mood) => {
    expect(messageFor('hello.started', { problem: { ...problem, State } }).mood).toBe(mood)
  })

  it.each([
    [failed, stateless, 'bad', `Problem: ${titled}`],
    [passed, { State: 'constructor' }, 'good', 'Problem constructor (checkout in shop/production)'],
  ])('has the mood of the task %j if the state is unknown', (data, problem, mood, title) => {
    expect(messageFor('action.finished', { ...data, problem })).toMatchObject({ mood, title })
  })

  it('shows the location after a long title', () => {
    const { title } = messageFor('action.started', { problem: { ...problem, ProblemTitle: 'x'.repeat(10_000) } })
    expect(title).toHaveLength(200)
    expect(title).toMatch(/^Problem open: x+… \(checkout in shop\/production\)$/)
  })

  it.each(['evaluation', 'deployment', 'test'])('is a link in messages of the template %s', (task) => {
    const message = messageFor(`${task}.finished`, { ...passed, problem })
    expect(message.title).toMatch(new RegExp(`^${task} of checkout`, 'i'))
    expect(shown(message).links).toBe(link)
  })
})

describe('template task', () => {
  it('shows results and links', () => {
    const browse = 'https://jira.example.com/browse/OPS-12'
    const openticket = {
      id: '10012',
      number: 'OPS-12',
      url: browse,
      state: 'To Do',
      'time-spent': 0.123456,
      isNew: true,
      reportURL: 'https://jira.example.com/report',
      log: 'x'.repeat(300),
      nested: { a: 1 },
      none: null,
      empty: '',
    }
    const labels = { 'jira OPS-12': browse, dashboard: 'HTTPS://monitoring.example.com/d/1', team: 'blue' }
    const { event } = occasion('openticket.finished', { ...passed, message: 'Opened issue OPS-12', openticket, labels })
    expect(shown(messageOf({ event, sequenceUrl: bridge }))).toEqual({
      mood: 'good',
      title: 'openticket of checkout in shop/production succeeded',
      text: 'Opened issue OPS-12',
      fields: `${place} | Result: pass | State: To Do | Time spent: 0.1235 | Is new: yes | team: blue`,
      links: [
        `Open in the orchestrator: ${bridge}`,
        `OPS-12: ${browse}`,
        'Report URL: https://jira.example.com/report',
        'dashboard: https://monitoring.example.com/d/1',
      ].join(' | '),
    })
  })

  it.each([
    ['openticket.triggered', {}, 'neutral', 'openticket of checkout in shop/production was triggered'],
    ['openticket.started', {}, 'neutral', 'openticket of checkout in shop/production has started'],
    ['openticket.invalidated', {}, 'neutral', 'openticket of checkout in shop/production was invalidated'],
    ['open.finished', { result: 'warning' }, 'warning', 'open of checkout in shop/production ended with a warning'],
    ['production.release.triggered', {}, 'neutral', 'Sequence release of checkout in shop/production was triggered'],
    ['production.release.finished', failed, 'bad', 'Sequence release of checkout in shop/production failed'],
  ])('%s %j', (type, data, mood, title) => {
    expect(messageFor(type, data)).toMatchObject({ mood, title })
  })

  it.each([
    [{}, 'Event'],
    [{ data: { service: 'checkout' } }, 'Event of checkout'],
    [{ type: 'sh.keptn.event.hello.started', data: { project: 'shop' } }, 'hello in shop has started'],
    [{ type: 'com.example.made', stage: 'dev', data: { result: 'pass' } }, 'com.example.made in dev succeeded'],
  ])('accepts an event with few fields: %j', (body, title) => {
    expect(messageOf({ event: parseEvent(body), sequenceUrl: undefined }).title).toBe(title)
  })

  it('shows an errored task', () => {
    expect(shown(messageFor('openticket.finished', { status: 'errored', result: 'fail' }))).toEqual({
      mood: 'bad',
      title: 'openticket of checkout in shop/production errored',
      fields: `${place} | Result: fail | Status: errored`,
      links: '',
    })
  })
})

const titles = {
  evaluation: 'Evaluation of',
  deployment: 'Deployment of',
  test: 'Test of',
  problem: 'Problem',
  task: 'hello of',
}
test.each(Object.keys(templates) as (keyof typeof templates)[])(
  'the template %s may be chosen for any event',
  (name) => {
    const chosen = occasion('hello.finished', passed)
    expect(messageOf(chosen, name)).toEqual(templates[name](chosen))
    expect(messageOf(chosen, name).title.startsWith(titles[name])).toBe(true)
  },
)

describe('hostile event', () => {
  it('contains only safe links', () => {
    const labels = {
      script: 'javascript:alert(1)',
      file: 'file:///etc/passwd',
      broken: 'https://',
      deceit: 'https://bank.example.com@evil.example.com/',
      lines: 'https://good.example.com/a\nb "c" <d>',
    }
    const message = messageFor('hello.finished', { labels, hello: { url: ' javascript:alert(1)' } })
    expect(shown(message).links).toBe('lines: https://good.example.com/ab%20%22c%22%20%3Cd%3E')
    expect(message.fields.map(({ name }) => name)).toEqual(expect.arrayContaining(['script', 'file', 'deceit']))
  })

  it('omits long links', () => {
    const base = 'https://x.example.com/'
    const links = (path: string) => messageFor('hello.finished', { hello: { report: `${base}${path}` } }).links.length
    expect([links('x'.repeat(1_900)), links('x'.repeat(2_000)), links('ü'.repeat(1_000))]).toEqual([1, 0, 0])
  })

  it('has a title on one line that ends with the state', () => {
    const long = '\n<!channel> 😀'.repeat(19)
    const data = { project: long, stage: long, service: long, result: 'fail' }
    const { title } = messageFor(`${'a'.repeat(128)}.finished`, data)
    expect(title).toMatch(/^a+… of <!channel>[^\n]+… in [^\n]+…\/[^\n]+… failed$/)
    expect(title.length).toBeLessThanOrEqual(200)
    expect(title.isWellFormed()).toBe(true)
  })

  it('is cut to the limits', () => {
    const labels = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [`${at}`, at % 2 ? `https://x.example.com/${at}` : '😀'.repeat(900)]),
    )
    const message = messageFor('hello.finished', { message: `${'x'.repeat(2_998)}😀${'y'.repeat(100_000)}`, labels })
    expect(message.text).toBe(`${'x'.repeat(2_998)}…`)
    expect(message.fields).toHaveLength(12)
    expect(message.fields[11]?.value).toBe(`${'😀'.repeat(249)}…`)
    expect(message.links).toHaveLength(5)
  })

  const wellFormed = z.refine<string>((text) => text.isWellFormed())
  // Any JSON, often with names and values that the templates read.
  const names = [
    'score result status timeStart timeEnd indicatorResults displayName keySli value metric success message passTargets',
    'warningTargets criteria targetValue thresholds op warn actual p95 duration errorRate start end teststrategy url id',
    'number 0 1 deploymentURIsPublic deploymentURIsLocal deploymentNames State ProblemTitle ProblemURL Tags ProblemID',
    'toString hasOwnProperty length',
  ].flatMap((line) => line.split(' '))
  const words = 'pass fail toString 1e308 -1 https://x.example.com 2021-03-16T12:44:54Z \ud83d'.split(' ')
  const text = fc.oneof(
    fc.constantFrom(...words, ''),
    fc.string({ unit: anyCharacter }),
    fc.constantFrom(1, 99, 499, 3_000).map((length) => '\ud83d\ude00 '.repeat(length)),
  )
  const name = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names) }, fc.string())
  const values = [text, fc.double(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant(undefined)]
  const junk = fc.anything({ key: name, values, maxDepth: 4, maxKeys: 6 })
  const records = fc.dictionary(name, junk, { maxKeys: 15 })
  const optional = fc.option(text, { nil: undefined })
  const place = { project: optional, stage: optional, service: optional }
  const events: fc.Arbitrary<CallEvent> = fc.record({
    id: optional,
    type: optional,
    context: optional,
    gitcommitid: optional,
    kind: fc.constantFrom(undefined, 'triggered', 'started', 'status.changed', 'finished', 'invalidated'),
    task: fc.constantFrom(undefined, 'evaluation', 'deployment', 'test', 'hello', '\ud83d'),
    data: fc.record({
      ...place,
      result: optional,
      status: optional,
      message: optional,
      labels: fc.dictionary(name, text, { maxKeys: 15 }),
      problem: fc.option(records, { nil: undefined }),
      incident: fc.option(records, { nil: undefined }),
    }),
    properties: records,
  })

  const line = (maxLength: number) => z.string().check(z.regex(/^\S(?:.*\S)?$/u), z.maxLength(maxLength), wellFormed)
  const cell = z.union([z.literal(''), line(200)])
  const fitting = z.strictObject({
    mood: z.enum(['good', 'warning', 'bad', 'neutral']),
    title: line(200),
    text: z.optional(z.string().check(z.regex(/\S/), z.maxLength(3_000), wellFormed)),
    fields: z.array(z.strictObject({ name: line(80), value: line(500) })).check(z.maxLength(12)),
    links: z.array(z.strictObject({ label: line(80), url: z.url({ protocol: /^https?$/ }) })).check(
      z.maxLength(5),
      z.refine((links) => new Set(links.map(({ url }) => url)).size === links.length),
    ),
    table: z.optional(
      z
        .strictObject({
          columns: z.array(z.string()),
          rows: z
            .array(z.strictObject({ mood: z.string(), cells: z.tuple([line(200)], cell) }))
            .check(z.minLength(1), z.maxLength(21)),
        })
        .check(z.refine(({ columns, rows }) => rows.every(({ cells }) => cells.length === columns.length))),
    ),
  })

  it('results in a message within the limits for any content', () => {
    const template = fc.constantFrom(undefined, ...(Object.keys(templates) as (keyof typeof templates)[]))
    fc.assert(
      fc.property(fc.record({ event: events, sequenceUrl: optional }), template, (occasion, template) => {
        expect(z.safeParse(fitting, messageOf(occasion, template)).error?.issues).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
  })
})
