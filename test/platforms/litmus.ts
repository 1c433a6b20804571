import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

interface Fault {
  name: string
  verdict: string
  probeSuccess?: number
  failedProbe?: string
  failStep?: string
  phase?: string
}

interface Run {
  project: string
  experimentID: string
  /** Empty until the agent has taken it. */
  experimentRunID: string
  notifyID: string
  phase: string
  score: number | null
  faults: Fault[]
  /** Replaces the status that the agent reports. */
  reportedStatus: string | undefined
  message: string
}

/** The state of the fake. Tests read and change it. */
interface LitmusState {
  runs: Run[]
  /** Saved experiments, and those that have a schedule. */
  experiments: string[]
  scheduled: string[]
  /** The tokens that are taken. */
  tokens: string[]
  revoked: string[]
  /** How many tokens logins have given, and for how long, in seconds. */
  given: number
  expiresIn: number
  /** The role of everybody in the project. */
  role: 'Owner' | 'Viewer'
  /** Whether the agent in the cluster is there. */
  agent: boolean
  /** How many looks do not show a new run yet. */
  shownLate: number
  /** Whether a stop is only asked of the agent, as older versions do. */
  stopsLate: boolean
}

export interface LitmusServer extends Served {
  token: string
  project: string
  password: string
  state: LitmusState
  /** The agent takes the newest run. */
  take(): void
  /** Brings the newest run to a phase. */
  enter(phase: string, what?: Partial<Pick<Run, 'score' | 'faults' | 'reportedStatus' | 'message'>>): void
}

/**
 * ChaosCenter 3 behind its front end: the GraphQL server below /api, the one for logins below /auth.
 *
 * @see https://github.com/litmuschaos/litmus/tree/master/chaoscenter/graphql/server
 * @see https://github.com/litmuschaos/litmus/tree/master/chaoscenter/authentication
 */
export async function startLitmus(): Promise<LitmusServer> {
  const token = 'an-api-token-of-litmus'
  const project = 'f0a1-shop'
  const password = 'a-password-of-litmus'
  const state: LitmusState = {
    runs: [],
    experiments: ['a1b2', 'a1b3', 'nightly'],
    scheduled: ['nightly'],
    tokens: [token],
    revoked: [],
    given: 0,
    expiresIn: 86_400,
    role: 'Owner',
    agent: true,
    shownLate: 0,
    stopsLate: false,
  }
  const served = await serve((call) => {
    const { method, path } = call
    if (method === 'POST' && path === '/auth/login') return login(state, password, call)
    if (method === 'POST' && path === '/api/query') return query(state, project, call)
    return { status: 405, body: '<html><head><title>405 Not Allowed</title></head></html>' }
  })
  const newest = () => newestOf(state.runs)
  const take = () => Object.assign(newest(), { phase: 'Running', experimentRunID: `run-${state.runs.length}` })
  return {
    ...served,
    token,
    project,
    password,
    state,
    take: () => void take(),
    enter: (phase, what = {}) => void Object.assign(take(), { phase, ...what }),
  }
}

function login(state: LitmusState, password: string, { body }: Call): Reply {
  const asked = (body ?? {}) as { username?: string; password?: string }
  if (!asked.username || !asked.password)
    return { status: 400, body: { error: 'invalid_request', error_description: 'The request is malformed' } }
  if (asked.username !== 'robot' || asked.password !== password)
    return { status: 401, body: { error: 'invalid_credentials', error_description: 'Invalid Credentials' } }
  const accessToken = `a-token-of-a-login-${++state.given}`
  state.tokens.push(accessToken)
  const { expiresIn } = state
  return ok({ accessToken, expiresIn, projectID: '', projectRole: 'Owner', type: 'Bearer' })
}

/** The supported operations of the schema. */
const schema: Record<string, { of: 'query' | 'mutation'; takes: Record<string, string>; has: string }> = {
  runChaosExperiment: { of: 'mutation', takes: { experimentID: 'String!', projectID: 'ID!' }, has: 'notifyID' },
  stopExperimentRuns: {
    of: 'mutation',
    takes: { projectID: 'ID!', experimentID: 'String!', experimentRunID: 'String', notifyID: 'String' },
    has: '',
  },
  getExperimentRun: {
    of: 'query',
    takes: { projectID: 'ID!', experimentRunID: 'ID', notifyID: 'ID' },
    has: 'projectID experimentRunID experimentType experimentID updatedAt createdAt infra.name infra.environmentID experimentName phase resiliencyScore faultsPassed faultsFailed faultsAwaited faultsStopped faultsNa totalFaults executionData isRemoved notifyID runSequence',
  },
}

/** Parses a document. The provider sends documents with one operation, one field and variables only. */
function parse(document: string) {
  const flat = document.replace(/\s+/g, ' ').trim()
  const [, of, declared = '', field = '', given = '', selected = ''] =
    /^(query|mutation) \w+\((.*?)\) \{ (\w+)\((.*?)\)(?: \{ (.*) \})? \}$/.exec(flat) ?? []
  const pairs = (text: string) => text.split(', ').map((pair) => pair.split(': ') as [string, string])
  return {
    of,
    field,
    declared: Object.fromEntries(pairs(declared)),
    given: pairs(given),
    selected: selected
      .replace(/(\w+) \{ (\w+) \}/g, '$1.$2')
      .split(' ')
      .filter(Boolean),
  }
}

/** Returns the error of gqlgen for a document that does not match the schema. */
function wrongWith(document: string, variables: Record<string, unknown>): string | undefined {
  const { of, field, declared, given, selected } = parse(document)
  const known = schema[field]
  if (!known || known.of !== of) return `Cannot query field "${field}" on type "${of}".`
  for (const [name, variable] of given) {
    const [type, wanted] = [declared[variable], known.takes[name]]
    if (wanted === undefined) return `Unknown argument "${name}" on field "${field}".`
    if (type !== wanted && type !== `${wanted}!`)
      return `Variable "${variable}" of type "${type}" used in position expecting type "${wanted}".`
    if (type.endsWith('!') && variables[variable.slice(1)] === undefined) return `${variable} must be defined`
  }
  const missing = Object.entries(known.takes).find(
    ([name, type]) => type.endsWith('!') && !given.some(([one]) => one === name),
  )
  if (missing) return `Field "${field}" argument "${missing[0]}" of type "${missing[1]}" is required.`
  const unknown = selected.find((name) => !known.has.split(' ').includes(name))
  if (unknown) return `Cannot query field "${unknown}" on type "${field}".`
  const undeclared = Object.keys(variables).find((name) => !Object.hasOwn(declared, `$${name}`))
  return undeclared ? `Variable "$${undeclared}" is not declared.` : undefined
}

function query(state: LitmusState, project: string, { headers, body }: Call): Reply {
  const token = String(headers['authorization'] ?? '').replace(/^Bearer /, '')
  if (state.revoked.includes(token))
    return {
      status: 401,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: 'Error verifying JWT token: Token is revoked',
    }
  const { query: document, variables = {} } = (body ?? {}) as { query?: string; variables?: Record<string, string> }
  if (headers['content-type'] !== 'application/json' || !document)
    return { status: 400, body: { errors: [{ message: 'no operation provided' }], data: null } }
  const wrong = wrongWith(document, variables)
  if (wrong) {
    const extensions = { code: 'GRAPHQL_VALIDATION_FAILED' }
    return { status: 422, body: { errors: [{ message: wrong, extensions }], data: null } }
  }
  const { field } = parse(document)
  try {
    if (field === 'stopExperimentRuns' && !state.tokens.includes(token)) throw new Error('invalid Token')
    validateRole(state, project, token, variables, field !== 'getExperimentRun')
    return ok({ data: { [field]: createLitmus(state)[field as 'getExperimentRun'](variables) } })
  } catch (error) {
    return ok({ errors: [{ message: (error as Error).message, path: [field] }], data: null })
  }
}

function validateRole(
  state: LitmusState,
  project: string,
  token: string,
  { projectID }: Record<string, string>,
  writes: boolean,
): void {
  const denied = (why: string) => new Error(`permission_denied: rpc error: code = Unknown desc = ${why}`)
  if (!state.tokens.includes(token)) throw denied('Token is expired')
  if (projectID !== project || (writes && state.role === 'Viewer')) throw denied('auth gRPC - Unauthorized')
}

function createLitmus(state: LitmusState) {
  function runChaosExperiment({ experimentID = '', projectID = '' }: Record<string, string>) {
    if (!state.experiments.includes(experimentID))
      throw new Error('could not get experiment run, error: mongo: no documents in result')
    if (!state.agent) throw new Error('experiment re-run failed due to inactive infra')
    if (state.scheduled.includes(experimentID)) return { notifyID: '' }
    const notifyID = `5f2c3d1e-1b2c-4d5e-8f90-${String(state.runs.length + 1).padStart(12, '0')}`
    state.runs.push({
      ...{ project: projectID, experimentID, experimentRunID: '', notifyID, phase: 'Queued', score: 0 },
      ...{ faults: [], reportedStatus: undefined, message: '' },
    })
    return { notifyID }
  }

  function getExperimentRun({ notifyID }: Record<string, string>) {
    const run = state.runs.find((one) => one.notifyID === notifyID)
    if (!run || state.shownLate-- > 0) throw new Error('no matching experiment run')
    state.shownLate = 0
    const ended = run.faults.length > 0
    const having = (verdict: string) => (ended ? run.faults.filter((one) => one.verdict === verdict).length : null)
    return {
      experimentID: run.experimentID,
      experimentRunID: run.experimentRunID,
      experimentName: 'checkout-pods',
      phase: run.phase,
      resiliencyScore: run.score,
      faultsPassed: having('Pass'),
      faultsFailed: having('Fail'),
      faultsAwaited: having('Awaited'),
      faultsStopped: having('Stopped'),
      faultsNa: having('N/A'),
      totalFaults: ended ? run.faults.length : null,
      executionData: run.reportedStatus ?? JSON.stringify(executionOf(run)),
      infra: { name: 'production' },
    }
  }

  /** Without the id of a run, Litmus stops all runs of the experiment and ignores the notifyID. */
  function stopExperimentRuns({ experimentID, experimentRunID }: Record<string, string>): boolean {
    const found = state.runs.filter(
      (one) =>
        one.experimentID === experimentID &&
        (experimentRunID ? one.experimentRunID === experimentRunID : one.phase === 'Running'),
    )
    if (found.length === 0) throw new Error('no running or timeout experiments found')
    for (const run of found) if (!state.stopsLate) run.phase = 'Stopped'
    return true
  }

  return { runChaosExperiment, getExperimentRun, stopExperimentRuns }
}

function executionOf({ experimentID, phase, message, faults, experimentRunID }: Run) {
  if (experimentRunID === '') return { name: 'checkout-pods-1764000000000', phase, experimentID, nodes: null }
  const nodes = faults.map(({ name, verdict, probeSuccess = 0, failedProbe, failStep = '', phase: state }, at) => [
    `checkout-pods-${at}`,
    {
      name: `${name}-x7c`,
      phase: state ?? 'Completed',
      message: '',
      type: 'ChaosEngine',
      children: null,
      chaosData: {
        ...{ engineName: `${name}-x7c`, experimentName: name, experimentStatus: state ?? 'Completed' },
        ...{ experimentVerdict: verdict, probeSuccessPercentage: String(probeSuccess), failStep },
        chaosResult: {
          status: {
            probeStatuses: [
              { name: 'is-up', type: 'httpProbe', mode: 'Continuous', status: { verdict: 'Passed' } },
              ...(failedProbe ? [{ name: 'answers', status: { verdict: 'Failed', description: failedProbe } }] : []),
            ],
          },
        },
      },
    },
  ])
  const install = { name: 'install-chaos-faults', phase: 'Succeeded', message: '', type: 'Pod', children: null }
  return {
    ...{ experimentType: 'events', experimentID, name: 'checkout-pods', phase, message },
    ...{ startedAt: '1764000000', finishedAt: faults.length > 0 ? '1764000090' : '' },
    nodes: { ...Object.fromEntries(nodes), 'checkout-pods-install': install },
  }
}
