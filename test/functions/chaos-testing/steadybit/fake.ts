import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'

interface Step {
  stepType: 'ACTION' | 'WAIT'
  actionId?: string
  actionKind?: string
  customLabel?: string
  state: string
  reason?: string
  totalTargetCount?: number
}

interface Execution {
  id: number
  key: string
  state: string
  requested: string
  reason?: string
  failureReason?: string
  canceledBy?: { name: string; username: string }
  started?: string
  ended?: string
  variables: Record<string, string>
  steps: Step[]
}

interface Filter {
  experimentKeys?: string[]
  requestedFrom?: string
  size?: number
}

type State = ReturnType<typeof initial>
export type SteadybitServer = Awaited<ReturnType<typeof startSteadybit>>

const TOKEN = 'a1fDXcA0.P.2dFfGl3fAq126mnVCxyPZLoEmLwPi2'
const ENDED = ['COMPLETED', 'FAILED', 'ERRORED', 'CANCELED']
const DENIED = problem(403, 'access-denied-exception', 'Access is denied.')

const initial = () => ({
  executions: [] as Execution[],
  experiments: ['SHOP-1', 'SHOP-2'],
  /** Another experiment runs. */
  busy: false,
  mayRun: true,
  mayList: true,
  /** An error in the experiments. */
  invalid: undefined as string | undefined,
  /** Executions contain their variables. Older versions of Steadybit omit them. */
  showsVariables: true,
  /** The steps of an execution are too large for a response. */
  stepsFail: false,
  /** The headers and the body of the response to a start. */
  location: undefined as string | undefined,
  body: 'complete' as 'complete' | 'empty',
  uiLocation: 'https://platform.steadybit.com/experiments/edit/SHOP-1/executions/123?tenant=demo&team=SHOP',
  /** A stopped run continues for a while. */
  slow: false,
})

/**
 * A fake of Steadybit's API of experiments, with the problems that the tests of its command line expect.
 *
 * @see https://github.com/steadybit/cli api/platform.gen.go is generated from Steadybit's OpenAPI document
 */
export const startSteadybit = definePlatform({
  base: '/api/experiments',
  state: initial,
  refuses: requireHeader(
    'authorization',
    `accessToken ${TOKEN}`,
    problem(401, 'unauthorized-exception', 'The access token is not valid.'),
  ),
  routes: {
    'POST /{key}/execute': ({ state, params, query, body, headers }) =>
      execute(state, params.key, query.get('allowParallel') === 'true', body, `http://${headers.host}`),
    'POST /executions': ({ state, body }) => (state.mayList ? list(state, body) : DENIED),
    'GET /executions/{id}': ({ state, params, query }) => {
      if (!state.mayList) return DENIED
      const execution = executionOf(state, params.id)
      return execution && toResponse(state, execution, query.get('fields') === 'steps')
    },
    'POST /executions/{id}/cancel': ({ state, params }) => {
      if (!state.mayList || !state.mayRun) return DENIED
      const execution = executionOf(state, params.id)
      if (!execution || ENDED.includes(execution.state)) return execution && { status: 200 }
      if (!state.slow) Object.assign(execution, { state: 'CANCELED', ended: new Date().toISOString() })
      return { status: 202 }
    },
  },
  notFound: problem(404, 'not-found-exception', 'The execution was not found.'),
  members: (state) => ({
    token: TOKEN,
    /** Puts the newest execution into a state, as the provider names it. */
    enter(name: string, fields: Partial<Execution> = {}) {
      const ended = ENDED.includes(name) ? { ended: '2026-11-24T10:01:30.5Z' } : {}
      Object.assign(newestOf(state.executions), { state: name, started: '2026-11-24T10:00:00.123456Z' }, ended, fields)
    },
  }),
})

function problem(status: number, type: string, title: string): Reply {
  const headers = { 'content-type': 'application/problem+json' }
  return { status, body: { type: `https://steadybit.com/problems/${type}`, title, status }, headers }
}

function executionOf({ executions }: State, id: string): Execution | undefined {
  return executions.find((execution) => String(execution.id) === id)
}

function execute(
  { mayRun, experiments, invalid, busy, executions, location: otherLocation, body, uiLocation }: State,
  key: string,
  isParallel: boolean,
  { variables = {}, ...others }: { variables?: Record<string, string> },
  root: string,
): Reply {
  if (!mayRun) return problem(403, 'access-denied-exception', 'The token has no access to the team of the experiment.')
  if (!experiments.includes(key)) return problem(404, 'not-found-exception', `Experiment ${key} not found.`)
  if (Object.keys(others).length > 0) return problem(400, 'bad-request-exception', 'Unknown fields.')
  if (invalid) return problem(422, 'experiment-invalid-exception', `Had validation errors (${invalid}).`)
  if (busy && !isParallel)
    return problem(409, 'another-experiment-running-exception', 'Another experiment is currently running.')
  const id = 123 + executions.length
  executions.push({ id, key, state: 'CREATED', requested: new Date().toISOString(), variables, steps: [] })
  const location = otherLocation ?? `${root}/api/experiments/executions/${id}`
  const headers: Record<string, string> = location ? { location } : {}
  if (body === 'empty') return { status: 201, headers }
  return { status: 201, headers, body: { key, executionId: id, apiLocation: location, uiLocation } }
}

function list({ executions }: State, { experimentKeys: keys, requestedFrom = '', size = 50 }: Filter): object {
  const found = executions
    .filter(({ key, requested }) => (!keys || keys.includes(key)) && requested >= requestedFrom)
    .toReversed()
  const items = found
    .slice(0, size)
    .map(({ id, key, state, requested }) => ({ id, experimentKey: key, state, requested, teamKey: 'SHOP' }))
  return { items, totalItems: found.length, nextPage: found.length > items.length ? 1 : null }
}

function toResponse({ stepsFail, showsVariables }: State, execution: Execution, hasSteps: boolean): object | Reply {
  if (hasSteps && stepsFail) return { status: 502, body: '<html><title>Bad Gateway</title>' }
  const { variables, steps, ...fields } = execution
  // Steadybit resolves variables when the execution starts.
  const resolved = Object.entries(fields.started ? variables : {}).map(([name, value]) => [
    name,
    { value, origin: 'EXECUTION' },
  ])
  return {
    ...fields,
    name: 'Shop survives latency',
    hypothesis: 'Checkout stays below 500 ms',
    createdVia: 'API',
    variables: showsVariables ? Object.fromEntries(resolved) : undefined,
    steps: hasSteps ? steps : undefined,
  }
}

export const jobRow = {
  starts: /^POST .*\/execute$/,
  // It shows whose an execution is once that has started.
  stoppedAtStart: 'unknown',
  start: startWith(startSteadybit, ({ url: baseUrl, token, state, enter }) => ({
    connection: { baseUrl, token, allow: ['SHOP-*'] },
    input: { target: 'SHOP-1' },
    ...runsIn(() => state.executions.map((run) => [run.id, run.state === 'CANCELED'])),
    ...stages(enter, 'RUNNING', 'COMPLETED'),
  })),
} satisfies JobRow
