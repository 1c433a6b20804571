import { casesOf, key, type Subject } from '../cases.ts'
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

const starts = casesOf('start-test', { target: '12345678-1234-1234-1234-123456789012' })
const stops = casesOf('stop-test', { id: key })

export const azureLoadTesting: Subject = {
  name: 'azure-load-testing',
  contract: 'azure-load-testing',
  cases: [
    { action: 'check', how: 'the credentials' },
    starts.passes('to completion', 'ended as DONE/PASSED', { answers: { [read]: [executing, {}] } }),
    starts.passes('without an event id', 'ended as DONE/PASSED', { noKey: true }),
    starts.passes('with parameters', 'ended', { input: { parameters: { users: 50, host: 'x' } } }),
    starts.passes('again', 'ended as DONE/PASSED', { isRetry: true }),
    starts.passes('again, not there', 'ended as DONE/PASSED', {
      isRetry: true,
      answers: { [read]: [{ status: 404, body: { error: { code: 'TestRunNotFound' } } }] },
    }),
    starts.fails('failed', 'percentage of response_time_ms is 10 (fails at > 20)', { answers: { [read]: [failed] } }),
    stops.passes('one that is on', 'Stopped', { answers: { [read]: [executing, as({ status: 'CANCELLED' })] } }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: driveProvider('load-testing', 'azure-load-testing', { token: 'an-access-token-of-entra' }),
}
