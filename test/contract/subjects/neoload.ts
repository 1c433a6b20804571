import { casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const workspace = '/v3/workspaces/{workspaceId}'
const one = `GET ${workspace}/test-results/{resultId}`
const list = `GET ${workspace}/test-results`
type Example = Record<string, unknown>
const as = (fields: object) => ({ body: (example: Example) => ({ ...example, ...fields }) })
const running = as({ status: 'RUNNING', qualityStatus: 'UNKNOWN' })
const failing = { body: ([sla]: Example[]) => [{ ...sla, status: 'FAILED' }] }
const id = '5e3acde2e860a132744ca916#c6ff329e-ec09-4be3-b3c5-ea0c5d9be2a8'

const starts = casesOf('start-test', {
  target: '5ed5350f-9f2f-4e2a-9acb-cdbcee874256',
  project: '5e3acde2e860a132744ca916',
})
const stops = casesOf('stop-test', { id })

export const neoload: Subject = {
  name: 'neoload',
  contract: 'neoload',
  cases: [
    { action: 'check', how: 'the credentials' },
    starts.passes('to completion', 'ended as TERMINATED/POLICY/PASSED', { answers: { [one]: [running, {}] } }),
    starts.passes('without an event id', 'ended as TERMINATED/POLICY/PASSED', { noKey: true }),
    starts.passes('with all that it takes', 'ended', {
      input: {
        parameters: {
          ...{ testResultName: 'Release 1.2', testResultDescription: 'by Keptn', asCode: 'default.yaml' },
          ...{ reservationDuration: 600, reservationWebVUs: 50, reservationSAPVUs: 0, publishTestResult: true },
        },
      },
    }),
    starts.passes('not there yet', 'ended', { answers: { [one]: [{ status: 404, body: { code: 104 } }, {}] } }),
    starts.passes('again', 'ended', {
      isRetry: true,
      answers: { [list]: [{ body: [{ id: id.split('#')[1], name: `cloud-automation-webhooks ${key}` }] }] },
    }),
    starts.fails('failed', 'avg-request-resp-time is 0.1 (fails at >= 0.1)', {
      answers: {
        [one]: [as({ qualityStatus: 'FAILED' })],
        [`GET ${workspace}/test-results/{resultId}/slas/statistics`]: [failing],
        [`GET ${workspace}/test-results/{resultId}/slas/per-test`]: [{ body: [] }],
      },
    }),
    stops.passes('one that is on', 'Stopped', { answers: { [one]: [running, as({ terminationReason: 'MANUAL' })] } }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: driveProvider('load-testing', 'neoload', { token: 'an-account-token' }),
}
