import { chaosPlatforms } from './chaos-testing.ts'
import { ciCdPlatforms } from './ci-cd.ts'
import { incidentPlatforms } from './incident-management.ts'
import { loadTestPlatforms } from './load-testing.ts'
import { optimizationPlatforms } from './optimization.ts'
import type { JobPlatform } from './platform.ts'
import { remediationPlatforms } from './remediation.ts'

/** A fake platform of jobs and the actions that start and stop them. */
export interface NamedJobPlatform {
  /** The category and the provider: `ci-cd/jenkins`. */
  name: string
  category: string
  provider: string
  start: string
  /** Undefined if the runs cannot be stopped. */
  stop: string | undefined
  platform: JobPlatform
}

const { 'pagerduty-automation': pagerduty, ...incidents } = incidentPlatforms
const { awx, stackstorm, kubernetes, ...rollbacks } = remediationPlatforms

/** The platform of each provider that starts jobs. */
export const jobPlatforms: NamedJobPlatform[] = [
  ...named('chaos-testing', chaosPlatforms, 'start-test', 'stop-test'),
  ...named('ci-cd', ciCdPlatforms, 'trigger-deployment', 'cancel-run'),
  ...named('incident-management', incidents, 'run-runbook', 'stop-runbook'),
  ...named('incident-management', { 'pagerduty-automation': pagerduty }, 'run-runbook'),
  ...named('load-testing', loadTestPlatforms, 'start-test', 'stop-test'),
  ...named('optimization', optimizationPlatforms, 'start-model', 'stop-model'),
  ...named('remediation', { awx, stackstorm }, 'run-runbook', 'stop-runbook'),
  ...named('remediation', { kubernetes }, 'run-runbook'),
  ...named('remediation', rollbacks, 'rollback', 'stop-runbook'),
]

function named(category: string, platforms: Record<string, JobPlatform>, start: string, stop?: string) {
  return Object.entries(platforms).map(([provider, platform]) => ({
    name: `${category}/${provider}`,
    category,
    provider,
    start,
    stop,
    platform,
  }))
}
