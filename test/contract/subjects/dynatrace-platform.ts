import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const start = 'POST /platform/slo/v1/slos/evaluation:start'
const poll = 'GET /platform/slo/v1/slos/evaluation:poll'
const list = 'GET /platform/slo/v1/slos'
const id = 'vu9U3hXa3q0AAAAB'
const found = (...results: object[]) => ({
  body: {
    definition: { id, name: 'Checkout availability', criteria: [{ timeframeFrom: 'now-7d', target: 99.9 }] },
    evaluationResults: results,
  },
})
const met = { criteria: 'now-7d', status: 'SUCCESS', value: 99.97, errorBudget: 0.07 }

const requests = casesOf('request-evaluation', {
  start: '2026-11-24T10:00:00Z',
  end: '2026-11-24T10:05:00Z',
  slo: id,
})

export const dynatracePlatform: Subject = {
  name: 'dynatrace-platform',
  contract: 'dynatrace-platform-slo',
  cases: [
    { action: 'check', how: 'the credentials' },
    requests.passes('that is polled', 'passed with a score of 100'),
    requests.passes('that has ended at once', 'passed', { answers: { [start]: [found(met)] } }),
    requests.passes('whose token is gone', 'passed', { answers: { [poll]: [{ status: 404 }, {}] } }),
    requests.passes('by its name', 'passed', { input: { slo: 'Checkout availability' }, answers: { [list]: [{}] } }),
    requests.fails('that is missed', 'is 99.5, not >=99.9', {
      answers: { [start]: [found({ ...met, status: 'FAILURE', value: 99.5 })] },
    }),
    requests.fails('without data', 'The query failed', {
      answers: { [start]: [found({ criteria: 'now-7d', status: 'ERROR', message: 'The query failed' })] },
    }),
    requests.fails('refused', 'SLO not found', {
      answers: { [start]: [{ status: 404, body: { error: { code: 404, message: 'SLO not found' } } }] },
    }),
  ],
  run: driveProvider('slo', 'dynatrace-platform', { token: 'dt0s16.ABCDEFGH.0123456789ABCDEF' }),
}
