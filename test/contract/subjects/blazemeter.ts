import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const status = 'GET /masters/{masterId}/status'
const master = 'GET /masters/{masterId}'
const envelope = (result: unknown) => ({ body: { api_version: 4, error: null, result } })
const booting = envelope({ status: 'BOOTING', progress: 20 })
const endedWith = (reportStatus: string) => envelope({ id: 74512345, reportStatus, ended: 1_700_000_600 })

const starts = casesOf('start-test', { target: '9876543' })
const stops = casesOf('stop-test', { id: '74512345' })

export const blazemeter: Subject = {
  name: 'blazemeter',
  contract: 'blazemeter',
  cases: [
    { action: 'check', how: 'the credentials' },
    starts.passes('to completion', 'ended as ENDED/pass', { answers: { [status]: [booting, {}] } }),
    starts.passes('of a multi-test', 'ended as ENDED/pass', { input: { target: 'multi:555' } }),
    starts.passes('with properties', 'ended as ENDED/pass', { input: { parameters: { users: 50 } } }),
    starts.fails('failed', 'label ALL, kpi avg, value 900', {
      answers: {
        [master]: [endedWith('fail')],
        'GET /masters/{masterId}/ci-status': [
          envelope({ masterId: 74512345, failures: [{ label: 'ALL', kpi: 'avg', value: 900 }], errors: [] }),
        ],
      },
    }),
    starts.passes('of a test without criteria', 'no failure criteria', {
      connection: { noVerdict: 'pass' },
      answers: { [master]: [endedWith('unset')] },
    }),
    starts.fails('refused, in the words of the contract', 'Test not found', {
      answers: { 'POST /tests/{testId}/start': [{ status: 404 }] },
    }),
    stops.passes('one that is on', 'Stopped', { answers: { [status]: [booting, {}] } }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: driveProvider('load-testing', 'blazemeter', { username: 'an-id-of-a-key', password: 'a-secret-of-a-key' }),
}
