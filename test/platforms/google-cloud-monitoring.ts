import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'
import { type GoogleLogin, googleError, googleLogin } from './google-login.ts'

export interface GoogleCloudMonitoringServer extends Served {
  login: GoogleLogin
  state: {
    goal: number
    period: Record<string, string>
    /** Points of the compliance and of the error budget, newest first. */
    compliance: number[]
    budget: number[]
    errors: { code: number; message: string }[]
  }
}

const SLO = 'projects/acme-shop/services/checkout/serviceLevelObjectives/availability'

/**
 * A fake of the API of Google Cloud Monitoring, with one SLO.
 *
 * @see https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list
 */
export async function startGoogleCloudMonitoring(): Promise<GoogleCloudMonitoringServer> {
  const login = googleLogin()
  const state: GoogleCloudMonitoringServer['state'] = {
    ...{
      goal: 0.999,
      period: { rollingPeriod: '2592000s' },
      compliance: [0.9995, 0.99],
      budget: [0.5, 0.1],
      errors: [],
    },
  }
  return { ...(await serve((call) => login.answer(call) ?? answer(state, call))), login, state }
}

function answer({ goal, period, compliance, budget, errors }: GoogleCloudMonitoringServer['state'], call: Call): Reply {
  const { path, query } = call
  if (path === `/v3/${SLO}`) return ok({ name: SLO, displayName: 'Availability', goal, ...period })
  if (path === '/v3/projects/acme-shop/services') return ok({})
  if (path !== '/v3/projects/acme-shop/timeSeries') return googleError(404, 'NOT_FOUND', 'The SLO was not found.')
  const [, selector, slo] = /^select_slo_(compliance|budget_fraction)\("(.+)"\)$/.exec(query.get('filter') ?? '') ?? []
  const times = ['startTime', 'endTime'].map((name) => Date.parse(query.get(`interval.${name}`) ?? ''))
  if (slo !== SLO || !(Number(times[0]) < Number(times[1])))
    return googleError(400, 'INVALID_ARGUMENT', 'The supplied filter or interval is invalid.')
  const points = (selector === 'compliance' ? compliance : budget).map((doubleValue) => ({ value: { doubleValue } }))
  const found = points.length > 0 ? { timeSeries: [{ metricKind: 'GAUGE', valueType: 'DOUBLE', points }] } : {}
  return ok({ ...found, ...(errors.length > 0 ? { executionErrors: errors } : {}) })
}
