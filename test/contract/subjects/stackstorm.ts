import { casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const create = 'POST /api/v1/executions'
const execution = 'GET /api/v1/executions/{id}'
const cancel = 'DELETE /api/v1/executions/{id}'
const list = 'GET /api/v1/executions'
const traces = 'GET /api/v1/traces'

type Example = Record<string, unknown>
const as = (status: string, more: object = {}) => ({ body: (example: Example) => ({ ...example, status, ...more }) })
const input = { target: 'core.local', parameters: { cmd: 'date' } }
const action = 'run-runbook'
const id = '54e657f20640fd16887d6857'
const child = '54e657f20640fd16887d6858'

const runs = casesOf('run-runbook', input)
const stops = casesOf('stop-runbook', { id })

export const stackstorm: Subject = {
  name: 'stackstorm',
  contract: 'stackstorm',
  cases: [
    { action: 'check', how: 'the credentials' },
    runs.passes('with parameters', `Execution ${id} ended as succeeded`),
    { action: 'run-job', how: 'by another name', input, says: `Execution ${id} ended as succeeded` },
    { action, how: 'without parameters', input: { target: 'core.noop' }, says: 'ended as succeeded' },
    runs.passes('without an event id', 'ended as succeeded', { noKey: true }),
    runs.passes('again', `Execution ${id} ended as succeeded`, {
      isRetry: true,
      answers: {
        [traces]: [
          { body: [{ trace_tag: key, action_executions: [{ object_id: id, ref: 'core.local', caused_by: {} }] }] },
        ],
      },
    }),
    runs.fails('that waits, and fails in a task', `task "${child}" (core.local) ended as failed: no such unit`, {
      answers: {
        [execution]: [
          as('requested'),
          as('running'),
          as('paused'),
          as('failed', { children: [child], result: { errors: [], output: null } }),
          as('failed', { id: child, result: { stderr: 'no such unit', return_code: 5 } }),
        ],
        [list]: [{ body: [{ id: child, status: 'failed', action: { ref: 'core.remote' } }] }],
      },
    }),
    runs.fails('refused', 'Action "core.local" cannot be found.', {
      answers: { [create]: [{ status: 400, body: { faultstring: 'Action "core.local" cannot be found.' } }] },
    }),
    runs.fails('that is stopped', 'ended as canceled: Action canceled by user.', {
      stops: true,
      answers: { [execution]: [as('canceling'), as('canceled', { result: { message: 'Action canceled by user.' } })] },
    }),
    stops.passes('one that runs', `Stopped execution ${id} (canceled)`, {
      answers: { [execution]: [as('running'), as('canceling'), as('canceled')] },
    }),
    stops.passes('one that ends meanwhile', `Stopped execution ${id} (succeeded)`, {
      answers: {
        [execution]: [as('running'), {}, {}],
        [cancel]: [{ body: { faultstring: 'Action cannot be canceled. State = succeeded.' } }],
      },
    }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: driveProvider('remediation', 'stackstorm', { token: 'an-api-key-of-stackstorm' }),
}
