import { key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const execution = 'GET /execution/{id}'
const list = 'GET /api/44/job/{id}/executions'
const run = 'POST /job/{id}/run'

type Example = Record<string, unknown> & { job: object }
/** The example says all that the status may be. */
const as = (status: string, more: object = {}) => ({ body: (example: Example) => ({ ...example, status, ...more }) })
const listed = (job: object) => {
  const found = { id: 1, permalink: 'http://localhost:4440/1', status: 'running', job }
  return { body: { paging: { count: 1, total: 1, offset: 0, max: 100 }, executions: [found] } }
}
const failing = (example: { steps: [object] }) => {
  const [step] = example.steps
  const nodeStates = { dignan: { executionState: 'FAILED' } }
  return { ...example, executionState: 'FAILED', steps: [{ ...step, executionState: 'FAILED', nodeStates }] }
}
const target = '3b6c19f6-41ee-475f-8fd0-8f1a26f27a9a'
const action = 'run-runbook'

export const rundeck: Subject = {
  name: 'rundeck',
  contract: 'rundeck',
  answers: {
    [execution]: as('succeeded'),
    // The example is the text of an answer, with a comma too many.
    'POST /execution/{id}/abort': { body: { abort: { status: 'pending' }, execution: { id: '1', status: 'running' } } },
  },
  cases: [
    { action: 'check', how: 'the credentials' },
    { action, how: 'by id', input: { target }, says: 'Execution 1 ended as succeeded' },
    { action, how: 'with options', input: { target, parameters: { opt1: 'testvalue', opt2: 2 } }, says: 'ended' },
    { action, how: 'by name', input: { target: 'app2/dev/restart', project: 'test' }, says: 'ended as succeeded' },
    { action, how: 'without an event id', input: { target }, noKey: true, says: 'ended as succeeded' },
    {
      action,
      how: 'without an option for the key',
      input: { target },
      connection: { keyOption: undefined },
      says: 'ended',
    },
    {
      action,
      how: 'again, while it runs',
      input: { target },
      isRetry: true,
      answers: { [list]: [listed({ options: { key } })] },
      says: 'ended as succeeded',
    },
    {
      action,
      how: 'retry that finds only the execution of another call',
      input: { target },
      isRetry: true,
      answers: { [list]: [listed({ options: { key: 'of another call' } })], [run]: [{}] },
      says: 'ended as succeeded',
    },
    {
      action,
      how: 'that fails',
      input: { target },
      answers: { [execution]: [as('running'), as('failed')], 'GET /execution/{id}/state': [{ body: failing }] },
      refused: true,
      says: 'ended as failed: step 1 failed on dignan',
    },
    {
      action,
      how: 'that Rundeck tries again',
      input: { target },
      answers: {
        [execution]: [as('failed-with-retry', { retriedExecution: { id: 2, permalink: 'http://localhost:4440/2' } })],
      },
      says: 'ended as succeeded',
    },
    {
      action,
      how: 'that is stopped',
      input: { target },
      stops: true,
      answers: { [execution]: [as('aborted', { abortedby: 'admin' })] },
      refused: true,
      says: 'ended as aborted: by admin',
    },
  ],
  run: driveProvider('incident-management', 'rundeck', {
    token: 'a-token-of-rundeck',
    project: 'test',
    keyOption: 'key',
  }),
}
