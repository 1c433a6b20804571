import { describe, expect, it, test } from '@jest/globals'
import { messageOf, templates } from '../../../functions/notification/templates/index.ts'
import { parseEvent } from '../../../shared/orchestrators/event/event.ts'
import { bridge, type Data, failed, field, messageFor, occasion, passed, place, shown } from './template-messages.ts'

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
