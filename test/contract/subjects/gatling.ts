import { casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const one = 'GET /v2/runs/{runId}'
const list = 'GET /v2/runs'
const start = 'POST /v2/tests/{testId}/runs'
type Example = { data: Record<string, unknown> }
const as = (fields: object) => ({ body: (example: Example) => ({ ...example, data: { ...example.data, ...fields } }) })
/** Before its end a run has no outcome. */
const running = as({ _status: 'Injecting', _outcome: undefined })
const failed = { message: 'Global: 95th percentile of response time < 500', succeed: false, actualValue: 612 }

const starts = casesOf('start-test', { target: 'kqCL3sMdpbcTDBUwQZKx7Q' })
const stops = casesOf('stop-test', { id: 'kqCL3sMdpbcTDBUwQZKx7Q' })

export const gatling: Subject = {
  name: 'gatling',
  contract: 'gatling-enterprise',
  cases: [
    { action: 'check', how: 'the credentials' },
    starts.passes('to completion', 'ended as Successful', { answers: { [one]: [running, {}] } }),
    starts.passes('without an event id', 'ended as Successful', { noKey: true }),
    starts.passes('with parameters', 'ended', {
      input: { parameters: { users: 20, host: 'https://shop.example.com', warm: true } },
    }),
    starts.passes('again', 'ended', {
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
    }),
    starts.fails('with assertions that were missed', 'response time < 500 (it was 612)', {
      answers: {
        [one]: [
          as({ _status: 'AssertionsFailed', _outcome: { successful: false }, _result: { assertions: [failed] } }),
        ],
      },
    }),
    starts.fails('refused', 'A run is in progress', {
      answers: { [start]: [{ status: 409, body: { code: 'conflict', message: 'A run is in progress' } }] },
    }),
    stops.passes('one that runs', 'Stopped run', {
      answers: { [one]: [running, as({ _status: 'Stopped', _outcome: { successful: false } })] },
    }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: driveProvider('load-testing', 'gatling', { token: 'a-token-of-gatling' }),
}
