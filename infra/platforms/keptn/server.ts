import { type Call, type Reply, type Served, serve } from '../loopback-server.ts'

interface KeptnEvent {
  id: string
  type: string
  source: string
  shkeptncontext: string
  data: Record<string, unknown> & { labels?: Record<string, string> }
}

/** A task or sequence that ends before a status request. */
interface End {
  /** The task `evaluation`, or else the sequence of that name. */
  of: 'task' | 'sequence'
  source?: string
  data: object
}

/** The state of the fake. Tests read and change it. */
interface KeptnState {
  /** Oldest first. */
  events: KeptnEvent[]
  /** The tasks and sequences that end before each further status request. */
  ends: End[][]
  /** For how many look-ups an evaluation is not recorded yet. */
  recordedLate: number
  mayRead: boolean
}

export interface KeptnServer extends Served {
  token: string
  state: KeptnState
  /** Records the first event of a sequence of another user. */
  startSequence(shkeptncontext: string, data: object): void
}

/** A result of lighthouse-service, from the test data of the Bridge. */
export const evaluated = {
  status: 'succeeded',
  result: 'warning',
  evaluation: {
    comparedEvents: ['182d10b8-b68d-49d4-86cd-5521352d7a42'],
    gitCommit: '',
    indicatorResults: [
      {
        displayName: 'Response time P95',
        keySli: true,
        passTargets: [
          { criteria: '<=+10%', targetValue: 392.5944454106811, violated: false },
          { criteria: '<600', targetValue: 600, violated: false },
        ],
        score: 1,
        status: 'pass',
        value: { metric: 'response_time_p95', success: true, value: 356.9040412824373 },
        warningTargets: null,
      },
      {
        displayName: '',
        keySli: false,
        passTargets: [{ criteria: '<1', targetValue: 1, violated: true }],
        score: 0.5,
        status: 'warning',
        value: { metric: 'error_rate', success: true, value: 1.2, message: '' },
        warningTargets: [{ criteria: '<2', targetValue: 2, violated: false }],
      },
    ],
    result: 'warning',
    score: 75,
    sloFileContent: 'c3BlY192ZXJzaW9uOiAiMS4wIgo=',
    timeEnd: '2026-11-24T10:05:00.000Z',
    timeStart: '2026-11-24T10:00:00.000Z',
  },
}

/**
 * Keptn 1.4 with one service: its control plane, which starts evaluations, and its datastore, which stores all events.
 *
 * @see https://github.com/keptn/keptn/tree/master/shipyard-controller/internal/handler (evaluationhandler.go, evaluationmanager.go)
 * @see https://github.com/keptn/keptn/blob/master/mongodb-datastore/db/mongodb_event_repo.go
 */
export async function startKeptn(): Promise<KeptnServer> {
  const token = 'a-token-of-keptn'
  const state: KeptnState = { events: [], ends: [], recordedLate: 0, mayRead: true }
  const keptn = new Keptn(state)
  const served = await serve((call) => {
    if (call.headers['x-token'] !== token) return { status: 401, body: undefined }
    return keptn.answer(call)
  })
  return {
    ...served,
    token,
    state,
    startSequence: (shkeptncontext, data) =>
      keptn.record('sh.keptn.event.production.delivery.triggered', shkeptncontext, data),
  }
}

const refuse = (status: number, message: string): Reply => ({ status, body: { code: status, message } })
/** The services that can be evaluated. */
const services = ['shop/production/checkout', 'shop/quality-gate/checkout', 'gates/production/checkout']
const type = 'sh.keptn.event'

class Keptn {
  readonly #state: KeptnState

  constructor(state: KeptnState) {
    this.#state = state
  }

  record(type: string, shkeptncontext: string, data: object, source = 'https://github.com/keptn/keptn/api'): void {
    const id = `id-${this.#state.events.length}`
    this.#state.events.push({ id, type, source, shkeptncontext, data: data as KeptnEvent['data'] })
  }

  answer({ method, path, query, body }: Call): Reply {
    const at = `${method} ${path}`
    if (at === 'POST /api/v1/auth') return { status: 200 }
    if (path.startsWith('/api/mongodb-datastore/') && !this.#state.mayRead)
      return refuse(403, 'not allowed to read events')
    if (at === 'GET /api/mongodb-datastore/event') return this.#find(query)
    const [, ofType] = /^GET \/api\/mongodb-datastore\/event\/type\/([^/]+)$/.exec(at) ?? []
    if (ofType) return this.#findByType(ofType, query)
    const place = /^POST \/api\/controlPlane\/v1\/project\/([^/]+)\/stage\/([^/]+)\/service\/([^/]+)\/evaluation$/.exec(
      at,
    )
    if (!place) return { status: 404, body: '<html>404 Not Found</html>' }
    const [, project = '', stage = '', service = ''] = place
    return this.#evaluate({ project, stage, service }, body as Record<string, never>)
  }

  #evaluate(place: Record<'project' | 'stage' | 'service', string>, given: Record<string, string>): Reply {
    const { start = '', end = '', labels, ...others } = given
    if (Object.keys(others).length > 0) return refuse(400, `Invalid request format: ${Object.keys(others)}`)
    const { project, stage, service } = place
    if (!services.some((known) => known.startsWith(`${project}/`)))
      return { status: 400, body: { code: 2, message: 'project not found' } }
    if (!services.includes(`${project}/${stage}/${service}`))
      return { status: 400, body: { code: 2, message: 'service not found' } }
    if (![start, end].every((time) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(time)))
      return { status: 400, body: { code: 0, message: `parsing time "${start}" as "2006-01-02T15:04:05"` } }
    if (Date.parse(end) - Date.parse(start) < 60_000)
      return { status: 400, body: { code: 0, message: 'end date must be at least 1 minute after start date' } }
    const count = this.#state.events.filter(({ type }) => type.endsWith('.evaluation.triggered')).length
    const keptnContext = `5a9f4b3e-0000-4000-8000-${String(count).padStart(12, '0')}`
    this.record(`${type}.${stage}.evaluation.triggered`, keptnContext, { ...place, labels, evaluation: { start, end } })
    return { status: 200, body: { keptnContext } }
  }

  /** The newest first; of none null. */
  #find(query: URLSearchParams): Reply {
    const { root, pageSize = '20', ...terms } = Object.fromEntries(query)
    if (Number(pageSize) < 1 || Number(pageSize) > 100)
      return refuse(422, 'pageSize in query should be less than or equal to 100')
    if (terms['type'] === `${type}.evaluation.finished`) this.#goOn(terms)
    const found = this.#state.events
      .filter(
        ({ shkeptncontext, id }) =>
          !root || this.#state.events.find((one) => one.shkeptncontext === shkeptncontext)?.id === id,
      )
      .filter(({ shkeptncontext, type, data }) => {
        const has: Record<string, unknown> = { ...data, keptnContext: shkeptncontext, type }
        return Object.entries(terms).every(([name, value]) => has[name] === value)
      })
      .toReversed()
      .slice(0, Number(pageSize))
    return {
      status: 200,
      body: { events: found.length > 0 ? found : null, totalCount: found.length, pageSize: Number(pageSize) },
    }
  }

  #findByType(type: string, query: URLSearchParams): Reply {
    const terms = (query.get('filter') ?? '').split(' AND ').map((term) => term.split(':'))
    if (!terms.some(([name]) => name === 'data.project'))
      return refuse(500, "either 'shkeptncontext' or 'data.project' must be set")
    const hidden = this.#state.recordedLate > 0
    if (hidden) this.#state.recordedLate--
    const found = this.#state.events.filter((event) => {
      const held = (path = '') =>
        path.split('.').reduce<unknown>((of, part) => (of as Record<string, unknown>)?.[part], event)
      return event.type === type && terms.every(([path, value]) => held(path) === value)
    })
    return { status: 200, body: { events: hidden || found.length === 0 ? null : found.toReversed() } }
  }

  #goOn({ keptnContext = '', project, stage, service }: Record<string, string>): void {
    for (const { of, data, source = 'lighthouse-service' } of this.#state.ends.shift() ?? []) {
      const what = of === 'task' ? 'evaluation' : `${stage}.evaluation`
      this.record(`${type}.${what}.finished`, keptnContext, { project, stage, service, ...data }, source)
    }
  }
}
