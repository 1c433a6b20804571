import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'
import { pagerdutyExample } from './pagerduty.ts'

interface Invocation {
  id: string
  action: string
  incident: string
  state: string
}

/** The state of the fake. Tests read and change it. */
interface AutomationState {
  invocations: Invocation[]
  actions: string[]
  incidents: string[]
  mayInvoke: boolean
}

export interface AutomationServer extends Served {
  token: string
  state: AutomationState
}

export const restartApache = '01DAW70HK24JZORNE0P9C2V1L9'
export const incident = 'Q2LAR4ADCXC8IB'

/**
 * PagerDuty's Automation Actions of the REST API v2, in the format of the examples of its OpenAPI document.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/REST/openapiv3.json
 */
export async function startPagerDutyAutomation(): Promise<AutomationServer> {
  const token = 'y_NbAkKc66ryYTWUXYEu'
  const state: AutomationState = { invocations: [], actions: [restartApache], incidents: [incident], mayInvoke: true }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Token token=${token}`) return { status: 401, body: 'Access Denied' }
    if (!String(call.headers['accept']).startsWith('application/vnd.pagerduty+json;version=2')) return { status: 406 }
    return answer(state, call)
  })
  return { ...served, token, state }
}

const refused = (status: number, message: string, code: number, errors?: string[]): Reply => ({
  status,
  body: { error: { message, code, ...(errors ? { errors } : {}) } },
})
const notFound = refused(404, 'Not Found', 2100)

function answer(state: AutomationState, { method, path, body }: Call): Reply {
  const at = `${method} ${path}`
  if (at === 'GET /users/me') return ok({ user: { id: 'PXPGF42', email: 'mia@example.com' } })
  const [, read] = /^GET \/incidents\/(\w+)$/.exec(at) ?? []
  if (read) return state.incidents.includes(read) ? ok({ incident: incidentOf(read) }) : notFound
  const [, invoked] = /^POST \/automation_actions\/actions\/(\w+)\/invocations$/.exec(at) ?? []
  if (invoked) return invoke(state, invoked, body)
  const [, shown] = /^GET \/automation_actions\/invocations\/(\w+)$/.exec(at) ?? []
  const found = state.invocations.find(({ id }) => id === shown)
  return found ? ok({ invocation: invocationOf(found) }) : notFound
}

function invoke(state: AutomationState, action: string, body: unknown): Reply {
  if (!state.mayInvoke) return refused(403, 'Access Denied', 2010)
  if (!state.actions.includes(action)) return notFound
  const { invocation } = (body ?? {}) as { invocation?: { metadata?: { incident_id?: string } } }
  const id = invocation?.metadata?.incident_id
  if (!id || !state.incidents.includes(id)) {
    return refused(400, 'Invalid Input Provided', 2001, ['metadata.incident_id is not an incident'])
  }
  const made = { id: `01DBYD4A25RCXAXQDC9ZX067${state.invocations.length}V`, action, incident: id, state: 'created' }
  state.invocations.push(made)
  return { status: 201, body: { invocation: invocationOf(made) } }
}

function incidentOf(id: string) {
  const { incident } = pagerdutyExample('incident')
  return { ...incident, id, html_url: `https://subdomain.pagerduty.com/incidents/${id}` }
}

function invocationOf({ id, action, incident, state }: Invocation) {
  const { duration, timing, ...example } = pagerdutyExample('invocation')['invocation'] as Record<string, unknown>
  const [created] = timing as object[]
  const ended = ['completed', 'error', 'aborted'].includes(state)
  return {
    ...example,
    id,
    action_id: action,
    state,
    metadata: {
      agent: { id: 'PRJ94S1', type: 'user_reference' },
      incident: { id: incident, type: 'incident_reference' },
    },
    ...(ended ? { duration, timing } : { timing: [created] }),
  }
}
