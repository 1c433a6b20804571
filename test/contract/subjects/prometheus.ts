import type { Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const query = 'POST /query'
const one = { body: { status: 'success', data: { resultType: 'scalar', result: [1_767_436_620, '42'] } } }
const vector = (result: object[]) => ({ body: { status: 'success', data: { resultType: 'vector', result } } })
const sample = { metric: { job: 'prometheus' }, value: [1_767_436_620, '1'] }
const action = 'request-evaluation'
const input = {
  ...{ start: '2026-11-24T10:00:00Z', end: '2026-11-24T10:05:00Z' },
  ...{ queries: { p95: 'up{job="$SERVICE"}' }, thresholds: [{ metric: 'p95', op: '<', value: 50 }] },
}

export const prometheus: Subject = {
  name: 'prometheus',
  contract: 'prometheus',
  answers: { [query]: one },
  cases: [
    { action: 'check', how: 'whether it answers' },
    { action, how: 'with a scalar', input, says: 'passed with a score of 100' },
    { action, how: 'with a series', input, answers: { [query]: [vector([sample])] }, says: 'passed' },
    {
      action,
      how: 'with two series',
      input,
      answers: { [query]: [vector([sample, sample])] },
      refused: true,
      says: '2 series',
    },
    {
      action,
      how: 'without data',
      input,
      answers: { [query]: [vector([])] },
      refused: true,
      says: 'no series has data',
    },
    {
      action,
      how: 'refused',
      input,
      answers: { [query]: [{ status: 400, body: { status: 'error', errorType: 'bad_data', error: 'unclosed' } }] },
      refused: true,
      says: 'The query of p95: Prometheus answered 400 to POST /api/v1/query: unclosed',
    },
  ],
  run: driveProvider('slo', 'prometheus', {}),
}
