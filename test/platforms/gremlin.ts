import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

interface State {
  lifecycle: string
  failedReason?: string
  nodeHaltedById?: string
}

/** A step of a scenario, as in its graph. */
interface Step {
  type: string
  id: string
  name?: string
  impact_definition?: { infra_command_type: string }
  state: State
  branches?: { nodes: Record<string, Step> }[]
}

interface Run {
  number: number
  hypothesis: string | undefined
  stage: string
  failedReason?: string
  result?: string
  passCriteria?: string
  ended: string | null
  nodes: Record<string, Step>
}

/** The state of the fake. Tests read and change it. */
interface GremlinState {
  runs: Run[]
  team: string
  mayRun: boolean
  mayList: boolean
  /** How many look-ups show nothing of the newest run. */
  listsLate: number
  /** Whether a run stays in HaltRequested for a while. */
  slow: boolean
  /** Whether names are written as in its OpenAPI document, not as its API did when its clients were written. */
  camelCase: boolean
  /** Whether a single run is answered as a list, as the OpenAPI document says. */
  inList: boolean
  /** Whether a search that goes back from the newest run shows none. */
  listsForwardOnly: boolean
  /** Whether the answer to a start is text in quotes, not a bare number. */
  quoted: boolean
}

export interface GremlinServer extends Served {
  token: string
  scenario: string
  state: GremlinState
  /** Brings the newest run to a stage. */
  enter(stage: string, what?: Partial<Run>): void
}

const STARTED_AT = '2026-11-24T10:00:00.000Z'
const over = '2026-11-24T10:01:30.000Z'
const lastStages = ['Successful', 'Completed', 'Failed', 'Halted']

/**
 * Gremlin's API of scenarios with one scenario: paths, parameters, answers and states as its OpenAPI document has them (a copy
 * is in openapi/gremlin-scenarios-api-openapi.yml of api-evangelist/gremlin), pages as gremlinapi/scenarios.py of
 * gremlin/gremlin-python reads them, the bare number and `stage_info` as public Jenkinsfiles do.
 */
export async function startGremlin(): Promise<GremlinServer> {
  const token = 'a-key-of-gremlin'
  const scenario = '522ceaff-995f-43f4-acea-ff995f03f44e'
  const state: GremlinState = {
    runs: [],
    team: '9676868b-60d2-5ebe-aa66-c1de8162ff9d',
    mayRun: true,
    mayList: true,
    listsLate: 0,
    slow: false,
    camelCase: false,
    inList: false,
    listsForwardOnly: false,
    quoted: false,
  }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Key ${token}`)
      return refuse(401, 'Authorization header missing or malformed. Please provide proper credentials.')
    if (call.query.get('teamId') !== state.team) return refuse(403, 'User requires privilege for target team')
    return createGremlin(state, scenario).answer(call)
  })
  return {
    ...served,
    token,
    scenario,
    state,
    enter(stage, what = {}) {
      const run = newestOf(state.runs)
      Object.assign(run, { stage, ended: lastStages.includes(stage) ? over : null, ...what })
    },
  }
}

/** Refusals are text. */
function refuse(status: number, text: string): Reply {
  return { status, body: text, headers: { 'content-type': 'text/plain' } }
}

function createGremlin(state: GremlinState, scenario: string) {
  function answer({ method, path, query, headers, body }: Call): Reply {
    const at = `${method} ${path}`
    if (at === 'GET /v1/scenarios/active') return ok([])
    const [, halted, number] = /^POST \/v1\/scenarios\/halt\/([^/]+)\/runs\/(\d+)$/.exec(at) ?? []
    if (halted) return halt(find(halted, number))
    const [, guid, rest = ''] = /^\w+ \/v1\/scenarios\/([^/]+)\/runs(?:\/(\w+))?$/.exec(at) ?? []
    if (guid !== scenario) return refuse(404, `${guid} not found`)
    if (method === 'POST' && rest === '') return start(headers['content-type'], body)
    if (!state.mayList) return refuse(403, 'User requires privilege for target team: SCENARIOS_READ')
    if (rest === 'paged') return list(query)
    const run = find(guid, rest)
    if (!run) return refuse(404, 'scenario run not found')
    return ok(state.inList ? [toResponse(run)] : toResponse(run))
  }

  function find(guid: string, number = ''): Run | undefined {
    return guid === scenario ? state.runs.find((run) => String(run.number) === number) : undefined
  }

  function start(type: unknown, body: unknown): Reply {
    if (!state.mayRun) return refuse(403, 'User requires privilege for target team: SCENARIOS_RUN')
    const { hypothesis, ...others } = (body ?? {}) as { hypothesis?: string }
    if (type !== 'application/json' || Object.keys(others).length > 0) return refuse(400, 'Bad Request')
    const going = state.runs.find(({ stage }) => !lastStages.includes(stage))
    if (going) return refuse(409, `Scenario run number ${going.number} is in progress`)
    const number = state.runs.length + 1
    state.runs.push({ number, hypothesis, stage: 'NotStarted', ended: null, nodes: {} })
    return {
      status: 200,
      body: state.quoted ? `"${number}"` : `${number}\n`,
      headers: { 'content-type': 'text/plain' },
    }
  }

  /** The token of the next page is the number of the last run on this one. */
  function list(query: URLSearchParams): Reply {
    const hidden = state.listsLate > 0 ? 1 : 0
    state.listsLate -= hidden
    const runs = state.runs.slice(0, state.runs.length - hidden)
    if (runs.length === 0) return refuse(404, 'scenario not found, or no runs found for that scenario')
    const limit = Number(query.get('limit') ?? 1_000)
    const after = query.has('runNumber') ? Number(query.get('runNumber')) : undefined
    const forward = query.get('forward') !== 'false'
    if (!forward && state.listsForwardOnly) return ok({ pageSize: limit, pageToken: null, items: [] })
    const isAfter = (number: number) => after === undefined || (forward ? number > after : number < after)
    const items = (forward ? runs : runs.toReversed()).filter(({ number }) => isAfter(number)).slice(0, limit)
    const pageToken = items.length === limit ? String(items.at(-1)?.number) : null
    return ok({ pageSize: limit, pageToken, items: items.map((run) => toResponse(run)) })
  }

  function halt(run: Run | undefined): Reply {
    if (!state.mayRun) return refuse(403, 'User requires privilege for target team: MINIMUM_TEAM_PRIVILEGES')
    if (!run) return refuse(404, 'scenario not found')
    if (!lastStages.includes(run.stage)) {
      Object.assign(run, state.slow ? { stage: 'HaltRequested' } : { stage: 'Halted', ended: over })
    }
    return { status: 202 }
  }

  function toResponse({ number, hypothesis, stage, failedReason, result, passCriteria, ended, nodes }: Run) {
    const stageMetadata = failedReason ? { failedReason } : {}
    const results = {
      ...(result ? { results: { status: result } } : {}),
      ...(passCriteria ? { passCriteria } : {}),
    }
    // Observers are optional.
    const graph = state.camelCase ? { nodes, observers: [] } : { nodes }
    const name = 'Unreliable network'
    if (state.camelCase) {
      const times = { createdAt: STARTED_AT, endTime: ended }
      const named = { scenarioId: scenario, runNumber: number, stageInfo: { stage, stageMetadata } }
      return { ...named, name, hypothesis, ...times, ...results, graph }
    }
    const times = { start_time: STARTED_AT, ...(ended ? { end_time: ended } : {}) }
    const named = { guid: scenario, run_number: number, stage_info: { stage, stageMetadata } }
    return { ...named, name, hypothesis, ...times, ...results, graph }
  }

  return { answer }
}
