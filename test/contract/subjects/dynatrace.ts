import { casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const contract = 'dynatrace-environment-v2'
const one = 'GET /slo/{id}'
const list = 'GET /slo'
const ingest = 'POST /events/ingest'
const token = 'dt0c01.ABCDEFGH.0123456789ABCDEF'
const id = '7d07efde-b714-3e6e-ad95-08490e2540c4'
const as = (fields: object) => ({ body: (example: object) => ({ ...example, ...fields }) })
const met = as({ status: 'SUCCESS', evaluatedPercentage: 99.97 })
const violated = { path: 'from', message: 'must be in the past', parameterLocation: 'QUERY' }
const refusal = { error: { code: 400, message: 'Constraints violated.', constraintViolations: [violated] } }

const time = { start: '2026-11-24T10:00:00Z', end: '2026-11-24T10:05:00Z' }

const requests = casesOf('request-evaluation', { ...time, slo: id })

export const dynatrace: Subject = {
  name: 'dynatrace',
  contract,
  cases: [
    { action: 'check', how: 'the credentials' },
    requests.passes('that is met', 'passed with a score of 100', { answers: { [one]: [met] } }),
    requests.fails('as the example has it', `ended with a warning with a score of 50: ${id} is 99.94, not >=99.95`),
    requests.fails('by its name', 'ended with a warning', { input: { slo: 'Checkout availability' } }),
    requests.fails('by a name that there is not', 'has no enabled SLO named "Nothing"', {
      input: { slo: 'Nothing' },
      answers: { [list]: [{ body: { slo: [], totalCount: 0, pageSize: 25 } }] },
    }),
    requests.passes('held against thresholds', 'passed', {
      input: { slo: undefined, queries: { rate: id }, thresholds: [{ metric: 'rate', op: '>=', value: 99 }] },
    }),
    requests.fails('without data', 'NO_DATA', {
      answers: { [one]: [as({ evaluatedPercentage: -1, error: 'NO_DATA' })] },
    }),
    requests.fails('refused', 'Constraints violated.; from: must be in the past', {
      answers: { [one]: [{ status: 400, body: refusal }] },
    }),
  ],
  run: driveProvider('slo', 'dynatrace', { token }),
}

const indicator = {
  ...{ displayName: 'Response time', status: 'pass', score: 1 },
  value: { metric: 'p95', value: 312.4, success: true },
  passTargets: [{ criteria: '<=400', targetValue: 400, violated: false }],
}
const evaluation = { result: 'pass', score: 100, indicatorResults: [indicator] }
const data = { status: 'succeeded', result: 'pass', evaluation, labels: { team: 'shop' } }
const reports = casesOf('push-report')
const fields = {
  ...{ eventType: 'CUSTOM_DEPLOYMENT', entitySelector: 'type(SERVICE),entityName.equals("$SERVICE")' },
  properties: { version: 4 },
}
const reported = (...statuses: string[]) => ({
  reportCount: statuses.length,
  eventIngestResults: statuses.map((status) => ({ correlationId: 'c7c5bfb8c0d1b6f4', status })),
})
const ours = { correlationId: 'c7c5', properties: [{ key: 'cloudAutomationWebhooksKey', value: key }] }

export const dynatraceEvent: Subject = {
  name: 'dynatrace-event',
  contract,
  cases: [
    { action: 'check', how: 'the credentials' },
    reports.passes('an evaluation', 'a CUSTOM_INFO event on 1 entity', { data }),
    reports.passes('with its times', 'CUSTOM_INFO', {
      data: { ...data, evaluation: { ...evaluation, timeStart: time.start, timeEnd: time.end } },
    }),
    reports.passes('with what only it knows', 'CUSTOM_DEPLOYMENT', { data, input: { fields } }),
    reports.passes('that opens a problem', '', { data, input: { fields: { eventType: 'CUSTOM_ALERT', timeout: 30 } } }),
    reports.passes('retry that finds nothing', 'on 1 entity', { data, isRetry: true }),
    reports.passes('again', 'already exists', {
      ...{ data, isRetry: true },
      answers: { 'GET /api/v2/events': [{ body: { totalCount: 1, events: [ours] } }] },
    }),
    reports.fails('that one entity does not get', 'on 1 of 2 entities (INVALID_ENTITY_TYPE)', {
      data,
      answers: { [ingest]: [{ status: 201, body: reported('OK', 'INVALID_ENTITY_TYPE') }] },
    }),
    reports.fails('that matches nothing', 'no entity matches the environment', {
      data,
      answers: { [ingest]: [{ status: 201, body: reported() }] },
    }),
  ],
  run: driveProvider('slo', 'dynatrace-event', { token }),
}
