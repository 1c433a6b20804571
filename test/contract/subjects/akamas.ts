import type { Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const start = 'POST /v1/study-run'
const action = 'start-model'
const input = { target: 'd4f5b7a2-1e6b-4b43-b6a5-7a3e8c1b2d3f' }

export const akamas: Subject = {
  name: 'akamas',
  contract: 'akamas-keptn-webhook',
  cases: [
    { action: 'check', how: 'that the bridge is there' },
    { action, how: 'delegated', input, says: 'Akamas sends the finished event itself' },
    {
      action,
      how: 'of a study that runs already',
      input,
      answers: { [start]: [{ status: 422 }] },
      refused: true,
      says: 'Study is already running',
    },
    {
      action,
      how: 'with credentials that Akamas does not take',
      input,
      answers: { [start]: [{ status: 401 }] },
      refused: true,
      says: 'User/password combination is wrong',
    },
    {
      action,
      how: 'where the bridge finds no Akamas',
      input,
      answers: { [start]: [{ status: 500 }] },
      refused: true,
      says: 'can not be established',
    },
    { action, how: 'again', input, isRetry: true, refused: true, says: 'not retried' },
    { action: 'stop-model', how: 'a study', input: { id: 'x' }, refused: true, says: 'cannot stop a study' },
  ],
  run: driveProvider('optimization', 'akamas', {
    username: 'keptn',
    password: 'of-akamas-and-secret',
    mode: 'delegate',
  }),
}
