import type { JobRow } from './row.ts'
import { rowsOf } from './rows.ts'

/** A fake platform of jobs and the actions that start and stop them. */
export interface NamedJobPlatform {
  /** The category and the provider: `ci-cd/jenkins`. */
  name: string
  category: string
  provider: string
  start: string
  /** Undefined if the runs cannot be stopped. */
  stop: string | undefined
  platform: JobRow
}

const actions: Record<string, [start: string, stop: string]> = {
  'chaos-testing': ['start-test', 'stop-test'],
  'ci-cd': ['trigger-deployment', 'cancel-run'],
  'incident-management': ['run-runbook', 'stop-runbook'],
  'load-testing': ['start-test', 'stop-test'],
  optimization: ['start-model', 'stop-model'],
  remediation: ['run-runbook', 'stop-runbook'],
}

/** The platform of each provider that starts jobs. */
export const jobPlatforms = Object.entries(rowsOf('jobRow')).map(([name, platform]): NamedJobPlatform => {
  const [category = '', provider = ''] = name.split('/')
  const [start, stop] = actions[category] ?? ['start-job', 'stop-job']
  const { action = start, cannotStop } = platform
  return { name, category, provider, start: action, stop: cannotStop ? undefined : stop, platform }
})
