import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { type Call, graphqlOperation, newestOf, ok, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { type JobRow, runsIn, startWith } from '../../../conformance/row.ts'

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
  /** Empty until the agent accepts the run. */
  experimentRunID: string
  notifyID: string
  phase: string
  score: number | null
  faults: Fault[]
  /** Replaces the status that the agent reports. */
  reportedStatus: string | undefined
  message: string
}

export type LitmusServer = Awaited<ReturnType<typeof startLitmus>>
type State = ReturnType<typeof initial>
type Variables = Record<string, string>

const TOKEN = 'an-api-token-of-litmus'
const PROJECT = 'f0a1-shop'
const PASSWORD = 'a-password-of-litmus'
/** The supported fields of the schema, with their arguments and the fields of their result. */
const SCHEMA: Record<string, { type: 'query' | 'mutation'; args: Record<string, string>; result: string }> = {
  runChaosExperiment: { type: 'mutation', args: { experimentID: 'String!', projectID: 'ID!' }, result: 'notifyID' },
  stopExperimentRuns: {
    type: 'mutation',
    args: { projectID: 'ID!', experimentID: 'String!', experimentRunID: 'String', notifyID: 'String' },
    result: '',
  },
  getExperimentRun: {
    type: 'query',
    args: { projectID: 'ID!', experimentRunID: 'ID', notifyID: 'ID' },
    result:
      'projectID experimentRunID experimentType experimentID updatedAt createdAt infra.name infra.environmentID experimentName phase resiliencyScore faultsPassed faultsFailed faultsAwaited faultsStopped faultsNa totalFaults executionData isRemoved notifyID runSequence',
  },
}

const initial = () => ({
  runs: [] as Run[],
  experiments: ['a1b2', 'a1b3', 'nightly'],
  /** Experiments with a schedule. */
  scheduled: ['nightly'],
  /** The valid tokens. */
  tokens: [TOKEN],
  revoked: [] as string[],
  /** The number of logins. */
  given: 0,
  /** Seconds until the token of a login expires. */
  expiresIn: 86_400,
  /** The role of all users of the project. */
  role: 'Owner' as 'Owner' | 'Viewer',
  /** The agent in the cluster is active. */
  agent: true,
  /** The number of status requests that do not find a new run yet. */
  shownLate: 0,
  /** A stop only notifies the agent, as in older versions. */
  stopsLate: false,
})

/**
 * A fake of ChaosCenter 3 behind its front end, with the GraphQL server at /api and the server for logins at /auth.
 *
 * @see https://github.com/litmuschaos/litmus/tree/master/chaoscenter/graphql/server
 * @see https://github.com/litmuschaos/litmus/tree/master/chaoscenter/authentication
 */
const startLitmus = definePlatform({
  state: initial,
  refuses: (call, state) => (isQuery(call) ? refuseQuery(call, state) : undefined),
  operation: (call) => (isQuery(call) ? graphqlOperation(call) : `${call.method} ${call.path}`),
  routes: {
    'POST /auth/login': ({ state, body }) => login(state, body),
    'mutation runChaosExperiment': ({ state, body }) => start(state, body.variables),
    'mutation stopExperimentRuns': ({ state, body }) => stop(state, body.variables),
    'query getExperimentRun': ({ state, body }) => getRun(state, body.variables),
  },
  notFound: { status: 405, body: '<html><head><title>405 Not Allowed</title></head></html>' },
  members: ({ runs }) => {
    const accept = () => Object.assign(newestOf(runs), { phase: 'Running', experimentRunID: `run-${runs.length}` })
    return {
      token: TOKEN,
      project: PROJECT,
      password: PASSWORD,
      /** Makes the agent accept the newest run. */
      take: () => void accept(),
      /** Puts the newest run to a phase. */
      enter(phase: string, fields: Partial<Pick<Run, 'score' | 'faults' | 'reportedStatus' | 'message'>> = {}) {
        Object.assign(accept(), { phase, ...fields })
      },
    }
  },
})

function login(state: State, { username, password }: Variables): Reply {
  if (!username || !password)
    return { status: 400, body: { error: 'invalid_request', error_description: 'The request is malformed' } }
  if (username !== 'robot' || password !== PASSWORD)
    return { status: 401, body: { error: 'invalid_credentials', error_description: 'Invalid Credentials' } }
  const accessToken = `a-token-of-a-login-${++state.given}`
  state.tokens.push(accessToken)
  return ok({ accessToken, expiresIn: state.expiresIn, projectID: '', projectRole: 'Owner', type: 'Bearer' })
}

function isQuery({ method, path }: Call): boolean {
  return method === 'POST' && path === '/api/query'
}

function refuseQuery({ headers, body }: Call, { tokens, revoked, role }: State): Reply | undefined {
  const token = String(headers['authorization'] ?? '').replace(/^Bearer /, '')
  if (revoked.includes(token))
    return {
      status: 401,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: 'Error verifying JWT token: Token is revoked',
    }
  const { query: document, variables = {} } = (body ?? {}) as { query?: string; variables?: Variables }
  if (headers['content-type'] !== 'application/json' || !document)
    return { status: 400, body: { errors: [{ message: 'no operation provided' }], data: null } }
  const message = validate(document, variables)
  if (message)
    return {
      status: 422,
      body: { errors: [{ message, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }], data: null },
    }
  const { type, field } = parse(document)
  const denied = (reason: string) => failed(field, `permission_denied: rpc error: code = Unknown desc = ${reason}`)
  if (!tokens.includes(token))
    return field === 'stopExperimentRuns' ? failed(field, 'invalid Token') : denied('Token is expired')
  const isForbidden = variables['projectID'] !== PROJECT || (type === 'mutation' && role === 'Viewer')
  return isForbidden ? denied('auth gRPC - Unauthorized') : undefined
}

/** Parses a document. The provider sends documents with one operation, one field and variables only. */
function parse(document: string) {
  const line = document.replace(/\s+/g, ' ').trim()
  const [, type, declared = '', field = '', args = '', selected = ''] =
    /^(query|mutation) \w+\((.*?)\) \{ (\w+)\((.*?)\)(?: \{ (.*) \})? \}$/.exec(line) ?? []
  const pairs = (text: string) => text.split(', ').map((pair) => pair.split(': ') as [string, string])
  return {
    type,
    field,
    declared: Object.fromEntries(pairs(declared)),
    args: pairs(args),
    selected: selected
      .replace(/(\w+) \{ (\w+) \}/g, '$1.$2')
      .split(' ')
      .filter(Boolean),
  }
}

/** Returns the error of gqlgen for a document that does not match the schema. */
function validate(document: string, variables: Variables): string | undefined {
  const { type: operationType, field, declared, args, selected } = parse(document)
  const known = SCHEMA[field]
  if (!known || known.type !== operationType) return `Cannot query field "${field}" on type "${operationType}".`
  for (const [name, variable] of args) {
    const [type, expected] = [declared[variable], known.args[name]]
    if (expected === undefined) return `Unknown argument "${name}" on field "${field}".`
    if (type !== expected && type !== `${expected}!`)
      return `Variable "${variable}" of type "${type}" used in position expecting type "${expected}".`
    if (type.endsWith('!') && variables[variable.slice(1)] === undefined) return `${variable} must be defined`
  }
  const missing = Object.entries(known.args).find(
    ([name, type]) => type.endsWith('!') && !args.some(([argument]) => argument === name),
  )
  if (missing) return `Field "${field}" argument "${missing[0]}" of type "${missing[1]}" is required.`
  const unknown = selected.find((name) => !known.result.split(' ').includes(name))
  if (unknown) return `Cannot query field "${unknown}" on type "${field}".`
  const undeclared = Object.keys(variables).find((name) => !Object.hasOwn(declared, `$${name}`))
  return undeclared ? `Variable "$${undeclared}" is not declared.` : undefined
}

function failed(field: string, message: string): Reply {
  return ok({ errors: [{ message, path: [field] }], data: null })
}

function start({ runs, experiments, scheduled, agent }: State, variables: Variables): Reply {
  const { experimentID = '', projectID = '' } = variables
  if (!experiments.includes(experimentID))
    return failed('runChaosExperiment', 'could not get experiment run, error: mongo: no documents in result')
  if (!agent) return failed('runChaosExperiment', 'experiment re-run failed due to inactive infra')
  if (scheduled.includes(experimentID)) return ok({ data: { runChaosExperiment: { notifyID: '' } } })
  const notifyID = `5f2c3d1e-1b2c-4d5e-8f90-${String(runs.length + 1).padStart(12, '0')}`
  const status = { experimentRunID: '', phase: 'Queued', score: 0, faults: [], reportedStatus: undefined, message: '' }
  runs.push({ project: projectID, experimentID, notifyID, ...status })
  return ok({ data: { runChaosExperiment: { notifyID } } })
}

/** Without the id of a run, Litmus stops all runs of the experiment and ignores the notifyID. */
function stop({ runs, stopsLate }: State, { experimentID, experimentRunID }: Variables): Reply {
  const found = runs.filter(
    (run) =>
      run.experimentID === experimentID &&
      (experimentRunID ? run.experimentRunID === experimentRunID : run.phase === 'Running'),
  )
  if (found.length === 0) return failed('stopExperimentRuns', 'no running or timeout experiments found')
  for (const run of found) if (!stopsLate) run.phase = 'Stopped'
  return ok({ data: { stopExperimentRuns: true } })
}

function getRun(state: State, { notifyID }: Variables): Reply {
  const run = state.runs.find((run) => run.notifyID === notifyID)
  if (!run || state.shownLate-- > 0) return failed('getExperimentRun', 'no matching experiment run')
  state.shownLate = 0
  const { experimentID, experimentRunID, phase, score, faults, reportedStatus } = run
  const isEnded = faults.length > 0
  const count = (verdict: string) => (isEnded ? faults.filter((fault) => fault.verdict === verdict).length : null)
  const getExperimentRun = {
    experimentID,
    experimentRunID,
    experimentName: 'checkout-pods',
    phase,
    resiliencyScore: score,
    faultsPassed: count('Pass'),
    faultsFailed: count('Fail'),
    faultsAwaited: count('Awaited'),
    faultsStopped: count('Stopped'),
    faultsNa: count('N/A'),
    totalFaults: isEnded ? faults.length : null,
    executionData: reportedStatus ?? JSON.stringify(executionOf(run)),
    infra: { name: 'production' },
  }
  return ok({ data: { getExperimentRun } })
}

function executionOf({ experimentID, phase, message, faults, experimentRunID }: Run) {
  if (experimentRunID === '') return { name: 'checkout-pods-1764000000000', phase, experimentID, nodes: null }
  const nodes = faults.map((fault, index) => [`checkout-pods-${index}`, nodeOf(fault)])
  const install = { name: 'install-chaos-faults', phase: 'Succeeded', message: '', type: 'Pod', children: null }
  return {
    experimentType: 'events',
    experimentID,
    name: 'checkout-pods',
    phase,
    message,
    startedAt: '1764000000',
    finishedAt: faults.length > 0 ? '1764000090' : '',
    nodes: { ...Object.fromEntries(nodes), 'checkout-pods-install': install },
  }
}

function nodeOf({ name, verdict, probeSuccess = 0, failedProbe, failStep = '', phase = 'Completed' }: Fault) {
  const probes: object[] = [{ name: 'is-up', type: 'httpProbe', mode: 'Continuous', status: { verdict: 'Passed' } }]
  if (failedProbe) probes.push({ name: 'answers', status: { verdict: 'Failed', description: failedProbe } })
  return {
    name: `${name}-x7c`,
    phase,
    message: '',
    type: 'ChaosEngine',
    children: null,
    chaosData: {
      engineName: `${name}-x7c`,
      experimentName: name,
      experimentStatus: phase,
      experimentVerdict: verdict,
      probeSuccessPercentage: String(probeSuccess),
      failStep,
      chaosResult: { status: { probeStatuses: probes } },
    },
  }
}

export const jobRow = {
  starts: / runChaosExperiment$/,
  stopsLate: true,
  start: startWith(startLitmus, ({ url: baseUrl, token, project, state, take, enter }) => {
    const target = 'a1b2'
    const passed = { score: 100, faults: [{ name: 'pod-delete', verdict: 'Pass' }] }
    return {
      connection: { baseUrl, token, project, allow: [target] },
      input: { target },
      ...runsIn(() => state.runs.map((run) => [`${project}/${target}#${run.notifyID}`, run.phase === 'Stopped'])),
      letStart: take,
      enter: (phase) => enter(phase, phase === 'Completed' ? passed : { score: 50 }),
      end: () => enter('Completed', passed),
    }
  }),
} satisfies JobRow
