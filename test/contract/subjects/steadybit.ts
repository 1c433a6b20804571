import { casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const one = 'GET /api/experiments/executions/{id}'
const list = 'POST /api/experiments/executions'
const execute = 'POST /api/experiments/{experimentKey}/execute'
type Example = Record<string, unknown>
const as = (state: string, fields: object = {}) => ({ body: (example: Example) => ({ ...example, state, ...fields }) })
const ours = { variables: { cloudAutomationWebhooksKey: { value: key, origin: 'EXECUTION' } } }

const starts = casesOf('start-test', { target: 'ADM-1' })
const stops = casesOf('stop-test', { id: '123' })

export const steadybit: Subject = {
  name: 'steadybit',
  contract: 'steadybit',
  cases: [
    { action: 'check', how: 'the credentials' },
    starts.passes('to completion', 'Execution 123 ended as COMPLETED', {
      answers: { [one]: [as('CREATED'), as('PREPARED'), as('RUNNING'), {}, {}] },
    }),
    starts.passes('without an event id', 'ended as COMPLETED', { noKey: true }),
    starts.passes('parallel', 'ended as COMPLETED', { connection: { parallel: 'on' } }),
    starts.passes('with variables', 'ended as COMPLETED', {
      input: { parameters: { zone: 'a' } },
      connection: { variables: 'zone' },
    }),
    starts.passes('again', 'Execution 123 ended as COMPLETED', {
      isRetry: true,
      answers: { [list]: [{ body: { items: [{ id: 123 }] } }], [one]: [as('RUNNING', ours)] },
    }),
    starts.fails('that fails', 'ended as FAILED: Check failure.', {
      answers: { [one]: [as('FAILED', { reason: 'Check failure.' })] },
    }),
    starts.fails('while another one runs, as the contract describes', 'Another experiment is running', {
      answers: { [execute]: [{ status: 422 }] },
    }),
    starts.fails('of what is not valid', 'Had validation errors (no targets).', {
      answers: { [execute]: [{ status: 422, body: { title: 'Had validation errors (no targets).', status: 422 } }] },
    }),
    starts.fails('that is canceled', 'ended as CANCELED', { stops: true, answers: { [one]: [as('CANCELED')] } }),
    stops.passes('one that is on', 'Stopped execution 123 (CANCELED)', {
      answers: { [one]: [as('RUNNING'), as('CANCELED')] },
    }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: driveProvider('chaos-testing', 'steadybit', { token: 'a-token-of-steadybit', allow: ['ADM-*'] }),
}
