import { evaluated } from '../../../infra/platforms/keptn/server.ts'
import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const start = 'POST /project/{project}/stage/{stage}/service/{service}/evaluation'
const read = 'GET /mongodb-datastore/event'
const find = 'GET /mongodb-datastore/event/type/{eventType}'
const events = (...data: object[]) => ({
  body: { events: data.map((data) => ({ shkeptncontext: 'a-context', data })) },
})
const none = { body: { events: null } }
const passed = { ...evaluated, result: 'pass', evaluation: { ...evaluated.evaluation, score: 100 } }
const refused = (words: string) => ({ [start]: [{ status: 400, body: { code: 2, message: words } }] })

const requests = casesOf('request-evaluation', { start: '2026-11-24T10:00:00Z', end: '2026-11-24T10:05:00Z' })

/** The control plane; what it shares with Keptn as an orchestrator is held against the API. */
export const keptnEvaluation: Subject = {
  name: 'keptn',
  contract: 'keptn-control-plane',
  // Its gateway has the control plane there.
  under: '/api/controlPlane',
  cases: [
    requests.passes('to completion', 'passed with a score of 100', {
      answers: { [read]: [none, none, none, events(passed)] },
    }),
    requests.passes('of another stage', 'passed', {
      connection: { stage: 'quality-gate' },
      answers: { [read]: [events({ project: 'shop', labels: { by: 'Jane Doe' } }), events(passed)] },
    }),
    requests.passes('without an event id', 'passed', { noKey: true, answers: { [read]: [none, events(passed)] } }),
    requests.passes('again', 'passed', { isRetry: true, answers: { [find]: [events({})], [read]: [events(passed)] } }),
    requests.fails('refused', 'service not found', { answers: refused('service not found') }),
    requests.fails('that could not be made', 'Keptn did not evaluate checkout in production: get-sli failed', {
      answers: { [read]: [none, events({ ...evaluated, status: 'errored', message: 'get-sli failed' })] },
    }),
    requests.fails('from its own sequence', 'would wait for each other', {
      answers: { [read]: [events({ project: 'shop' })] },
    }),
  ],
  run: driveProvider('slo', 'keptn', { token: 'a-token-of-keptn' }),
}
