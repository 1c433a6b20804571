import type { Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const status = 'GET /masters/{masterId}/status'
const master = 'GET /masters/{masterId}'
const envelope = (result: unknown) => ({ body: { api_version: 4, error: null, result } })
const booting = envelope({ status: 'BOOTING', progress: 20 })
const endedWith = (reportStatus: string) => envelope({ id: 74512345, reportStatus, ended: 1_700_000_600 })
const action = 'start-test'
const input = { target: '9876543' }

export const blazemeter: Subject = {
  name: 'blazemeter',
  contract: 'blazemeter',
  cases: [
    { action: 'check', how: 'the credentials' },
    { action, how: 'to completion', input, answers: { [status]: [booting, {}] }, says: 'ended as ENDED/pass' },
    { action, how: 'of a multi-test', input: { target: 'multi:555' }, says: 'ended as ENDED/pass' },
    { action, how: 'with properties', input: { ...input, parameters: { users: 50 } }, says: 'ended as ENDED/pass' },
    {
      action,
      how: 'failed',
      input,
      answers: {
        [master]: [endedWith('fail')],
        'GET /masters/{masterId}/ci-status': [
          envelope({ masterId: 74512345, failures: [{ label: 'ALL', kpi: 'avg', value: 900 }], errors: [] }),
        ],
      },
      refused: true,
      says: 'label ALL, kpi avg, value 900',
    },
    {
      action,
      how: 'of a test without criteria',
      input,
      connection: { noVerdict: 'pass' },
      answers: { [master]: [endedWith('unset')] },
      says: 'no failure criteria',
    },
    {
      action,
      how: 'refused, in the words of the contract',
      input,
      answers: { 'POST /tests/{testId}/start': [{ status: 404 }] },
      refused: true,
      says: 'Test not found',
    },
    {
      action: 'stop-test',
      how: 'one that is on',
      input: { id: '74512345' },
      answers: { [status]: [booting, {}] },
      says: 'Stopped',
    },
    { action: 'stop-test', how: 'one that has ended', input: { id: '74512345' }, says: 'had ended already' },
  ],
  run: driveProvider('load-testing', 'blazemeter', { username: 'an-id-of-a-key', password: 'a-secret-of-a-key' }),
}
