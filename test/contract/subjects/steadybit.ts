import { key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const one = 'GET /api/experiments/executions/{id}'
const list = 'POST /api/experiments/executions'
const execute = 'POST /api/experiments/{experimentKey}/execute'
type Example = Record<string, unknown>
const as = (state: string, fields: object = {}) => ({ body: (example: Example) => ({ ...example, state, ...fields }) })
const ours = { variables: { cloudAutomationWebhooksKey: { value: key, origin: 'EXECUTION' } } }
const action = 'start-test'
const input = { target: 'ADM-1' }

export const steadybit: Subject = {
  name: 'steadybit',
  contract: 'steadybit',
  cases: [
    { action: 'check', how: 'the credentials' },
    {
      action,
      how: 'to completion',
      input,
      answers: { [one]: [as('CREATED'), as('PREPARED'), as('RUNNING'), {}, {}] },
      says: 'Execution 123 ended as COMPLETED',
    },
    { action, how: 'without an event id', input, noKey: true, says: 'ended as COMPLETED' },
    { action, how: 'parallel', input, connection: { parallel: 'on' }, says: 'ended as COMPLETED' },
    {
      action,
      how: 'with variables',
      input: { ...input, parameters: { zone: 'a' } },
      connection: { variables: 'zone' },
      says: 'ended as COMPLETED',
    },
    {
      action,
      how: 'again',
      input,
      isRetry: true,
      answers: { [list]: [{ body: { items: [{ id: 123 }] } }], [one]: [as('RUNNING', ours)] },
      says: 'Execution 123 ended as COMPLETED',
    },
    {
      action,
      how: 'that fails',
      input,
      answers: { [one]: [as('FAILED', { reason: 'Check failure.' })] },
      refused: true,
      says: 'ended as FAILED: Check failure.',
    },
    {
      action,
      how: 'while another one runs, as the contract describes',
      input,
      answers: { [execute]: [{ status: 422 }] },
      refused: true,
      says: 'Another experiment is running',
    },
    {
      action,
      how: 'of what is not valid',
      input,
      answers: { [execute]: [{ status: 422, body: { title: 'Had validation errors (no targets).', status: 422 } }] },
      refused: true,
      says: 'Had validation errors (no targets).',
    },
    {
      action,
      how: 'that is canceled',
      input,
      stops: true,
      answers: { [one]: [as('CANCELED')] },
      refused: true,
      says: 'ended as CANCELED',
    },
    {
      action: 'stop-test',
      how: 'one that is on',
      input: { id: '123' },
      answers: { [one]: [as('RUNNING'), as('CANCELED')] },
      says: 'Stopped execution 123 (CANCELED)',
    },
    { action: 'stop-test', how: 'one that has ended', input: { id: '123' }, says: 'had ended already' },
  ],
  run: driveProvider('chaos-testing', 'steadybit', { token: 'a-token-of-steadybit', allow: ['ADM-*'] }),
}
