import { key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const workspace = '/v3/workspaces/{workspaceId}'
const one = `GET ${workspace}/test-results/{resultId}`
const list = `GET ${workspace}/test-results`
type Example = Record<string, unknown>
const as = (fields: object) => ({ body: (example: Example) => ({ ...example, ...fields }) })
const running = as({ status: 'RUNNING', qualityStatus: 'UNKNOWN' })
const failing = { body: ([sla]: Example[]) => [{ ...sla, status: 'FAILED' }] }
const action = 'start-test'
const input = { target: '5ed5350f-9f2f-4e2a-9acb-cdbcee874256', project: '5e3acde2e860a132744ca916' }
const id = '5e3acde2e860a132744ca916#c6ff329e-ec09-4be3-b3c5-ea0c5d9be2a8'

export const neoload: Subject = {
  name: 'neoload',
  contract: 'neoload',
  cases: [
    { action: 'check', how: 'the credentials' },
    {
      action,
      how: 'to completion',
      input,
      answers: { [one]: [running, {}] },
      says: 'ended as TERMINATED/POLICY/PASSED',
    },
    { action, how: 'without an event id', input, noKey: true, says: 'ended as TERMINATED/POLICY/PASSED' },
    {
      action,
      how: 'with all that it takes',
      input: {
        ...input,
        parameters: {
          ...{ testResultName: 'Release 1.2', testResultDescription: 'by Keptn', asCode: 'default.yaml' },
          ...{ reservationDuration: 600, reservationWebVUs: 50, reservationSAPVUs: 0, publishTestResult: true },
        },
      },
      says: 'ended',
    },
    {
      action,
      how: 'not there yet',
      input,
      answers: { [one]: [{ status: 404, body: { code: 104 } }, {}] },
      says: 'ended',
    },
    {
      action,
      how: 'again',
      input,
      isRetry: true,
      answers: { [list]: [{ body: [{ id: id.split('#')[1], name: `cloud-automation-webhooks ${key}` }] }] },
      says: 'ended',
    },
    {
      action,
      how: 'failed',
      input,
      answers: {
        [one]: [as({ qualityStatus: 'FAILED' })],
        [`GET ${workspace}/test-results/{resultId}/slas/statistics`]: [failing],
        [`GET ${workspace}/test-results/{resultId}/slas/per-test`]: [{ body: [] }],
      },
      refused: true,
      says: 'avg-request-resp-time is 0.1 (fails at >= 0.1)',
    },
    {
      action: 'stop-test',
      how: 'one that is on',
      input: { id },
      answers: { [one]: [running, as({ terminationReason: 'MANUAL' })] },
      says: 'Stopped',
    },
    { action: 'stop-test', how: 'one that has ended', input: { id }, says: 'had ended already' },
  ],
  run: driveProvider('load-testing', 'neoload', { token: 'an-account-token' }),
}
