import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const execution = 'GET /platform/automation/v1/executions/{id}'
const tasks = 'GET /platform/automation/v1/executions/{executionId}/tasks'
const readWorkflow = 'GET /platform/automation/v1/workflows/{id}'
const run = 'POST /platform/automation/v1/workflows/{id}/run'
const id = '0b1a5b6e-8c5e-4a2e-9c0a-2f2f6a0f5f11'
const workflow = 'c1f0a1d2-4b3c-4d5e-8f60-1a2b3c4d5e6f'
const token = 'dt0s16.ABCDEFGH.0123456789ABCDEF'

const task = {
  ...{ id: 'a-task', execution: id, name: 'validate', state: 'SUCCESS', startedAt: null, endedAt: null, runtime: 3 },
  ...{ position: {}, conditions: {}, predecessors: [], active: true },
  action: 'dynatrace.site.reliability.guardian:validate-guardian-action',
}
const ended = (word: string) => ({ body: { validate: { ...task, result: { validation_status: word } } } })
const about = {
  ...{ id, workflow, runtime: 3, actor: 'an-actor', title: 'Validate', triggerType: 'Manual', workflowVersion: 1 },
  ...{ workflowType: 'STANDARD', parentExecution: null, parentTaskName: null },
}
const state = (word: string) => ({ body: { ...about, state: word } })
const requests = casesOf('request-evaluation', {
  ...{ start: '2026-11-24T10:00:00Z', end: '2026-11-24T10:05:00Z', slo: 'Checkout' },
})

export const guardianByWorkflow: Subject = {
  name: 'dynatrace-guardian',
  contract: 'dynatrace-automation',
  answers: {
    [readWorkflow]: { body: { id: workflow, title: 'Validate' } },
    [execution]: state('SUCCESS'),
    [tasks]: ended('pass'),
  },
  cases: [
    { action: 'check', how: 'the workflow' },
    requests.passes('that passes', 'passed with a score of 100'),
    requests.passes('that takes longer', 'passed', { answers: { [execution]: [state('RUNNING'), state('SUCCESS')] } }),
    requests.passes('whose run exists', 'passed', { answers: { [run]: [{ ...state('RUNNING'), status: 202 }] } }),
    requests.fails('that fails', 'is 0', { answers: { [tasks]: [ended('fail')] } }),
    requests.fails('without a verdict', 'is error', { answers: { [tasks]: [ended('error')] } }),
    requests.fails('that ends with an error', 'ended with ERROR', { answers: { [execution]: [state('ERROR')] } }),
    requests.fails('refused', 'no such workflow', {
      answers: { [run]: [{ status: 404, body: { error: { code: 404, message: 'no such workflow' } } }] },
    }),
  ],
  run: driveProvider('slo', 'dynatrace-guardian', { token, workflow }),
}

const query = 'POST /platform/storage/query/v1/query:execute'
const poll = 'GET /platform/storage/query/v1/query:poll'
const found = (...results: string[]) => ({
  body: { state: 'SUCCEEDED', result: { records: results.map((word) => ({ 'validation.result': word })) } },
})

export const guardianByEvent: Subject = {
  name: 'dynatrace-guardian',
  contract: 'dynatrace-guardian',
  answers: { [poll]: found('pass') },
  cases: [
    { action: 'check', how: 'the events' },
    requests.passes('that passes', 'passed with a score of 100'),
    requests.passes('whose event comes later', 'passed', { answers: { [query]: [found(), found('pass')] } }),
    requests.passes('whose query is polled', 'passed', {
      answers: { [query]: [{ status: 202, body: { state: 'RUNNING', requestToken: 't' } }] },
    }),
    requests.fails('that fails', 'is 0', { answers: { [query]: [found('fail')] } }),
  ],
  run: driveProvider('slo', 'dynatrace-guardian', { token }),
}
