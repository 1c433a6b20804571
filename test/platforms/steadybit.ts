import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

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

/** The state of the fake. Tests read and change it. */
interface SteadybitState {
  executions: Execution[]
  experiments: string[]
  /** Whether something else runs, which an experiment may have to wait for. */
  busy: boolean
  mayRun: boolean
  mayList: boolean
  /** An error in the experiments. */
  invalid: string | undefined
  /** Whether executions show their variables: an older platform does not. */
  showsVariables: boolean
  /** Whether the steps of an execution are more than it can send. */
  stepsFail: boolean
  /** Parts of the response to a start, in addition to its status. */
  location: string | undefined
  body: 'complete' | 'empty'
  uiLocation: string
  /** A run continues for a while after it is stopped. */
  slow: boolean
}

export interface SteadybitServer extends Served {
  token: string
  state: SteadybitState
  /** Brings the newest execution to a state. */
  enter(state: string, what?: Partial<Execution>): void
}

const lastStates = ['COMPLETED', 'FAILED', 'ERRORED', 'CANCELED']
const problems = 'https://steadybit.com/problems'

/**
 * Steadybit's API of experiments: what its own OpenAPI document says (steadybit/cli has its code made of it in
 * api/platform.gen.go), with the problems that the tests of steadybit/cli answer.
 */
export async function startSteadybit(): Promise<SteadybitServer> {
  const token = 'a1fDXcA0.P.2dFfGl3fAq126mnVCxyPZLoEmLwPi2'
  const state: SteadybitState = {
    executions: [],
    experiments: ['SHOP-1', 'SHOP-2'],
    busy: false,
    mayRun: true,
    mayList: true,
    invalid: undefined,
    showsVariables: true,
    stepsFail: false,
    location: undefined,
    body: 'complete',
    uiLocation: 'https://platform.steadybit.com/experiments/edit/SHOP-1/executions/123?tenant=demo&team=SHOP',
    slow: false,
  }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `accessToken ${token}`)
      return problem(401, 'unauthorized-exception', 'The access token is not valid.')
    return createSteadybit(state, served.url).answer(call)
  })
  return {
    ...served,
    token,
    state,
    enter(to, what = {}) {
      const execution = newestOf(state.executions)
      const started = '2026-11-24T10:00:00.123456Z'
      Object.assign(execution, { state: to, started })
      if (lastStates.includes(to)) execution.ended = '2026-11-24T10:01:30.5Z'
      Object.assign(execution, what)
    },
  }
}

function problem(status: number, type: string, title: string): Reply {
  const headers = { 'content-type': 'application/problem+json' }
  return { status, body: { type: `${problems}/${type}`, title, status }, headers }
}

function createSteadybit(state: SteadybitState, url: string) {
  function answer({ method, path, query, body }: Call): Reply {
    const at = `${method} ${path}`
    const [, key] = /^POST \/api\/experiments\/([^/]+)\/execute$/.exec(at) ?? []
    if (key) return execute(key, query, body)
    if (!state.mayList) return problem(403, 'access-denied-exception', 'Access is denied.')
    if (at === 'POST /api/experiments/executions') return list((body ?? {}) as Record<string, unknown>)
    const [, id, cancels] = /^\w+ \/api\/experiments\/executions\/(\d+)(\/cancel)?$/.exec(at) ?? []
    const found = state.executions.find((one) => String(one.id) === id)
    if (!found) return problem(404, 'not-found-exception', 'The execution was not found.')
    if (cancels) return cancel(found)
    return getRun(found, query)
  }

  function execute(key: string, query: URLSearchParams, body: unknown): Reply {
    const { mayRun, experiments, invalid, busy, executions } = state
    if (!mayRun)
      return problem(403, 'access-denied-exception', 'The token has no access to the team of the experiment.')
    if (!experiments.includes(key)) return problem(404, 'not-found-exception', `Experiment ${key} not found.`)
    const { variables = {}, ...others } = (body ?? {}) as { variables?: Record<string, string> }
    if (Object.keys(others).length > 0) return problem(400, 'bad-request-exception', 'Unknown fields.')
    if (invalid) return problem(422, 'experiment-invalid-exception', `Had validation errors (${invalid}).`)
    if (busy && query.get('allowParallel') !== 'true')
      return problem(409, 'another-experiment-running-exception', 'Another experiment is currently running.')
    const id = 123 + executions.length
    executions.push({ id, key, state: 'CREATED', requested: new Date().toISOString(), variables, steps: [] })
    const { location = `${url}/api/experiments/executions/${id}`, uiLocation } = state
    const headers: Record<string, string> = location ? { location } : {}
    if (state.body === 'empty') return { status: 201, headers }
    return { status: 201, headers, body: { key, executionId: id, apiLocation: location, uiLocation } }
  }

  function list({ experimentKeys, requestedFrom, size = 50 }: Record<string, unknown>): Reply {
    const keys = experimentKeys as string[] | undefined
    const found = state.executions
      .filter(({ key, requested }) => (!keys || keys.includes(key)) && requested >= String(requestedFrom ?? ''))
      .reverse()
    const items = found
      .slice(0, Number(size))
      .map(({ id, key, state, requested }) => ({ id, experimentKey: key, state, requested, teamKey: 'SHOP' }))
    const nextPage = found.length > items.length ? 1 : null
    return ok({ items, totalItems: found.length, nextPage })
  }

  function getRun({ variables, steps, ...shown }: Execution, query: URLSearchParams): Reply {
    const withSteps = query.get('fields') === 'steps'
    if (withSteps && state.stepsFail) return { status: 502, body: '<html><title>Bad Gateway</title>' }
    // They are resolved at the start.
    const resolved = shown.started
      ? Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, { value, origin: 'EXECUTION' }]))
      : {}
    const described = { name: 'Shop survives latency', hypothesis: 'Checkout stays below 500 ms', createdVia: 'API' }
    return ok({
      ...shown,
      ...described,
      ...(state.showsVariables ? { variables: resolved } : {}),
      ...(withSteps ? { steps } : {}),
    })
  }

  function cancel(execution: Execution): Reply {
    if (!state.mayRun) return problem(403, 'access-denied-exception', 'Access is denied.')
    if (lastStates.includes(execution.state)) return { status: 200 }
    if (!state.slow) Object.assign(execution, { state: 'CANCELED', ended: new Date().toISOString() })
    return { status: 202 }
  }

  return { answer }
}
