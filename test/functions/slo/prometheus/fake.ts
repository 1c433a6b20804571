import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../../infra/testing/loopback-server.ts'

interface Series {
  metric: Record<string, string>
  /** Seconds, and the value as text. */
  value?: [number, string]
  histogram?: [number, object]
}

/** The response to a query, for any time. */
interface Answer {
  resultType: 'vector' | 'scalar' | 'string' | 'matrix'
  result: unknown
  warnings?: string[]
}

const SECONDS = 1_795_514_700.796

/** Returns a vector of one series, as `sum(..)` does. */
export function series(value: string): Answer {
  return vector([{ metric: {}, value: [SECONDS, value] }])
}

export function vector(result: Series[], warnings?: string[]): Answer {
  return { resultType: 'vector', result, warnings }
}

export function scalar(value: string): Answer {
  return { resultType: 'scalar', result: [SECONDS, value] }
}

export function refusal(status: 400 | 422 | 503, errorType: string, error: string): Reply {
  return { status, body: { status: 'error', errorType, error } }
}

/**
 * A fake of Prometheus 2.53 with instant queries.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
 */
export const startPrometheus = definePlatform({
  state: () => ({
    /** The responses by query. Other queries have no series. */
    answers: { '1': scalar('1') } as Record<string, Answer | Reply>,
    /** Headers that a proxy or a multi-tenant server requires. */
    needs: {} as Record<string, string>,
    /** The queries of all requests, with their times in seconds. */
    queries: [] as { query: string; time: number }[],
  }),
  refuses({ headers }, { needs }) {
    const missing = Object.keys(needs).find((header) => headers[header] !== needs[header])
    if (!missing) return undefined
    return { status: 401, body: missing === 'x-scope-orgid' ? 'no org id\n' : 'Unauthorized\n' }
  },
  routes: {
    'POST /api/v1/query': ({ state, headers, text }) => {
      if (headers['content-type'] !== 'application/x-www-form-urlencoded')
        return badData('query', 'unknown position: parse error: no expression found in input')
      const form = new URLSearchParams(text)
      const query = form.get('query') ?? ''
      const time = Number(form.get('time'))
      if (!Number.isFinite(time)) return badData('time', `cannot parse "${form.get('time')}" to a valid timestamp`)
      state.queries.push({ query, time })
      const [, constant] = /^vector\(([\d.e-]+)\)$/.exec(query) ?? []
      const answer = state.answers[query] ?? (constant ? series(constant) : vector([]))
      if ('status' in answer) return answer
      const { warnings, ...data } = answer
      return { status: 'success', data, warnings }
    },
  },
  notFound: { status: 404, body: '404 page not found\n' },
  members: ({ answers, needs, queries }) => ({ answers, needs, queries }),
})

function badData(parameter: string, reason: string): Reply {
  return refusal(400, 'bad_data', `invalid parameter "${parameter}": ${reason}`)
}
