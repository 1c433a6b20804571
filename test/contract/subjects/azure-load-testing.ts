import { key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const path = '/test-runs/{testRunId}'
const read = `GET ${path}`
type Example = Record<string, unknown>
const as = (fields: object) => ({ body: (example: Example) => ({ ...example, testRunId: key, ...fields }) })
const executing = as({ status: 'EXECUTING', testResult: undefined })
const failed = {
  body: (example: Example) => {
    const { passFailCriteria } = example as { passFailCriteria: { passFailMetrics: Record<string, object> } }
    const passFailMetrics = Object.fromEntries(
      Object.entries(passFailCriteria.passFailMetrics).map(([id, one]) => [id, { ...one, result: 'failed' }]),
    )
    return { ...example, testResult: 'FAILED', passFailCriteria: { passFailMetrics } }
  },
}
const action = 'start-test'
const input = { target: '12345678-1234-1234-1234-123456789012' }

export const azureLoadTesting: Subject = {
  name: 'azure-load-testing',
  contract: 'azure-load-testing',
  cases: [
    { action: 'check', how: 'the credentials' },
    { action, how: 'to completion', input, answers: { [read]: [executing, {}] }, says: 'ended as DONE/PASSED' },
    { action, how: 'without an event id', input, noKey: true, says: 'ended as DONE/PASSED' },
    { action, how: 'with parameters', input: { ...input, parameters: { users: 50, host: 'x' } }, says: 'ended' },
    { action, how: 'again', input, isRetry: true, says: 'ended as DONE/PASSED' },
    {
      action,
      how: 'again, not there',
      input,
      isRetry: true,
      answers: { [read]: [{ status: 404, body: { error: { code: 'TestRunNotFound' } } }] },
      says: 'ended as DONE/PASSED',
    },
    {
      action,
      how: 'failed',
      input,
      answers: { [read]: [failed] },
      refused: true,
      says: 'percentage of response_time_ms is 10 (fails at > 20)',
    },
    {
      action: 'stop-test',
      how: 'one that is on',
      input: { id: key },
      answers: { [read]: [executing, as({ status: 'CANCELLED' })] },
      says: 'Stopped',
    },
    { action: 'stop-test', how: 'one that has ended', input: { id: key }, says: 'had ended already' },
  ],
  run: driveProvider('load-testing', 'azure-load-testing', { token: 'an-access-token-of-entra' }),
}
