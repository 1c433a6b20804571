import { keptnError } from '../../../../infra/sandbox/platforms/keptn/datastore.ts'
import { createKeptn, type Keptn } from '../../../../infra/sandbox/platforms/keptn/index.ts'
import type { KeptnEvent } from '../../../../infra/sandbox/platforms/keptn/recorded-event.ts'
import { createSso } from '../../../../infra/sandbox/platforms/keptn/sso.ts'
import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import {
  type FakeCall,
  type FakeReply,
  json,
  jsonObject,
  type Platform,
} from '../../../../infra/sandbox/platforms/sandbox/http.ts'
import { openStore } from '../../../../infra/sandbox/platforms/sandbox/store.ts'
import type { Served } from '../../../../infra/testing/loopback-server.ts'
import { routeTable } from '../../../../infra/testing/route-table.ts'
import { startWith, type WriteRow } from '../../../conformance/row.ts'
import { servePlatform } from '../../../platforms/serve-platform.ts'

/** A task or sequence that ends before a status request. */
interface End {
  /** The task `evaluation`, or else the sequence of that name. */
  of: 'task' | 'sequence'
  source?: string
  data: object
}

/** The state of the fake. Tests read and change it. */
interface ScriptedState {
  /** The tasks and sequences that end before each further status request. */
  ends: End[][]
  /** Number of searches that do not return a new evaluation yet. */
  staleSearches: number
  mayRead: boolean
}

export interface KeptnServer extends Served {
  token: string
  state: ScriptedState
  /** Oldest first. */
  events(): KeptnEvent[]
  /** Records an event of another service or user. */
  record: Keptn['record']
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

/** The services that can be evaluated. */
const services = ['shop/production/checkout', 'shop/quality-gate/checkout', 'gates/production/checkout']
const MIN_WINDOW_MS = 60_000
const TYPE = 'sh.keptn.event'

/**
 * Starts the sandbox's Keptn with the API that starts evaluations, which end as the test says.
 *
 * @see https://github.com/keptn/keptn/tree/master/shipyard-controller/internal/handler (evaluationhandler.go, evaluationmanager.go)
 */
export async function startKeptn(): Promise<KeptnServer> {
  const store = openStore()
  const keptn = createKeptn(store, createSso(store), () => undefined)
  const state: ScriptedState = { ends: [], staleSearches: 0, mayRead: true }
  const events = () => keptn.events().map(({ event }) => event)
  const record: KeptnServer['record'] = (event) =>
    keptn.record({ source: 'https://github.com/keptn/keptn/api', id: `id-${events().length}`, ...event })

  function recordEnds(query: URLSearchParams): void {
    const { keptnContext: shkeptncontext = '', project, stage, service } = Object.fromEntries(query)
    for (const { of, data, source = 'lighthouse-service' } of state.ends.shift() ?? []) {
      const type = of === 'task' ? `${TYPE}.evaluation.finished` : `${TYPE}.${stage}.evaluation.finished`
      record({ type, shkeptncontext, source, data: { project, stage, service, ...data } })
    }
  }

  function startEvaluation({
    body,
    params,
  }: FakeCall & { params: Record<'project' | 'stage' | 'service', string> }): FakeReply {
    const { project, stage, service } = params
    const { start = '', end = '', labels, ...others } = jsonObject(body) ?? {}
    if (Object.keys(others).length > 0) return keptnError(400, `Invalid request format: ${Object.keys(others)}`)
    const refuse = (code: number, message: string) => json(400, { code, message }, {}, message)
    if (!services.some((known) => known.startsWith(`${project}/`))) return refuse(2, 'project not found')
    if (!services.includes(`${project}/${stage}/${service}`)) return refuse(2, 'service not found')
    const times = [start, end].map((time) =>
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(`${time}`) ? Date.parse(`${time}Z`) : Number.NaN,
    )
    const [from = Number.NaN, to = Number.NaN] = times
    if (times.some(Number.isNaN)) return refuse(0, `parsing time "${start}" as "2006-01-02T15:04:05"`)
    if (to - from < MIN_WINDOW_MS) return refuse(0, 'end date must be at least 1 minute after start date')
    const count = events().filter(({ type }) => type.endsWith('.evaluation.triggered')).length
    const keptnContext = `5a9f4b3e-0000-4000-8000-${String(count).padStart(12, '0')}`
    record({
      type: `${TYPE}.${stage}.evaluation.triggered`,
      shkeptncontext: keptnContext,
      data: { project, stage, service, labels, evaluation: { start, end } },
    })
    return json(200, { keptnContext }, {}, 'started an evaluation')
  }

  const route = routeTable<FakeCall, FakeReply>()({
    'POST /api/controlPlane/v1/project/{project}/stage/{stage}/service/{service}/evaluation': startEvaluation,
  })
  const answer: Platform['answer'] = (call) => {
    const { method, path, query, headers } = call
    if (headers['x-token'] === demo.keptnToken) {
      const started = route(`${method} ${path}`, call)
      if (started) return started
      if (path.startsWith('/api/mongodb-datastore/') && !state.mayRead)
        return keptnError(403, 'not allowed to read events')
      if (query.get('type') === `${TYPE}.evaluation.finished`) recordEnds(query)
      if (query.has('filter') && state.staleSearches > 0) {
        state.staleSearches--
        return json(200, { events: null })
      }
    }
    return keptn.answer(call)
  }
  const served = await servePlatform({ ...keptn, answer })
  return {
    ...served,
    token: demo.keptnToken,
    state,
    events,
    record,
    async close() {
      await served.close()
      store.close()
    },
  }
}

export const writeRow = {
  action: 'request-evaluation',
  writes: /^POST .*\/evaluation$/,
  needsTask: true,
  start: startWith(startKeptn, ({ url: baseUrl, token }) => ({
    connection: { baseUrl, token },
    input: { start: '2026-11-24T10:00:00Z', end: '2026-11-24T10:05:00Z' },
  })),
} satisfies WriteRow
