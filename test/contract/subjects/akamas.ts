import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const start = 'POST /v1/study-run'

const starts = casesOf('start-model', { target: 'd4f5b7a2-1e6b-4b43-b6a5-7a3e8c1b2d3f' })

export const akamas: Subject = {
  name: 'akamas',
  contract: 'akamas-keptn-webhook',
  cases: [
    { action: 'check', how: 'that the bridge is there' },
    starts.passes('delegated', 'Akamas sends the finished event itself'),
    starts.fails('of a study that runs already', 'Study is already running', {
      answers: { [start]: [{ status: 422 }] },
    }),
    starts.fails('with credentials that Akamas does not take', 'User/password combination is wrong', {
      answers: { [start]: [{ status: 401 }] },
    }),
    starts.fails('where the bridge finds no Akamas', 'can not be established', {
      answers: { [start]: [{ status: 500 }] },
    }),
    starts.fails('again', 'not retried', { isRetry: true }),
    { action: 'stop-model', how: 'a study', input: { id: 'x' }, refused: true, says: 'cannot stop a study' },
  ],
  run: driveProvider('optimization', 'akamas', {
    username: 'keptn',
    password: 'of-akamas-and-secret',
    mode: 'delegate',
  }),
}
