import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const query = 'POST /query'
const one = { body: { status: 'success', data: { resultType: 'scalar', result: [1_767_436_620, '42'] } } }
const vector = (result: object[]) => ({ body: { status: 'success', data: { resultType: 'vector', result } } })
const sample = { metric: { job: 'prometheus' }, value: [1_767_436_620, '1'] }
const input = {
  ...{ start: '2026-11-24T10:00:00Z', end: '2026-11-24T10:05:00Z' },
  ...{ queries: { p95: 'up{job="$SERVICE"}' }, thresholds: [{ metric: 'p95', op: '<', value: 50 }] },
}

const requests = casesOf('request-evaluation', input)

export const prometheus: Subject = {
  name: 'prometheus',
  contract: 'prometheus',
  answers: { [query]: one },
  cases: [
    { action: 'check', how: 'whether it answers' },
    requests.passes('with a scalar', 'passed with a score of 100'),
    requests.passes('with a series', 'passed', { answers: { [query]: [vector([sample])] } }),
    requests.fails('with two series', '2 series', { answers: { [query]: [vector([sample, sample])] } }),
    requests.fails('without data', 'no series has data', { answers: { [query]: [vector([])] } }),
    requests.fails('refused', 'The query of p95: Prometheus answered 400 to POST /api/v1/query: unclosed', {
      answers: { [query]: [{ status: 400, body: { status: 'error', errorType: 'bad_data', error: 'unclosed' } }] },
    }),
  ],
  run: driveProvider('slo', 'prometheus', {}),
}
