import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Series {
  metric: Record<string, string>
  /** Seconds, and the value as text. */
  value?: [number, string]
  histogram?: [number, object]
}

/** Responses by query, for any time. */
interface Answer {
  resultType: 'vector' | 'scalar' | 'string' | 'matrix'
  result: unknown
  warnings?: string[]
}

export interface PrometheusServer extends Served {
  /** Query -> its answer; of any other query no series is there. */
  answers: Record<string, Answer | Reply>
  /** Headers that a proxy or a multi-tenant server requires. */
  needs: Record<string, string>
  /** The queries that were asked, with the time of each in seconds. */
  asked(): { query: string | null; time: number }[]
}

/** Of one series, in a vector: what `sum(..)` answers. */
export const series = (value: string): Answer => vector([{ metric: {}, value: [at, value] }])
export const vector = (result: Series[], warnings?: string[]): Answer => ({
  resultType: 'vector',
  result,
  ...(warnings ? { warnings } : {}),
})
export const scalar = (value: string): Answer => ({ resultType: 'scalar', result: [at, value] })
const at = 1_795_514_700.796

/** The answer to what it refuses, and to what it has no time for. */
export const refusal = (status: 400 | 422 | 503, errorType: string, error: string): Reply => ({
  status,
  body: { status: 'error', errorType, error },
})

/**
 * Prometheus's instant queries, as a real 2.53 answers.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
 */
export async function startPrometheus(): Promise<PrometheusServer> {
  const answers: PrometheusServer['answers'] = { '1': scalar('1') }
  const needs: PrometheusServer['needs'] = {}
  const asked: ReturnType<PrometheusServer['asked']> = []
  const served = await serve((call) => {
    const missing = Object.entries(needs).find(([header, value]) => call.headers[header] !== value)
    if (missing) return { status: 401, body: missing[0] === 'x-scope-orgid' ? 'no org id\n' : 'Unauthorized\n' }
    if (call.path !== '/api/v1/query' || call.method !== 'POST') return { status: 404, body: '404 page not found\n' }
    if (call.headers['content-type'] !== 'application/x-www-form-urlencoded')
      return refusal(
        400,
        'bad_data',
        'invalid parameter "query": unknown position: parse error: no expression found in input',
      )
    return answer(call)
  })
  const answer = ({ text }: Call): Reply => {
    const form = new URLSearchParams(text)
    const [query, time] = [form.get('query'), Number(form.get('time'))]
    if (!Number.isFinite(time))
      return refusal(
        400,
        'bad_data',
        `invalid parameter "time": cannot parse "${form.get('time')}" to a valid timestamp`,
      )
    asked.push({ query, time })
    const found = answers[query ?? ''] ?? vector([])
    if ('status' in found) return found
    const { warnings, ...data } = found
    return ok({ status: 'success', data, ...(warnings ? { warnings } : {}) })
  }
  return { ...served, answers, needs, asked: () => asked }
}
