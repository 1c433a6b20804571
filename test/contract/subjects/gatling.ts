import { key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const one = 'GET /v2/runs/{runId}'
const list = 'GET /v2/runs'
const start = 'POST /v2/tests/{testId}/runs'
type Example = { data: Record<string, unknown> }
const as = (fields: object) => ({ body: (example: Example) => ({ ...example, data: { ...example.data, ...fields } }) })
/** Before its end a run has no outcome. */
const running = as({ _status: 'Injecting', _outcome: undefined })
const failed = { message: 'Global: 95th percentile of response time < 500', succeed: false, actualValue: 612 }
const action = 'start-test'
const input = { target: 'kqCL3sMdpbcTDBUwQZKx7Q' }

export const gatling: Subject = {
  name: 'gatling',
  contract: 'gatling-enterprise',
  cases: [
    { action: 'check', how: 'the credentials' },
    { action, how: 'to completion', input, answers: { [one]: [running, {}] }, says: 'ended as Successful' },
    { action, how: 'without an event id', input, noKey: true, says: 'ended as Successful' },
    {
      action,
      how: 'with parameters',
      input: { ...input, parameters: { users: 20, host: 'https://shop.example.com', warm: true } },
      says: 'ended',
    },
    {
      action,
      how: 'again',
      input,
      isRetry: true,
      answers: {
        [list]: [
          {
            body: ({ data: [run], ...rest }: { data: object[] }) => ({
              ...rest,
              data: [{ ...run, title: `cloud-automation-webhooks ${key}` }],
            }),
          },
        ],
      },
      says: 'ended',
    },
    {
      action,
      how: 'with assertions that were missed',
      input,
      answers: {
        [one]: [
          as({ _status: 'AssertionsFailed', _outcome: { successful: false }, _result: { assertions: [failed] } }),
        ],
      },
      refused: true,
      says: 'response time < 500 (it was 612)',
    },
    {
      action,
      how: 'refused',
      input,
      answers: { [start]: [{ status: 409, body: { code: 'conflict', message: 'A run is in progress' } }] },
      refused: true,
      says: 'A run is in progress',
    },
    {
      action: 'stop-test',
      how: 'one that runs',
      input: { id: 'kqCL3sMdpbcTDBUwQZKx7Q' },
      answers: { [one]: [running, as({ _status: 'Stopped', _outcome: { successful: false } })] },
      says: 'Stopped run',
    },
    {
      action: 'stop-test',
      how: 'one that has ended',
      input: { id: 'kqCL3sMdpbcTDBUwQZKx7Q' },
      says: 'had ended already',
    },
  ],
  run: driveProvider('load-testing', 'gatling', { token: 'a-token-of-gatling' }),
}
