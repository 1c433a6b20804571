import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

// Only what requests are signed with: no account is behind it.
process.env['AWS_ACCESS_KEY_ID'] ??= 'AKIDEXAMPLE'
process.env['AWS_SECRET_ACCESS_KEY'] ??= 'a-test-secret-access-key'

const read = 'GET /scenarios/{testId}'
const start = 'POST /scenarios'
const list = 'GET /scenarios/{testId}/testruns'
type Example = Record<string, unknown>
const execution = [{ 'ramp-up': '1m', 'hold-for': '2m', scenario: 'checkout' }]
const scenario = {
  ...{ testDescription: 'checkout load', testType: 'simple', fileType: 'none', showLive: false },
  testTaskConfigs: [{ region: 'eu-west-1', taskCount: 2, concurrency: 10, taskCluster: 'dlt-cluster' }],
  testScenario: { execution, scenarios: { checkout: { requests: [{ url: 'https://example.com', method: 'GET' }] } } },
}
const as = (fields: object) => ({ body: (example: Example) => ({ ...example, ...scenario, ...fields }) })
const running = as({ status: 'running', results: {} })
const another = as({ status: 'running', startTime: '2026-01-01 11:00:00' })
const id = 'xLSxdVZzcP@2026-01-01T10:00:00Z'

const drive = driveProvider('load-testing', 'aws-dlt', { region: 'eu-west-1' })

const starts = casesOf('start-test', { target: 'xLSxdVZzcP' })
const stops = casesOf('stop-test', { id })

export const awsDlt: Subject = {
  name: 'aws-dlt',
  contract: 'aws-dlt',
  answers: { [read]: as({}) },
  cases: [
    { action: 'check', how: 'the credentials' },
    starts.passes('to completion', 'ended as complete', { answers: { [read]: [{}, running, {}] } }),
    starts.passes('without an event id', 'ended as complete', { noKey: true }),
    starts.passes('whose scenario is run again', 'ended as complete', {
      answers: { [read]: [{}, another], [list]: [{}] },
    }),
    starts.fails('while another run is on', 'Test is in use', { answers: { [start]: [{ status: 409 }] } }),
    stops.passes('one that is on', 'Stopped', { answers: { [read]: [running, running, as({ status: 'cancelled' })] } }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: (url, row) => drive(`${url}/prod`, row),
}
