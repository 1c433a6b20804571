import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

interface Run {
  id: string
  status: string
  message: string
  isConfirmed?: true
  /** The attributes of the request. */
  asked: Record<string, unknown>
}

export interface HcpTerraformServer extends Served {
  token: string
  state: {
    runs: Run[]
    plan: Record<string, number>
    /** A canceled run continues for a while. */
    cancelsLate: boolean
    /** A run cannot be stopped in its current status. */
    isBusy: boolean
  }
  /** Brings the newest run into a status. */
  enter(status: string): void
}

const WAITING = ['planned', 'cost_estimated', 'policy_checked', 'post_plan_completed']
const ENDED = [
  ...['applied', 'planned_and_finished', 'assessed', 'errored', 'policy_soft_failed'],
  ...['discarded', 'canceled', 'force_canceled'],
]

/**
 * A fake of the API of HCP Terraform, with the workspace `shop-network` of one organization.
 *
 * @see https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run
 */
export async function startHcpTerraform(): Promise<HcpTerraformServer> {
  const token = 'a-team-token.atlasv1.0123456789'
  const plan = { 'resource-additions': 2, 'resource-changes': 1, 'resource-destructions': 0, 'resource-imports': 0 }
  const state: HcpTerraformServer['state'] = { runs: [], plan, cancelsLate: false, isBusy: false }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Bearer ${token}`) return refusal(401, 'unauthorized')
    if (call.method === 'POST' && call.headers['content-type'] !== 'application/vnd.api+json')
      return refusal(415, 'unsupported media type')
    return answer(state, call)
  })
  return {
    ...served,
    token,
    state,
    enter: (status) => Object.assign(newestOf(state.runs), { status }),
  }
}

function refusal(status: number, title: string, detail?: string): Reply {
  return { status, body: { errors: [{ status: String(status), title, ...(detail ? { detail } : {}) }] } }
}

function answer(state: HcpTerraformServer['state'], { method, path, query, text }: Call): Reply {
  const at = `${method} ${path.replace('/api/v2/', '')}`
  if (at === 'GET account/details')
    return ok({ data: { id: 'user-1', type: 'users', attributes: { username: 'robot' } } })
  if (at === 'GET organizations/acme/workspaces/shop-network') return ok({ data: { id: 'ws-1', type: 'workspaces' } })
  if (at === 'GET workspaces/ws-1/runs') {
    const search = query.get('search[basic]') ?? ''
    return ok({
      data: state.runs.filter(({ message }) => message.includes(search)).map((run) => toResponse(state, run)),
    })
  }
  if (at === 'GET plans/plan-1') return ok({ data: { id: 'plan-1', type: 'plans', attributes: state.plan } })
  const body = text === '' ? {} : JSON.parse(text)
  if (at === 'POST runs') return create(state, body.data.attributes)
  const [, id, action] = /^(?:GET|POST) runs\/(run-\w+)(?:\/actions\/(\w+))?$/.exec(at) ?? []
  const run = state.runs.find((one) => one.id === id)
  if (!run) return refusal(404, 'not found')
  if (action === undefined) return ok({ data: toResponse(state, run) })
  return act(state, run, action)
}

function create(state: HcpTerraformServer['state'], asked: Record<string, unknown>): Reply {
  const variables = (asked['variables'] ?? []) as { key: string }[]
  if (variables.some(({ key }) => key === 'undeclared'))
    return refusal(422, 'invalid attribute', 'Variable undeclared is not declared')
  const run = { id: `run-${state.runs.length + 1}`, status: 'pending', message: String(asked['message']), asked }
  state.runs.push(run)
  return { status: 201, body: { data: toResponse(state, run) } }
}

function actionsOf({ isBusy }: HcpTerraformServer['state'], { status }: Run) {
  const isWaiting = WAITING.includes(status)
  return {
    'is-confirmable': isWaiting,
    'is-discardable': !isBusy && (isWaiting || status === 'policy_override'),
    'is-cancelable': !isBusy && !isWaiting && !ENDED.includes(status),
  }
}

function toResponse(state: HcpTerraformServer['state'], run: Run) {
  const { id, status, message } = run
  const attributes = {
    status,
    message,
    actions: actionsOf(state, run),
    'status-timestamps': run.isConfirmed ? { 'confirmed-at': '2026-11-27T10:00:00Z' } : {},
  }
  const plan = { data: { id: 'plan-1', type: 'plans' } }
  return { id, type: 'runs', attributes, relationships: { plan } }
}

function act(state: HcpTerraformServer['state'], run: Run, action: string): Reply {
  const can = actionsOf(state, run)
  const isAllowed = { apply: can['is-confirmable'], discard: can['is-discardable'], cancel: can['is-cancelable'] }[
    action
  ]
  if (!isAllowed) return refusal(409, 'transition not allowed')
  if (action === 'apply') Object.assign(run, { status: 'apply_queued', isConfirmed: true })
  else if (!state.cancelsLate) run.status = action === 'discard' ? 'discarded' : 'canceled'
  return { status: 202 }
}
