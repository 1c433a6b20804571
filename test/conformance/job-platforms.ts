import { type Once, onceOf } from '../../shared/providers/once.ts'
import { categoryOf } from './category-of.ts'
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
  /** The provider's statement about a start whose response was lost. */
  once: Once
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
export const jobPlatforms = await Promise.all(
  Object.entries(rowsOf('jobRow')).map(async ([name, platform]): Promise<NamedJobPlatform> => {
    const [category = '', provider = ''] = name.split('/')
    const [start, stop] = actions[category] ?? ['start-job', 'stop-job']
    const { action = start, cannotStop } = platform
    const loaded = await categoryOf(name).providers[provider]?.()
    if (!loaded) throw new Error(`No provider ${name}`)
    const once = onceOf(loaded, action === 'rollback' ? 'rollback' : 'start')
    return { name, category, provider, start: action, stop: cannotStop ? undefined : stop, platform, once }
  }),
)
