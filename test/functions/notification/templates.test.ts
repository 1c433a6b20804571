import { describe, expect, it, test } from '@jest/globals'
import fc from 'fast-check'
import { messageOf, templates } from '../../../functions/notification/templates/index.ts'
import { preview } from '../../../infra/keptn/preview.ts'
import type { GoObject } from '../../../infra/keptn/template/values.ts'
import { parseBody } from '../../../shared/core/http/body.ts'
import { type CallEvent, parseEvent } from '../../../shared/orchestrators/event.ts'
import type { Message } from '../../../shared/providers/message.ts'

const checkout = { project: 'shop', stage: 'production', service: 'checkout' }
const place = [
  { name: 'Project', value: 'shop' },
  { name: 'Stage', value: 'production' },
  { name: 'Service', value: 'checkout' },
]
const passed = { status: 'succeeded', result: 'pass' }
const bridge = 'https://keptn.example.com/bridge/trace/7c2c890f'

function occasion(type: string, data: Record<string, unknown> = {}) {
  return { event: parseEvent({ type: `sh.keptn.event.${type}`, data: { ...checkout, ...data } }), bridgeUrl: undefined }
}

function messageFor(type: string, data: Record<string, unknown> = {}, template?: keyof typeof templates): Message {
  return messageOf(occasion(type, data), template)
}

/** Returns the value of a field. */
function field(message: Message, name: string): string | undefined {
  return message.fields.find((one) => one.name === name)?.value
}

// An event of lighthouse-service, from keptn/spec, cloudevents.md and the examples of the Bridge.
const indicatorResults = [
  {
    displayName: 'Response time P95',
    keySli: false,
    passTargets: [
      { criteria: '<=+10%', targetValue: 392.5944454106811, violated: false },
      { criteria: '<600', targetValue: 600, violated: false },
    ],
    warningTargets: [{ criteria: '<=800', targetValue: 800, violated: false }],
    score: 1,
    status: 'pass',
    value: { metric: 'response_time_p95', success: true, value: 364.2398472 },
  },
  {
    displayName: 'Error rate',
    keySli: true,
    passTargets: [{ criteria: '=0', targetValue: 0, violated: true }],
    warningTargets: [{ criteria: '<1', targetValue: 1, violated: false }],
    score: 0.5,
    status: 'warning',
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
    passTargets: [{ criteria: '<=+10%', targetValue: 0, violated: true }],
    warningTargets: null,
    score: 0,
    status: 'fail',
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
    const { event } = occasion('evaluation.finished', {
      ...{ status: 'succeeded', result: 'warning', message: '', evaluation },
      labels: { build: '1.4.2', pipeline: 'https://ci.example.com/runs/33' },
    })
    expect(messageOf({ event, bridgeUrl: bridge })).toEqual({
      mood: 'warning',
      title: 'Evaluation of checkout in shop/production ended with a warning (score 83.33)',
      fields: [
        ...place,
        { name: 'Result', value: 'warning' },
        { name: 'Score', value: '83.33' },
        { name: 'Period', value: '2021-03-16 12:44:54 to 12:46:58 UTC (2 min 4 s)' },
        { name: 'build', value: '1.4.2' },
      ],
      table: {
        columns: ['Objective', 'Value', 'Target', 'Score'],
        rows: [
          { mood: 'bad', cells: ['Page load', 'none: Unsupported SLI metric page_load.', '<= +10%', '0'] },
          { mood: 'warning', cells: ['Error rate (key)', '0.4012', '= 0; warning < 1', '0.5'] },
          { mood: 'good', cells: ['Response time P95', '364.2', '<= +10% (392.6), < 600; warning <= 800', '1'] },
          { mood: 'neutral', cells: ['throughput', '18484', '', '0'] },
        ],
      },
      links: [
        { label: 'Open in the Bridge', url: bridge },
        { label: 'pipeline', url: 'https://ci.example.com/runs/33' },
      ],
    })
  })

  it.each([
    [{ status: 'succeeded', result: 'pass' }, 92, 'good', 'passed (score 92)'],
    [{ status: 'succeeded', result: 'fail' }, 0, 'bad', 'failed (score 0)'],
    [{ status: 'errored', result: 'fail' }, 0, 'bad', 'errored'],
    [{ status: 'aborted', result: 'fail' }, 0, 'bad', 'was aborted (score 0)'],
    [{ status: 'unknown', result: 'other' }, undefined, 'neutral', 'has finished'],
  ])('describes %j', (data, score, mood, end) => {
    expect(messageFor('evaluation.finished', { ...data, evaluation: { score } })).toMatchObject({
      mood,
      title: `Evaluation of checkout in shop/production ${end}`,
    })
  })

  it('uses the result of the evaluation if the event has none', () => {
    const message = messageFor('evaluation.finished', { evaluation: { score: '100', result: 'pass' } })
    expect(message).toMatchObject({
      mood: 'good',
      title: 'Evaluation of checkout in shop/production passed (score 100)',
    })
    expect(field(message, 'Result')).toBe('pass')
  })

  it('omits earlier results from a triggered event', () => {
    const message = messageFor('evaluation.triggered', { ...passed, evaluation })
    expect(message).toEqual({
      mood: 'neutral',
      title: 'Evaluation of checkout in shop/production was triggered',
      fields: [...place, { name: 'Result so far', value: 'pass' }],
      links: [],
    })
  })

  it('counts objectives beyond 20, with the worst mood', () => {
    const rows = (count: number, status: string) =>
      Array.from({ length: count }, (_, at) => ({ ...indicatorResults[0], displayName: `${status} ${at}`, status }))
    const { table } = messageFor('evaluation.finished', {
      evaluation: { score: 1, indicatorResults: [...rows(15, 'pass'), ...rows(23, 'fail')] },
    })
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
    expect(field(messageFor('evaluation.finished', { evaluation: turned }), 'Period')).toBe(
      '2021-03-16 12:46:58 to 12:44:54 UTC',
    )
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

// The webhook of the README. The form has one field per value.
const evaluationWebhook = `apiVersion: webhookconfig.keptn.sh/v1beta1
kind: WebhookConfig
metadata:
  name: webhook-configuration
spec:
  webhooks:
    - type: sh.keptn.event.evaluation.finished
      subscriptionID: evaluation
      envFrom:
        - name: secret_webhooks_token
          secretRef: { name: webhooks, key: token }
      requests:
        - url: https://webhooks.example.com/v1/notification/push-update
          method: POST
          headers:
            - { key: Content-Type, value: application/x-www-form-urlencoded }
            - { key: Authorization, value: "Bearer {{.env.secret_webhooks_token}}" }
          payload: "id={{urlquery .id}}\\
            &type={{urlquery .type}}\\
            &shkeptncontext={{urlquery .shkeptncontext}}\\
            &data.project={{urlquery .data.project}}\\
            &data.stage={{urlquery .data.stage}}\\
            &data.service={{urlquery .data.service}}\\
            {{with index .data \\"status\\"}}&data.status={{urlquery .}}{{end}}\\
            {{with index .data \\"result\\"}}&data.result={{urlquery .}}{{end}}\\
            {{with index .data \\"message\\"}}&data.message={{urlquery .}}{{end}}\\
            {{range $name, $value := index .data \\"labels\\"}}&data.labels.{{urlquery $name}}={{urlquery $value}}{{end}}\\
            {{with index .data \\"evaluation\\"}}\\
            &data.evaluation.score={{urlquery .score}}\\
            &data.evaluation.timeStart={{urlquery .timeStart}}\\
            &data.evaluation.timeEnd={{urlquery .timeEnd}}\\
            {{range $i, $r := .indicatorResults}}\\
            &data.evaluation.indicatorResults.{{$i}}.displayName={{urlquery $r.displayName}}\\
            &data.evaluation.indicatorResults.{{$i}}.status={{urlquery $r.status}}\\
            &data.evaluation.indicatorResults.{{$i}}.score={{urlquery $r.score}}\\
            &data.evaluation.indicatorResults.{{$i}}.keySli={{urlquery $r.keySli}}\\
            &data.evaluation.indicatorResults.{{$i}}.value.metric={{urlquery $r.value.metric}}\\
            &data.evaluation.indicatorResults.{{$i}}.value.value={{urlquery $r.value.value}}\\
            &data.evaluation.indicatorResults.{{$i}}.value.success={{urlquery $r.value.success}}\\
            {{with index $r.value \\"message\\"}}&data.evaluation.indicatorResults.{{$i}}.value.message={{urlquery .}}{{end}}\\
            {{range $j, $t := $r.passTargets}}\\
            &data.evaluation.indicatorResults.{{$i}}.passTargets.{{$j}}.criteria={{urlquery $t.criteria}}\\
            &data.evaluation.indicatorResults.{{$i}}.passTargets.{{$j}}.targetValue={{urlquery $t.targetValue}}\\
            {{end}}\\
            {{range $j, $t := $r.warningTargets}}\\
            &data.evaluation.indicatorResults.{{$i}}.warningTargets.{{$j}}.criteria={{urlquery $t.criteria}}\\
            &data.evaluation.indicatorResults.{{$i}}.warningTargets.{{$j}}.targetValue={{urlquery $t.targetValue}}\\
            {{end}}\\
            {{end}}\\
            {{end}}"
`

/** Returns the event that a webhook configuration sends. */
function eventSentBy(yaml: string, event: Record<string, unknown>): CallEvent {
  const rendered = preview(yaml, { id: 'e', shkeptncontext: 'c', ...event } as GoObject, {
    secret_webhooks_token: 'token',
  })
  if (!('results' in rendered)) throw new Error(JSON.stringify(rendered))
  const [result] = rendered.results
  if (!result || 'refused' in result) throw new Error(result?.refused ?? 'No request')
  const body = result.argv[result.argv.indexOf('--data') + 1] ?? ''
  return parseEvent(parseBody(body, false, 'application/x-www-form-urlencoded'))
}

describe('event from a form', () => {
  const type = 'sh.keptn.event.evaluation.finished'
  const labels = { build: `It's "1" & <2>; $3 | 100 % ü`, pipeline: 'https://ci.example.com/runs/33' }

  it('results in the same message as a JSON event', () => {
    const data = { ...checkout, status: 'succeeded', result: 'warning', message: 'Ünder\n800 ms', labels, evaluation }
    const { sloFileContent: _, ...event } = evaluation
    expect(messageOf({ event: eventSentBy(evaluationWebhook, { type, data }), bridgeUrl: bridge })).toEqual(
      messageOf({ event: parseEvent({ type, data: { ...data, evaluation: event } }), bridgeUrl: bridge }),
    )
  })

  it('can lack any field', () => {
    for (const data of [
      checkout,
      { ...checkout, labels: null, evaluation: { ...evaluation, indicatorResults: null } },
    ]) {
      const event = eventSentBy(evaluationWebhook, { type, data })
      expect(messageOf({ event, bridgeUrl: undefined }).title).toMatch(
        /^Evaluation of checkout in shop\/production has finished/,
      )
    }
  })
})

describe('template deployment', () => {
  const deployed = {
    deploymentstrategy: 'blue_green_service',
    deploymentURIsLocal: ['http://carts.sockshop-staging.svc.cluster.local'],
    deploymentURIsPublic: ['http://carts.sockshop-staging.example.com:80'],
    deploymentNames: ['carts-primary', 'carts-generated'],
    gitCommit: 'ca82a6dff817gc66f44342007202690a93763949',
  }

  it('shows the strategy and links to the service', () => {
    const data = { ...passed, message: 'Deployed\n\nin two steps', deployment: deployed }
    expect(messageFor('deployment.finished', data)).toEqual({
      mood: 'good',
      title: 'Deployment of checkout in shop/production succeeded',
      text: 'Deployed\n\nin two steps',
      fields: [
        ...place,
        { name: 'Result', value: 'pass' },
        { name: 'Strategy', value: 'blue_green_service' },
        { name: 'Deployments', value: 'carts-primary, carts-generated' },
        { name: 'Commit', value: 'ca82a6dff817gc66f44342007202690a93763949' },
      ],
      links: [{ label: 'Open the deployment', url: 'http://carts.sockshop-staging.example.com/' }],
    })
  })

  it('links to the local address if there is no public one', () => {
    const { links } = messageFor('deployment.finished', { deployment: { ...deployed, deploymentURIsPublic: [''] } })
    expect(links).toEqual([{ label: 'Open the deployment', url: 'http://carts.sockshop-staging.svc.cluster.local/' }])
  })

  it('shows the results of our deployments', () => {
    const message = messageFor('deployment.finished', {
      ...{ status: 'succeeded', result: 'fail', message: 'Run demo/shop#33 ended as failure' },
      deployment: {
        ...{ id: 'demo/shop#33', url: 'https://github.com/demo/shop/actions/runs/33', state: 'completed/failure' },
        ...{ failedJob: 'deploy', images: ['shop:1.4.2', 'db:16'] },
      },
    })
    expect(message.title).toBe('Deployment of checkout in shop/production failed')
    expect(message.fields.slice(4)).toEqual([
      { name: 'State', value: 'completed/failure' },
      { name: 'Failed job', value: 'deploy' },
      { name: 'Images', value: 'shop:1.4.2, db:16' },
    ])
    expect(message.links).toEqual([{ label: 'demo/shop#33', url: 'https://github.com/demo/shop/actions/runs/33' }])
  })

  it.each([
    ['deployment.triggered', 'Deployment of checkout in shop/production was triggered'],
    ['deployment.started', 'Deployment of checkout in shop/production has started'],
    ['deployment.status.changed', 'Deployment of checkout in shop/production is in progress'],
    ['release.finished', 'Release of checkout in shop/production failed'],
    ['rollback.finished', 'Rollback of checkout in shop/production failed'],
  ])('has the title for %s', (type, title) => {
    const { title: given, mood } = messageFor(type, { status: 'succeeded', result: 'fail' })
    expect({ given, mood }).toEqual({ given: title, mood: type.endsWith('finished') ? 'bad' : 'neutral' })
  })

  it('reads addresses from a form', () => {
    for (const deploymentURIsPublic of ['https://shop.example.com/', { 0: 'https://shop.example.com/', 1: 'x' }])
      expect(messageFor('deployment.finished', { deployment: { deploymentURIsPublic } }).links).toEqual([
        { label: 'Open the deployment', url: 'https://shop.example.com/' },
      ])
  })
})

describe('message of a later task', () => {
  test('shows the image and the earlier evaluation', () => {
    const event = parseEvent({
      type: 'sh.keptn.event.notify.triggered',
      data: {
        ...{ project: 'shop', stage: 'production', service: 'checkout', result: 'warning' },
        configurationChange: { values: { image: 'registry.example.com/checkout:2.3.1' } },
        evaluation: { scoreText: '87.5', score: '95', result: 'warning' },
      },
    })
    expect(messageOf({ event, bridgeUrl: undefined }).fields).toEqual(
      expect.arrayContaining([
        { name: 'Image', value: 'registry.example.com/checkout:2.3.1' },
        { name: 'Evaluation score', value: '87.5' },
      ]),
    )
  })

  test('shows the result of an evaluation without a score', () => {
    const message = messageFor('notify.triggered', { result: 'warning', evaluation: { score: 95, result: 'warning' } })
    expect(field(message, 'Evaluation')).toBe('warning')
    expect(field(message, 'Evaluation score')).toBeUndefined()
  })
})

describe('template test', () => {
  it('shows the period', () => {
    const ran = { start: '2019-10-20T23:57:27.152330783Z', end: '2019-10-21T00:57:27.152330783Z' }
    expect(messageFor('test.finished', { ...passed, test: { ...ran, teststrategy: 'functional' } })).toEqual({
      mood: 'good',
      title: 'Test of checkout in shop/production passed',
      fields: [
        ...place,
        { name: 'Result', value: 'pass' },
        { name: 'Strategy', value: 'functional' },
        { name: 'Period', value: '2019-10-20 23:57:27 to 2019-10-21 00:57:27 UTC (1 h)' },
      ],
      links: [],
    })
  })

  it('shows metrics and thresholds of our load tests', () => {
    const p95 = { metric: 'p95', op: '<', value: 500, warn: 400, actual: 612.4, result: 'fail' }
    const thresholds = [
      { metric: 'rps', op: '>=', value: 10, actual: 19.98, result: 'pass' },
      { metric: 'users', op: '<', value: 50, actual: null, result: 'fail' },
      { metric: 'errorRate', op: '<', value: 0.05, warn: 0.01, actual: 0.0123, result: 'warning' },
      p95,
    ]
    const measured = { duration: 90, requests: 1_198, errors: 15, errorRate: 0.0125, p95: 612.4, rps: 19.98 }
    const message = messageFor('test.finished', {
      ...{ status: 'succeeded', result: 'fail', message: 'Test 7 ended as finished: p95 is 612.4, not < 500' },
      test: { id: '7', state: 'finished', ...measured, statuses: { 200: 1_183, 500: 15 }, thresholds },
    })
    expect(message.fields.slice(4)).toEqual([
      { name: 'P95', value: '612.4 ms' },
      { name: 'Error rate', value: '1.25 %' },
      { name: 'Rps', value: '19.98 per second' },
      { name: 'Requests', value: '1198' },
      { name: 'Errors', value: '15' },
      { name: 'Duration', value: '1 min 30 s' },
      { name: 'Id', value: '7' },
      { name: 'State', value: 'finished' },
    ])
    expect(message.table).toEqual({
      columns: ['Metric', 'Value', 'Target'],
      rows: [
        { mood: 'bad', cells: ['Users', 'not measured', '< 50'] },
        { mood: 'bad', cells: ['P95', '612.4 ms', '< 400 ms; warning < 500 ms'] },
        { mood: 'warning', cells: ['Error rate', '1.23 %', '< 1 %; warning < 5 %'] },
        { mood: 'good', cells: ['Rps', '19.98 per second', '>= 10 per second'] },
      ],
    })
  })

  it('shows other values unchanged', () => {
    expect(field(messageFor('test.finished', { test: { duration: 'half an hour' } }), 'Duration')).toBe('half an hour')
  })

  it('shows other time formats unchanged', () => {
    const message = messageFor('test.finished', { test: { start: '2019-09-01 12:00:00', end: '2019-09-01 12:05:00' } })
    expect(field(message, 'Period')).toBe('2019-09-01 12:00:00 to 2019-09-01 12:05:00')
  })

  it.each([
    [0.4, '0.4 s'],
    [59.7, '1 min'],
    [3_600, '1 h'],
    [93_784, '1 d 2 h'],
    [86_460, '1 d'],
    [-5, '-5 s'],
  ])('formats %d seconds as %s', (duration, text) => {
    expect(field(messageFor('test.finished', { test: { duration } }), 'Duration')).toBe(text)
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

  it('shows the problem and the state of the task', () => {
    expect(messageFor('remediation.triggered', { problem })).toEqual({
      mood: 'bad',
      title: 'Problem open: Response time degradation (checkout in shop/production)',
      fields: [
        ...place,
        { name: 'State', value: 'open' },
        { name: 'Severity', value: 'PERFORMANCE' },
        { name: 'Impact', value: 'SERVICE' },
        { name: 'Impacted entity', value: 'carts-primary' },
        { name: 'Tags', value: 'keptn_project:shop, keptn_service:checkout' },
        { name: 'Event', value: 'remediation was triggered' },
      ],
      links: [{ label: 'Problem P-220355', url: problem.ProblemURL }],
    })
  })

  it('accepts the incident of the quick start', () => {
    const message = messageFor('production.incident.triggered', { incident: { ...problem, State: 'RESOLVED' } })
    expect(message).toMatchObject({
      mood: 'good',
      title: 'Problem resolved: Response time degradation (checkout in shop/production)',
    })
    expect(field(message, 'Event')).toBe('Sequence incident was triggered')
  })

  it('accepts the notification of Dynatrace', () => {
    const { ImpactedEntity: _, ...others } = problem
    const ImpactedEntities = [
      { type: 'SERVICE', name: 'carts', entity: 'SERVICE-1' },
      { type: 'HOST', name: 'web-1' },
    ]
    const message = messageFor('production.remediate.triggered', { dynatraceProblem: { ...others, ImpactedEntities } })
    expect(message).toMatchObject({
      mood: 'bad',
      title: 'Problem open: Response time degradation (checkout in shop/production)',
      links: [{ label: 'Problem P-220355', url: problem.ProblemURL }],
    })
    expect(field(message, 'Impacted entities')).toBe('carts, web-1')
  })

  it.each([
    ['OPEN', 'bad'],
    ['RESOLVED', 'good'],
    ['CLOSED', 'good'],
    ['MERGED', 'neutral'],
  ])('maps the state %s to %s', (State, mood) => {
    expect(messageFor('hello.started', { problem: { ...problem, State } }).mood).toBe(mood)
  })

  it('has the mood of the task if the state is unknown', () => {
    const { State: _, ...stateless } = problem
    expect(messageFor('action.finished', { status: 'succeeded', result: 'fail', problem: stateless })).toMatchObject({
      mood: 'bad',
      title: 'Problem: Response time degradation (checkout in shop/production)',
    })
    expect(messageFor('action.finished', { ...passed, problem: { State: 'constructor' } })).toMatchObject({
      mood: 'good',
      title: 'Problem constructor (checkout in shop/production)',
    })
  })

  it('shows the location after a long title', () => {
    const { title } = messageFor('action.started', { problem: { ...problem, ProblemTitle: 'x'.repeat(10_000) } })
    expect(title).toHaveLength(200)
    expect(title).toMatch(/^Problem open: x+… \(checkout in shop\/production\)$/)
  })

  it('is a link in messages of other templates', () => {
    for (const task of ['evaluation', 'deployment', 'test']) {
      const message = messageFor(`${task}.finished`, { ...passed, problem })
      expect(message.title).toMatch(new RegExp(`^${task} of checkout`, 'i'))
      expect(message.links).toEqual([{ label: 'Problem P-220355', url: problem.ProblemURL }])
    }
  })
})

describe('template task', () => {
  it('shows results and links', () => {
    const { event } = occasion('openticket.finished', {
      ...{ ...passed, message: 'Opened issue OPS-12' },
      openticket: {
        ...{ id: '10012', number: 'OPS-12', url: 'https://jira.example.com/browse/OPS-12', state: 'To Do' },
        ...{ 'time-spent': 0.123456, isNew: true, reportURL: 'https://jira.example.com/report' },
        ...{ log: 'x'.repeat(300), nested: { a: 1 }, none: null, empty: '' },
      },
      labels: {
        'jira OPS-12': 'https://jira.example.com/browse/OPS-12',
        dashboard: 'HTTPS://monitoring.example.com/d/1',
        team: 'blue',
      },
    })
    expect(messageOf({ event, bridgeUrl: bridge })).toEqual({
      mood: 'good',
      title: 'openticket of checkout in shop/production succeeded',
      text: 'Opened issue OPS-12',
      fields: [
        ...place,
        { name: 'Result', value: 'pass' },
        { name: 'State', value: 'To Do' },
        { name: 'Time spent', value: '0.1235' },
        { name: 'Is new', value: 'yes' },
        { name: 'team', value: 'blue' },
      ],
      links: [
        { label: 'Open in the Bridge', url: bridge },
        { label: 'OPS-12', url: 'https://jira.example.com/browse/OPS-12' },
        { label: 'Report URL', url: 'https://jira.example.com/report' },
        { label: 'dashboard', url: 'https://monitoring.example.com/d/1' },
      ],
    })
  })

  it.each([
    ['openticket.triggered', {}, 'neutral', 'openticket of checkout in shop/production was triggered'],
    ['openticket.started', {}, 'neutral', 'openticket of checkout in shop/production has started'],
    ['openticket.invalidated', {}, 'neutral', 'openticket of checkout in shop/production was invalidated'],
    [
      'openticket.finished',
      { result: 'warning' },
      'warning',
      'openticket of checkout in shop/production ended with a warning',
    ],
    ['production.release.triggered', {}, 'neutral', 'Sequence release of checkout in shop/production was triggered'],
    [
      'production.release.finished',
      { result: 'fail' },
      'bad',
      'Sequence release of checkout in shop/production failed',
    ],
  ])('%s %j', (type, data, mood, title) => {
    expect(messageFor(type, data)).toMatchObject({ mood, title })
  })

  it('accepts an event with few fields', () => {
    const titleOf = (body: Record<string, unknown>) =>
      messageOf({ event: parseEvent(body), bridgeUrl: undefined }).title
    expect(titleOf({})).toBe('Event')
    expect(titleOf({ data: { service: 'checkout' } })).toBe('Event of checkout')
    expect(titleOf({ type: 'sh.keptn.event.hello.started', data: { project: 'shop' } })).toBe(
      'hello in shop has started',
    )
    expect(titleOf({ type: 'com.example.made', stage: 'dev', data: { result: 'pass' } })).toBe(
      'com.example.made in dev succeeded',
    )
  })

  it('shows an errored task', () => {
    const message = messageFor('openticket.finished', { status: 'errored', result: 'fail' })
    expect(message).toMatchObject({ mood: 'bad', title: 'openticket of checkout in shop/production errored' })
    expect(message.fields.slice(3)).toEqual([
      { name: 'Result', value: 'fail' },
      { name: 'Status', value: 'errored' },
    ])
  })
})

test.each(Object.keys(templates) as (keyof typeof templates)[])(
  'the template %s may be chosen for any event',
  (name) => {
    const chosen = occasion('hello.finished', passed)
    expect(messageOf(chosen, name)).toEqual(templates[name](chosen))
    expect(messageOf(chosen, name).title).toMatch(
      {
        evaluation: /^Evaluation of/,
        deployment: /^Deployment of/,
        test: /^Test of/,
        problem: /^Problem/,
        task: /^hello of/,
      }[name],
    )
  },
)

describe('hostile event', () => {
  it('contains only safe links', () => {
    const labels = {
      script: 'javascript:alert(1)',
      file: 'file:///etc/passwd',
      deceit: 'https://bank.example.com@evil.example.com/',
      broken: 'https://',
      lines: 'https://good.example.com/a\nb "c" <d>',
    }
    const message = messageFor('hello.finished', { labels, hello: { url: ' javascript:alert(1)' } })
    expect(message.links).toEqual([{ label: 'lines', url: 'https://good.example.com/ab%20%22c%22%20%3Cd%3E' }])
    expect(message.fields.map(({ name }) => name)).toEqual(expect.arrayContaining(['script', 'file', 'deceit']))
  })

  it('omits long links', () => {
    const base = 'https://x.example.com/'
    const links = (path: string) => messageFor('hello.finished', { hello: { report: `${base}${path}` } }).links.length
    expect([links('x'.repeat(1_900)), links('x'.repeat(2_000)), links('ü'.repeat(1_000))]).toEqual([1, 0, 0])
  })

  it('has a title on one line that ends with the state', () => {
    const long = '\n<!channel> 😀'.repeat(19)
    const { title } = messageOf({
      event: parseEvent({
        type: `sh.keptn.event.${'a'.repeat(128)}.finished`,
        data: { project: long, stage: long, service: long, result: 'fail' },
      }),
      bridgeUrl: undefined,
    })
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

  /** Any JSON, often with names and values that the templates read. */
  const names = [
    ...['score', 'result', 'status', 'timeStart', 'timeEnd', 'indicatorResults', 'displayName', 'keySli', 'value'],
    ...['metric', 'success', 'message', 'passTargets', 'warningTargets', 'criteria', 'targetValue', 'thresholds', 'op'],
    ...[
      'warn',
      'actual',
      'p95',
      'duration',
      'errorRate',
      'start',
      'end',
      'teststrategy',
      'url',
      'id',
      'number',
      '0',
      '1',
    ],
    ...[
      'deploymentURIsPublic',
      'deploymentURIsLocal',
      'deploymentNames',
      'State',
      'ProblemTitle',
      'ProblemURL',
      'Tags',
    ],
    ...['ProblemID', 'toString', 'hasOwnProperty', 'length'],
  ]
  const words = [
    'pass',
    'fail',
    'toString',
    '1e308',
    '-1',
    'https://x.example.com',
    '2021-03-16T12:44:54Z',
    '\ud83d',
    '',
  ]
  const text = fc.oneof(
    fc.constantFrom(...words),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(1, 99, 499, 3_000).map((length) => '\ud83d\ude00 '.repeat(length)),
  )
  const name = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names) }, fc.string())
  const { junk } = fc.letrec<{ junk: unknown }>((tie) => ({
    junk: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(text, fc.double(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant(undefined)),
      fc.array(tie('junk'), { maxLength: 4 }),
      fc.dictionary(name, tie('junk'), { maxKeys: 6 }),
    ),
  }))
  const records = fc.dictionary(name, junk, { maxKeys: 15 })
  const optional = fc.option(text, { nil: undefined })
  const events: fc.Arbitrary<CallEvent> = fc.record({
    id: optional,
    type: optional,
    kind: fc.constantFrom(undefined, 'triggered', 'started', 'status.changed', 'finished', 'invalidated'),
    task: fc.constantFrom(undefined, 'evaluation', 'deployment', 'test', 'hello', '\ud83d'),
    context: optional,
    gitcommitid: optional,
    data: fc.record({
      ...{
        project: optional,
        stage: optional,
        service: optional,
        result: optional,
        status: optional,
        message: optional,
      },
      labels: fc.dictionary(name, text, { maxKeys: 15 }),
      problem: fc.option(records, { nil: undefined }),
      incident: fc.option(records, { nil: undefined }),
    }),
    properties: records,
  })

  it('results in a message within the limits for any content', () => {
    fc.assert(
      fc.property(
        fc.record({ event: events, bridgeUrl: optional }),
        fc.constantFrom(undefined, ...(Object.keys(templates) as (keyof typeof templates)[])),
        (occasion, template) => {
          const message = messageOf(occasion, template)
          expect(faultsOf(message)).toEqual([])
        },
      ),
      { numRuns: 1_000 },
    )
  })

  /** Returns the texts that are not a single line or too long, and the limits that a message exceeds. */
  function faultsOf({ mood, title, text, fields, table, links }: Message): unknown[] {
    const lines: [line: string | undefined, length: number][] = [
      [title, 200],
      ...fields.flatMap(({ name, value }): [string, number][] => [
        [name, 80],
        [value, 500],
      ]),
      ...links.map(({ label }): [string, number] => [label, 80]),
      ...(table?.rows ?? []).flatMap(({ cells: [first, ...others] }): [string | undefined, number][] => [
        [first, 200],
        ...others.filter(Boolean).map((cell): [string, number] => [cell, 200]),
      ]),
    ]
    const checks = {
      mood: ['good', 'warning', 'bad', 'neutral'].includes(mood),
      text: text === undefined || (text.trim() !== '' && text.length <= 3_000 && text.isWellFormed()),
      fields: fields.length <= 12,
      links: links.length <= 5 && new Set(links.map(({ url }) => url)).size === links.length,
      urls: links.every(({ url }) => /^https?:$/.test(new URL(url).protocol)),
      rows: table === undefined || (table.rows.length > 0 && table.rows.length <= 21),
      cells: table === undefined || table.rows.every(({ cells }) => cells.length === table.columns.length),
    }
    return [
      ...lines.filter(([line, length]) => !(isLine(line) && line.length <= length)),
      ...Object.entries(checks).filter(([, isMet]) => !isMet),
    ]
  }

  function isLine(text: unknown): text is string {
    return typeof text === 'string' && /^\S(.*\S)?$/u.test(text) && text.isWellFormed()
  }
})
