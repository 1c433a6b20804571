import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'

interface StepState {
  lifecycle: string
  failedReason?: string
  nodeHaltedById?: string
}

/** A step in the graph of a scenario. */
interface Step {
  type: string
  id: string
  name?: string
  impact_definition?: { infra_command_type: string }
  state: StepState
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

export type GremlinServer = Awaited<ReturnType<typeof startGremlin>>
type State = ReturnType<typeof initial>

const TOKEN = 'a-key-of-gremlin'
const SCENARIO = '522ceaff-995f-43f4-acea-ff995f03f44e'
const STARTED_AT = '2026-11-24T10:00:00.000Z'
const ENDED_AT = '2026-11-24T10:01:30.000Z'
const FINAL_STAGES = ['Successful', 'Completed', 'Failed', 'Halted']
const CANNOT_READ = refuse(403, 'User requires privilege for target team: SCENARIOS_READ')
const checkToken = requireHeader(
  'authorization',
  `Key ${TOKEN}`,
  refuse(401, 'Authorization header missing or malformed. Please provide proper credentials.'),
)

const initial = () => ({
  runs: [] as Run[],
  team: '9676868b-60d2-5ebe-aa66-c1de8162ff9d',
  mayRun: true,
  mayList: true,
  /** A halted run stays in HaltRequested for a while. */
  slow: false,
  /** The names of fields are those of the OpenAPI document, not those that the official clients read. */
  camelCase: false,
  /** The response with one run is a list, as in the OpenAPI document. */
  inList: false,
  /** A search that goes back from the newest run finds none. */
  listsForwardOnly: false,
  /** The response to a start is text in quotes, not a bare number. */
  quoted: false,
})

/**
 * A fake of Gremlin's API of scenarios, with one scenario. Paths, parameters, responses and states come from its OpenAPI
 * document (a copy is openapi/gremlin-scenarios-api-openapi.yml of api-evangelist/gremlin), pages from
 * gremlinapi/scenarios.py of gremlin/gremlin-python, and the bare number and `stage_info` from public Jenkinsfiles.
 */
const startGremlin = definePlatform({
  base: '/v1/scenarios',
  state: initial,
  refuses: (call, { team }) =>
    checkToken(call) ??
    (call.query.get('teamId') === team ? undefined : refuse(403, 'User requires privilege for target team')),
  routes: {
    'GET /active': () => [],
    'POST /{guid}/runs': ({ state, params, headers, body }) => {
      if (params.guid !== SCENARIO) return undefined
      return headers['content-type'] === 'application/json' ? start(state, body) : refuse(400, 'Bad Request')
    },
    'GET /{guid}/runs/paged': ({ state, params, query }) => {
      if (params.guid !== SCENARIO) return undefined
      return state.mayList ? list(state, query) : CANNOT_READ
    },
    'GET /{guid}/runs/{number}': ({ state, params }) => {
      if (!state.mayList) return CANNOT_READ
      const run = findRun(state, params)
      if (!run) return refuse(404, 'scenario run not found')
      return state.inList ? [toResponse(state, run)] : toResponse(state, run)
    },
    'POST /halt/{guid}/runs/{number}': ({ state, params }) => {
      if (!state.mayRun) return refuse(403, 'User requires privilege for target team: MINIMUM_TEAM_PRIVILEGES')
      const run = findRun(state, params)
      if (!run) return refuse(404, 'scenario not found')
      const halted = state.slow ? { stage: 'HaltRequested' } : { stage: 'Halted', ended: ENDED_AT }
      if (!FINAL_STAGES.includes(run.stage)) Object.assign(run, halted)
      return { status: 202 }
    },
  },
  notFound: ({ path }) => refuse(404, `${path.split('/')[3]} not found`),
  members: ({ runs }) => ({
    token: TOKEN,
    scenario: SCENARIO,
    /** Puts the newest run to a stage. */
    enter(stage: string, fields: Partial<Run> = {}) {
      Object.assign(newestOf(runs), { stage, ended: FINAL_STAGES.includes(stage) ? ENDED_AT : null, ...fields })
    },
  }),
})

/** Returns a refusal. Its body is text. */
function refuse(status: number, text: string): Reply {
  return { status, body: text, headers: { 'content-type': 'text/plain' } }
}

function findRun({ runs }: State, params: { guid: string; number: string }): Run | undefined {
  return params.guid === SCENARIO ? runs.find(({ number }) => String(number) === params.number) : undefined
}

function start({ runs, mayRun, quoted }: State, body: object): Reply {
  if (!mayRun) return refuse(403, 'User requires privilege for target team: SCENARIOS_RUN')
  const { hypothesis, ...others } = body as { hypothesis?: string }
  if (Object.keys(others).length > 0) return refuse(400, 'Bad Request')
  const active = runs.find(({ stage }) => !FINAL_STAGES.includes(stage))
  if (active) return refuse(409, `Scenario run number ${active.number} is in progress`)
  const number = runs.length + 1
  runs.push({ number, hypothesis, stage: 'NotStarted', ended: null, nodes: {} })
  return { status: 200, body: quoted ? `"${number}"` : `${number}\n`, headers: { 'content-type': 'text/plain' } }
}

/** Returns a page of runs. The token of the next page is the number of the last run on the page. */
function list(state: State, query: URLSearchParams): object {
  const { runs } = state
  if (runs.length === 0) return refuse(404, 'scenario not found, or no runs found for that scenario')
  const pageSize = Number(query.get('limit') ?? 1_000)
  const after = query.has('runNumber') ? Number(query.get('runNumber')) : undefined
  const isForward = query.get('forward') !== 'false'
  if (!isForward && state.listsForwardOnly) return { pageSize, pageToken: null, items: [] }
  const isAfter = (number: number) => after === undefined || (isForward ? number > after : number < after)
  const items = (isForward ? runs : runs.toReversed()).filter(({ number }) => isAfter(number)).slice(0, pageSize)
  const pageToken = items.length === pageSize ? String(items.at(-1)?.number) : null
  return { pageSize, pageToken, items: items.map((run) => toResponse(state, run)) }
}

function toResponse({ camelCase }: State, run: Run): object {
  const { number, hypothesis, stage, failedReason, result, passCriteria, ended, nodes } = run
  const stageInfo = { stage, stageMetadata: failedReason ? { failedReason } : {} }
  const fields = {
    name: 'Unreliable network',
    hypothesis,
    passCriteria,
    results: result ? { status: result } : undefined,
  }
  // Observers are optional.
  if (camelCase)
    return {
      scenarioId: SCENARIO,
      runNumber: number,
      stageInfo,
      createdAt: STARTED_AT,
      endTime: ended,
      ...fields,
      graph: { nodes, observers: [] },
    }
  return {
    guid: SCENARIO,
    run_number: number,
    stage_info: stageInfo,
    start_time: STARTED_AT,
    end_time: ended ?? undefined,
    ...fields,
    graph: { nodes },
  }
}

export const jobRow = {
  starts: /^POST .*\/runs$/,
  start: startWith(startGremlin, ({ url: baseUrl, token, scenario: target, state, enter }) => ({
    connection: { baseUrl, token, allow: [target], project: state.team },
    input: { target },
    ...runsIn(() => state.runs.map((run) => [`${target}#${run.number}`, run.stage === 'Halted'])),
    ...stages(enter, 'Running', 'Successful'),
  })),
} satisfies JobRow
