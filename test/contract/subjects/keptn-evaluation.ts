import { evaluated } from '../../../infra/platforms/keptn/server.ts'
import type { Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const start = 'POST /project/{project}/stage/{stage}/service/{service}/evaluation'
const read = 'GET /mongodb-datastore/event'
const find = 'GET /mongodb-datastore/event/type/{eventType}'
const events = (...data: object[]) => ({
  body: { events: data.map((data) => ({ shkeptncontext: 'a-context', data })) },
})
const none = { body: { events: null } }
const passed = { ...evaluated, result: 'pass', evaluation: { ...evaluated.evaluation, score: 100 } }
const action = 'request-evaluation'
const input = { start: '2026-11-24T10:00:00Z', end: '2026-11-24T10:05:00Z' }
const refused = (words: string) => ({ [start]: [{ status: 400, body: { code: 2, message: words } }] })

/** The control plane; what it shares with Keptn as an orchestrator is held against the API. */
export const keptnEvaluation: Subject = {
  name: 'keptn',
  contract: 'keptn-control-plane',
  // Its gateway has the control plane there.
  under: '/api/controlPlane',
  cases: [
    {
      action,
      how: 'to completion',
      input,
      answers: { [read]: [none, none, none, events(passed)] },
      says: 'passed with a score of 100',
    },
    {
      action,
      how: 'of another stage',
      input,
      connection: { stage: 'quality-gate' },
      answers: { [read]: [events({ project: 'shop', labels: { by: 'Jane Doe' } }), events(passed)] },
      says: 'passed',
    },
    {
      action,
      how: 'without an event id',
      input,
      noKey: true,
      answers: { [read]: [none, events(passed)] },
      says: 'passed',
    },
    {
      action,
      how: 'again',
      input,
      isRetry: true,
      answers: { [find]: [events({})], [read]: [events(passed)] },
      says: 'passed',
    },
    { action, how: 'refused', input, answers: refused('service not found'), refused: true, says: 'service not found' },
    {
      action,
      how: 'that could not be made',
      input,
      answers: { [read]: [none, events({ ...evaluated, status: 'errored', message: 'get-sli failed' })] },
      refused: true,
      says: 'Keptn did not evaluate checkout in production: get-sli failed',
    },
    {
      action,
      how: 'from its own sequence',
      input,
      answers: { [read]: [events({ project: 'shop' })] },
      refused: true,
      says: 'would wait for each other',
    },
  ],
  run: driveProvider('slo', 'keptn', { token: 'a-token-of-keptn' }),
}
