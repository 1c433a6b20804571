import { casesOf, type Subject } from '../cases.ts'
import type { Answer } from '../server.ts'
import { driveProvider } from './drive.ts'

const read = 'GET /v3/{v3Id}/{v3Id1}/services/{servicesId}/serviceLevelObjectives/{serviceLevelObjectivesId}'
const series = 'GET /v3/projects/{projectsId}/timeSeries'
const of = (doubleValue: number): Answer => ({ body: { timeSeries: [{ points: [{ value: { doubleValue } }] }] } })
const evaluations = casesOf('request-evaluation', {
  ...{ slo: 'checkout/availability', start: '2025-11-24T10:00:00Z', end: '2025-11-24T10:05:00Z' },
})

export const googleCloudMonitoring: Subject = {
  name: 'google-cloud-monitoring',
  contract: 'google-cloud-monitoring',
  answers: {
    [read]: { body: { goal: 0.999, rollingPeriod: '2592000s' } },
    [series]: of(1),
    'GET /v3/{v3Id}/{v3Id1}/services': { body: {} },
  },
  cases: [
    { action: 'check', how: 'the credentials' },
    { action: 'check', how: 'an SLO', connection: { slo: 'checkout/availability' } },
    evaluations.passes('which is met', '100'),
    evaluations.fails('which is missed', 'fail', { answers: { [series]: [of(0.9), of(-1)] } }),
    evaluations.fails('without data', 'no data', { answers: { [series]: [{ body: {} }, { body: {} }] } }),
  ],
  run: driveProvider('slo', 'google-cloud-monitoring', { token: 'an-access-token-of-google', project: 'acme-shop' }),
}
