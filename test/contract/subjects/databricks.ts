import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const list = 'GET /api/2.2/jobs/list'
const start = 'POST /api/2.2/jobs/run-now'
const get = 'GET /api/2.2/jobs/runs/get'
const output = 'GET /api/2.2/jobs/runs/get-output'

type Example = Record<string, unknown>
const task = { run_id: 900001, task_key: 'train', attempt_number: 0, run_page_url: 'https://example.com/#run/900001' }
const on = (word: string) => ({
  body: (example: Example) => ({ ...example, state: { life_cycle_state: word }, status: { state: word } }),
})
const ended = (code: string, type: string, message = '') => {
  const status = { state: 'TERMINATED', termination_details: { code, type, message } }
  return { body: (example: Example) => ({ ...example, status, tasks: [{ ...task, status }] }) }
}
const id = '455644833'

const starts = casesOf('start-model', { target: '11223344' })
const stops = casesOf('stop-model', { id })

export const databricks: Subject = {
  name: 'databricks',
  contract: 'databricks',
  cases: [
    { action: 'check', how: 'the credentials' },
    starts.passes('of a job', `Run ${id} ended as SUCCESS`),
    starts.passes('of a job by its name', 'ended as SUCCESS', { input: { target: 'optimise checkout' } }),
    starts.fails('of a job that there is not', 'no job named optimise basket', {
      input: { target: 'optimise basket' },
      answers: { [list]: [{ body: {} }] },
    }),
    starts.passes('with parameters', 'ended', { input: { parameters: { service: 'checkout', trials: 3 } } }),
    starts.passes('again', `Run ${id} ended as SUCCESS`, { isRetry: true }),
    starts.passes('without an event id', 'ended as SUCCESS', { noKey: true }),
    starts.fails('whose notebook answers numbers', 'accuracy is 0.93, not > 0.95', {
      input: { thresholds: [{ metric: 'accuracy', op: '>', value: 0.95 }] },
      answers: { [get]: [on('PENDING'), on('RUNNING'), ended('SUCCESS', 'SUCCESS')] },
    }),
    starts.fails('that fails', 'task train failed: ValueError: no trials left', {
      answers: {
        [get]: [ended('RUN_EXECUTION_ERROR', 'CLIENT_ERROR')],
        [output]: [{ body: { error: 'ValueError: no trials left' } }],
      },
    }),
    starts.fails('that is stopped', 'ended as USER_CANCELED', {
      stops: true,
      answers: { [get]: [on('TERMINATING'), ended('USER_CANCELED', 'SUCCESS', 'Run cancelled.')] },
    }),
    starts.fails('refused', 'Job 1 does not exist.', {
      answers: {
        [start]: [{ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE', message: 'Job 1 does not exist.' } }],
      },
    }),
    stops.passes('one that runs', 'Stopped run', {
      answers: { [get]: [on('RUNNING'), on('TERMINATING'), ended('USER_CANCELED', 'SUCCESS')] },
    }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: driveProvider('optimization', 'databricks', { token: 'a-token-of-databricks' }),
}
