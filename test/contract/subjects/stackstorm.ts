import { key, type Subject } from '../cases.ts'
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

export const stackstorm: Subject = {
  name: 'stackstorm',
  contract: 'stackstorm',
  cases: [
    { action: 'check', how: 'the credentials' },
    { action, how: 'with parameters', input, says: `Execution ${id} ended as succeeded` },
    { action: 'run-job', how: 'by another name', input, says: `Execution ${id} ended as succeeded` },
    { action, how: 'without parameters', input: { target: 'core.noop' }, says: 'ended as succeeded' },
    { action, how: 'without an event id', input, noKey: true, says: 'ended as succeeded' },
    {
      action,
      how: 'again',
      input,
      isRetry: true,
      answers: {
        [traces]: [
          { body: [{ trace_tag: key, action_executions: [{ object_id: id, ref: 'core.local', caused_by: {} }] }] },
        ],
      },
      says: `Execution ${id} ended as succeeded`,
    },
    {
      action,
      how: 'that waits, and fails in a task',
      input,
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
      refused: true,
      says: `task "${child}" (core.local) ended as failed: no such unit`,
    },
    {
      action,
      how: 'refused',
      input,
      answers: { [create]: [{ status: 400, body: { faultstring: 'Action "core.local" cannot be found.' } }] },
      refused: true,
      says: 'Action "core.local" cannot be found.',
    },
    {
      action,
      how: 'that is stopped',
      input,
      stops: true,
      answers: { [execution]: [as('canceling'), as('canceled', { result: { message: 'Action canceled by user.' } })] },
      refused: true,
      says: 'ended as canceled: Action canceled by user.',
    },
    {
      action: 'stop-runbook',
      how: 'one that runs',
      input: { id },
      answers: { [execution]: [as('running'), as('canceling'), as('canceled')] },
      says: `Stopped execution ${id} (canceled)`,
    },
    {
      action: 'stop-runbook',
      how: 'one that ends meanwhile',
      input: { id },
      answers: {
        [execution]: [as('running'), {}, {}],
        [cancel]: [{ body: { faultstring: 'Action cannot be canceled. State = succeeded.' } }],
      },
      says: `Stopped execution ${id} (succeeded)`,
    },
    { action: 'stop-runbook', how: 'one that has ended', input: { id }, says: 'had ended already' },
  ],
  run: driveProvider('remediation', 'stackstorm', { token: 'an-api-key-of-stackstorm' }),
}
