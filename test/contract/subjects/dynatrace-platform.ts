import type { Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const start = 'POST /platform/slo/v1/slos/evaluation:start'
const poll = 'GET /platform/slo/v1/slos/evaluation:poll'
const list = 'GET /platform/slo/v1/slos'
const id = 'vu9U3hXa3q0AAAAB'
const action = 'request-evaluation'
const time = { start: '2026-11-24T10:00:00Z', end: '2026-11-24T10:05:00Z' }
const input = { ...time, slo: id }
const found = (...results: object[]) => ({
  body: {
    definition: { id, name: 'Checkout availability', criteria: [{ timeframeFrom: 'now-7d', target: 99.9 }] },
    evaluationResults: results,
  },
})
const met = { criteria: 'now-7d', status: 'SUCCESS', value: 99.97, errorBudget: 0.07 }

export const dynatracePlatform: Subject = {
  name: 'dynatrace-platform',
  contract: 'dynatrace-platform-slo',
  cases: [
    { action: 'check', how: 'the credentials' },
    { action, how: 'that is polled', input, says: 'passed with a score of 100' },
    { action, how: 'that has ended at once', input, answers: { [start]: [found(met)] }, says: 'passed' },
    { action, how: 'whose token is gone', input, answers: { [poll]: [{ status: 404 }, {}] }, says: 'passed' },
    {
      action,
      how: 'by its name',
      input: { ...time, slo: 'Checkout availability' },
      answers: { [list]: [{}] },
      says: 'passed',
    },
    {
      action,
      how: 'that is missed',
      input,
      answers: { [start]: [found({ ...met, status: 'FAILURE', value: 99.5 })] },
      refused: true,
      says: 'is 99.5, not >=99.9',
    },
    {
      action,
      how: 'without data',
      input,
      answers: { [start]: [found({ criteria: 'now-7d', status: 'ERROR', message: 'The query failed' })] },
      refused: true,
      says: 'The query failed',
    },
    {
      action,
      how: 'refused',
      input,
      answers: { [start]: [{ status: 404, body: { error: { code: 404, message: 'SLO not found' } } }] },
      refused: true,
      says: 'SLO not found',
    },
  ],
  run: driveProvider('slo', 'dynatrace-platform', { token: 'dt0s16.ABCDEFGH.0123456789ABCDEF' }),
}
