import type { Subject } from '../cases.ts'
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
const action = 'start-model'
const input = { target: '11223344' }
const id = '455644833'

export const databricks: Subject = {
  name: 'databricks',
  contract: 'databricks',
  cases: [
    { action: 'check', how: 'the credentials' },
    { action, how: 'of a job', input, says: `Run ${id} ended as SUCCESS` },
    { action, how: 'of a job by its name', input: { target: 'optimise checkout' }, says: 'ended as SUCCESS' },
    {
      action,
      how: 'of a job that there is not',
      input: { target: 'optimise basket' },
      answers: { [list]: [{ body: {} }] },
      refused: true,
      says: 'no job named optimise basket',
    },
    {
      action,
      how: 'with parameters',
      input: { ...input, parameters: { service: 'checkout', trials: 3 } },
      says: 'ended',
    },
    { action, how: 'again', input, isRetry: true, says: `Run ${id} ended as SUCCESS` },
    { action, how: 'without an event id', input, noKey: true, says: 'ended as SUCCESS' },
    {
      action,
      how: 'whose notebook answers numbers',
      input: { ...input, thresholds: [{ metric: 'accuracy', op: '>', value: 0.95 }] },
      answers: { [get]: [on('PENDING'), on('RUNNING'), ended('SUCCESS', 'SUCCESS')] },
      refused: true,
      says: 'accuracy is 0.93, not > 0.95',
    },
    {
      action,
      how: 'that fails',
      input,
      answers: {
        [get]: [ended('RUN_EXECUTION_ERROR', 'CLIENT_ERROR')],
        [output]: [{ body: { error: 'ValueError: no trials left' } }],
      },
      refused: true,
      says: 'task train failed: ValueError: no trials left',
    },
    {
      action,
      how: 'that is stopped',
      input,
      stops: true,
      answers: { [get]: [on('TERMINATING'), ended('USER_CANCELED', 'SUCCESS', 'Run cancelled.')] },
      refused: true,
      says: 'ended as USER_CANCELED',
    },
    {
      action,
      how: 'refused',
      input,
      answers: {
        [start]: [{ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE', message: 'Job 1 does not exist.' } }],
      },
      refused: true,
      says: 'Job 1 does not exist.',
    },
    {
      action: 'stop-model',
      how: 'one that runs',
      input: { id },
      answers: { [get]: [on('RUNNING'), on('TERMINATING'), ended('USER_CANCELED', 'SUCCESS')] },
      says: 'Stopped run',
    },
    { action: 'stop-model', how: 'one that has ended', input: { id }, says: 'had ended already' },
  ],
  run: driveProvider('optimization', 'databricks', { token: 'a-token-of-databricks' }),
}
