import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../../infra/testing/loopback-server.ts'
import { type JobRow, stages, startWith } from '../../../conformance/row.ts'
import { invalid, PAGERDUTY_TOKEN, pagerdutyExample, refused, refuseHeaders } from '../../../platforms/pagerduty.ts'

interface Invocation {
  id: string
  action: string
  incident: string
  state: string
}

export const restartApache = '01DAW70HK24JZORNE0P9C2V1L9'
export const incident = 'Q2LAR4ADCXC8IB'

const initial = () => ({
  invocations: [] as Invocation[],
  actions: [restartApache],
  incidents: [incident],
  mayInvoke: true,
})

/**
 * A fake of the Automation Actions of PagerDuty's REST API v2, in the format of the examples of its OpenAPI document.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/REST/openapiv3.json
 */
const startPagerDutyAutomation = definePlatform({
  state: initial,
  refuses: refuseHeaders,
  routes: {
    'GET /users/me': () => ({ user: { id: 'PXPGF42', email: 'mia@example.com' } }),
    'GET /incidents/{id}': ({ state, params: { id } }) => {
      if (!state.incidents.includes(id)) return undefined
      const html_url = `https://subdomain.pagerduty.com/incidents/${id}`
      return { incident: { ...pagerdutyExample('incident')['incident'], id, html_url } }
    },
    'POST /automation_actions/actions/{id}/invocations': ({ state, params, body }) =>
      invoke(state, params.id, body.invocation?.metadata?.incident_id),
    'GET /automation_actions/invocations/{id}': ({ state, params }) => {
      const invocation = state.invocations.find(({ id }) => id === params.id)
      return invocation && { invocation: toResponse(invocation) }
    },
  },
  notFound: refused(404, 'Not Found', 2100),
  members: () => ({ token: PAGERDUTY_TOKEN }),
})

function invoke(
  { invocations, actions, incidents, mayInvoke }: ReturnType<typeof initial>,
  action: string,
  incident: string,
): Reply | undefined {
  if (!mayInvoke) return refused(403, 'Access Denied', 2010)
  if (!actions.includes(action)) return undefined
  if (!incidents.includes(incident)) return invalid(['metadata.incident_id is not an incident'])
  const invocation = { id: `01DBYD4A25RCXAXQDC9ZX067${invocations.length}V`, action, incident, state: 'created' }
  invocations.push(invocation)
  return { status: 201, body: { invocation: toResponse(invocation) } }
}

function toResponse({ id, action, incident, state }: Invocation): object {
  const { duration, timing, ...example } = pagerdutyExample('invocation')['invocation']
  const hasEnded = ['completed', 'error', 'aborted'].includes(state)
  return {
    ...example,
    id,
    action_id: action,
    state,
    metadata: {
      agent: { id: 'PRJ94S1', type: 'user_reference' },
      incident: { id: incident, type: 'incident_reference' },
    },
    ...(hasEnded ? { duration, timing } : { timing: timing.slice(0, 1) }),
  }
}

export const jobRow = {
  cannotStop: true,
  ownTimes: 'an invocation has only a duration',
  starts: /^POST .*\/invocations$/,
  start: startWith(startPagerDutyAutomation, ({ url: baseUrl, token, state }) => {
    const enter = (name: string) => void Object.assign(state.invocations.at(-1) ?? {}, { state: name })
    return {
      connection: { baseUrl, token },
      input: { target: restartApache, parameters: { incident_id: incident } },
      runs: () => state.invocations.length,
      id: () => String(state.invocations.at(-1)?.id),
      ...stages(enter, 'running', 'completed'),
      finishStop: () => false,
    }
  }),
} satisfies JobRow
