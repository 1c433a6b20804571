import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { googleError, googleLogin } from '../../../platforms/google-login.ts'

const SLO = 'projects/acme-shop/services/checkout/serviceLevelObjectives/availability'

const initial = () => ({
  login: googleLogin(),
  goal: 0.999,
  period: { rollingPeriod: '2592000s' } as Record<string, string>,
  /** Points of the compliance, newest first. */
  compliance: [0.9995, 0.99],
  /** Points of the error budget, newest first. */
  budget: [0.5, 0.1],
  errors: [] as { code: number; message: string }[],
})

/**
 * A fake of the API of Google Cloud Monitoring, with one SLO.
 *
 * @see https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list
 */
export const startGoogleCloudMonitoring = definePlatform({
  base: '/v3/projects/acme-shop',
  state: initial,
  refuses: (call, { login }) => login.answer(call),
  routes: {
    'GET /services': () => ({}),
    'GET /services/checkout/serviceLevelObjectives/availability': ({ state: { goal, period } }) => ({
      name: SLO,
      displayName: 'Availability',
      goal,
      ...period,
    }),
    'GET /timeSeries': ({ state, query }) => listTimeSeries(state, query),
  },
  notFound: googleError(404, 'NOT_FOUND', 'The SLO was not found.'),
  members: ({ login }) => ({ login }),
})

function listTimeSeries({ compliance, budget, errors }: ReturnType<typeof initial>, query: URLSearchParams): object {
  const [, selector, slo] = /^select_slo_(compliance|budget_fraction)\("(.+)"\)$/.exec(query.get('filter') ?? '') ?? []
  const startTime = Date.parse(query.get('interval.startTime') ?? '')
  const endTime = Date.parse(query.get('interval.endTime') ?? '')
  if (slo !== SLO || !(startTime < endTime))
    return googleError(400, 'INVALID_ARGUMENT', 'The supplied filter or interval is invalid.')
  const points = (selector === 'compliance' ? compliance : budget).map((doubleValue) => ({ value: { doubleValue } }))
  const found = points.length > 0 ? { timeSeries: [{ metricKind: 'GAUGE', valueType: 'DOUBLE', points }] } : {}
  return { ...found, ...(errors.length > 0 ? { executionErrors: errors } : {}) }
}
