import { casesOf, key, type Subject } from '../cases.ts'
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

const runs = casesOf('run-runbook', { target })

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
    runs.passes('by id', 'Execution 1 ended as succeeded'),
    runs.passes('with options', 'ended', { input: { parameters: { opt1: 'testvalue', opt2: 2 } } }),
    runs.passes('by name', 'ended as succeeded', { input: { target: 'app2/dev/restart', project: 'test' } }),
    runs.passes('without an event id', 'ended as succeeded', { noKey: true }),
    runs.passes('without an option for the key', 'ended', { connection: { keyOption: undefined } }),
    runs.passes('again, while it runs', 'ended as succeeded', {
      isRetry: true,
      answers: { [list]: [listed({ options: { key } })] },
    }),
    runs.passes('retry that finds only the execution of another call', 'ended as succeeded', {
      isRetry: true,
      answers: { [list]: [listed({ options: { key: 'of another call' } })], [run]: [{}] },
    }),
    runs.fails('that fails', 'ended as failed: step 1 failed on dignan', {
      answers: { [execution]: [as('running'), as('failed')], 'GET /execution/{id}/state': [{ body: failing }] },
    }),
    runs.passes('that Rundeck tries again', 'ended as succeeded', {
      answers: {
        [execution]: [as('failed-with-retry', { retriedExecution: { id: 2, permalink: 'http://localhost:4440/2' } })],
      },
    }),
    runs.fails('that is stopped', 'ended as aborted: by admin', {
      stops: true,
      answers: { [execution]: [as('aborted', { abortedby: 'admin' })] },
    }),
  ],
  run: driveProvider('incident-management', 'rundeck', {
    token: 'a-token-of-rundeck',
    project: 'test',
    keyOption: 'key',
  }),
}
