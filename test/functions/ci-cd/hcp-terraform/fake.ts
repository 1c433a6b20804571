import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'

interface Run {
  id: string
  status: string
  message: string
  isConfirmed?: true
  /** The attributes of the request. */
  asked: Record<string, unknown>
}

type State = ReturnType<typeof initial>

const TOKEN = 'a-team-token.atlasv1.0123456789'
const WAITING = ['planned', 'cost_estimated', 'policy_checked', 'post_plan_completed']
const STOPPED = ['discarded', 'canceled', 'force_canceled']
const ENDED = [...STOPPED, 'applied', 'planned_and_finished', 'assessed', 'errored', 'policy_soft_failed']
const checkToken = requireHeader('authorization', `Bearer ${TOKEN}`, refusal(401, 'unauthorized'))
const checkType = requireHeader('content-type', 'application/vnd.api+json', refusal(415, 'unsupported media type'))

const initial = () => ({
  runs: [] as Run[],
  plan: {
    'resource-additions': 2,
    'resource-changes': 1,
    'resource-destructions': 0,
    'resource-imports': 0,
  } as Record<string, number>,
  /** A canceled run continues for a while. */
  cancelsLate: false,
  /** A run cannot be stopped in its current status. */
  isBusy: false,
})

/**
 * A fake of the API of HCP Terraform, with the workspace `shop-network` of one organization.
 *
 * @see https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run
 */
export const startHcpTerraform = definePlatform({
  base: '/api/v2',
  state: initial,
  refuses: (call) => checkToken(call) ?? (call.method === 'POST' ? checkType(call) : undefined),
  envelope: (data) => ({ data }),
  routes: {
    'GET /account/details': () => ({ id: 'user-1', type: 'users', attributes: { username: 'robot' } }),
    'GET /organizations/acme/workspaces/shop-network': () => ({ id: 'ws-1', type: 'workspaces' }),
    'GET /workspaces/ws-1/runs': ({ state, query }) =>
      state.runs
        .filter(({ message }) => message.includes(query.get('search[basic]') ?? ''))
        .map((run) => toResponse(state, run)),
    'GET /plans/plan-1': ({ state }) => ({ id: 'plan-1', type: 'plans', attributes: state.plan }),
    'POST /runs': ({ state, body }) => create(state, body.data.attributes),
    'GET /runs/{id}': ({ state, params }) => {
      const run = findRun(state, params)
      return run && toResponse(state, run)
    },
    'POST /runs/{id}/actions/{action}': ({ state, params }) => {
      const run = findRun(state, params)
      return run && act(state, run, params.action)
    },
  },
  notFound: refusal(404, 'not found'),
  members: ({ runs }) => ({
    token: TOKEN,
    /** Puts the newest run into a status. */
    enter: (status: string) => Object.assign(newestOf(runs), { status }),
  }),
})

function refusal(status: number, title: string, detail?: string): Reply {
  return { status, body: { errors: [{ status: String(status), title, detail }] } }
}

function findRun({ runs }: State, params: { id: string }): Run | undefined {
  return runs.find(({ id }) => id === params.id)
}

function create(state: State, attributes: Record<string, unknown>): Reply {
  const variables = (attributes['variables'] ?? []) as { key: string }[]
  if (variables.some(({ key }) => key === 'undeclared'))
    return refusal(422, 'invalid attribute', 'Variable undeclared is not declared')
  const id = `run-${state.runs.length + 1}`
  const run = { id, status: 'pending', message: String(attributes['message']), asked: attributes }
  state.runs.push(run)
  return { status: 201, body: { data: toResponse(state, run) } }
}

function actionsOf({ isBusy }: State, { status }: Run) {
  const isWaiting = WAITING.includes(status)
  return {
    'is-confirmable': isWaiting,
    'is-discardable': !isBusy && (isWaiting || status === 'policy_override'),
    'is-cancelable': !isBusy && !isWaiting && !ENDED.includes(status),
  }
}

function toResponse(state: State, run: Run) {
  const { id, status, message } = run
  const attributes = {
    status,
    message,
    actions: actionsOf(state, run),
    'status-timestamps': run.isConfirmed ? { 'confirmed-at': '2026-11-27T10:00:00Z' } : {},
  }
  return { id, type: 'runs', attributes, relationships: { plan: { data: { id: 'plan-1', type: 'plans' } } } }
}

function act(state: State, run: Run, action: string): Reply {
  const { 'is-confirmable': apply, 'is-discardable': discard, 'is-cancelable': cancel } = actionsOf(state, run)
  const isAllowed = { apply, discard, cancel }[action]
  if (!isAllowed) return refusal(409, 'transition not allowed')
  if (action === 'apply') Object.assign(run, { status: 'apply_queued', isConfirmed: true })
  else if (!state.cancelsLate) run.status = action === 'discard' ? 'discarded' : 'canceled'
  return { status: 202 }
}

export const jobRow = {
  ownTimes: 'a run has the times of its states, and none of its end',
  starts: /^POST .*\/runs$/,
  start: startWith(startHcpTerraform, ({ url, token, state, enter }) => ({
    connection: { baseUrl: `${url}/api/v2`, token, project: 'acme' },
    input: { target: 'run/shop-network' },
    ...runsIn(() => state.runs.map((run) => [run.id, run.status === 'canceled'])),
    ...stages(enter, 'planning', 'applied'),
  })),
} satisfies JobRow
