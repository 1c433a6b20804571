import type { RunStatus } from '../../../shared/providers/job.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import type { Application, OperationState } from './application.ts'

const UNHEALTHY = ['Degraded', 'Missing']
const MAX_REASON_LENGTH = 500
const MAX_LISTED = 10

export function isDryRun({ operation }: OperationState): boolean {
  return operation.sync?.dryRun ?? false
}

/** Returns true if Argo CD assessed the health after the operation finished. */
export function isHealthCurrent({ status }: Application, { finishedAt }: OperationState): boolean {
  const { reconciledAt } = status ?? {}
  return Boolean(finishedAt && reconciledAt && Date.parse(reconciledAt) >= Date.parse(finishedAt))
}

/** Returns the status of a sync or a rollback. */
export function statusOf(current: Application, state: OperationState, isRollback: boolean): RunStatus {
  const { phase, message, finishedAt } = state
  if (!finishedAt) return { state: phase, progress: message || undefined }
  if (phase !== 'Succeeded') {
    // A terminated sync is in the phase Failed, too.
    const ended =
      phase === 'Failed' && message?.startsWith('Operation terminated') ? { verdict: 'aborted' as const } : {}
    return { state: phase, ...ended, ...resultsOf(current, state, failedResources(state), message) }
  }
  if (isDryRun(state)) return { state: 'Succeeded/dry run', ...resultsOf(current, state, []) }
  const { health, sync } = current.status ?? {}
  const isHealthy = health?.status === 'Healthy'
  return {
    state: `Succeeded/${health?.status ?? 'Unknown'}/${sync?.status ?? 'Unknown'}`,
    // After a rollback, the application differs from its source, which is still at the later revision.
    ...(isRollback && isHealthy ? { verdict: 'pass' } : {}),
    progress: isHealthy ? undefined : (health?.message ?? health?.status ?? undefined),
    ...resultsOf(current, state, unhealthyResources(current), health?.message),
  }
}

/** A resource that keeps the application from being synced or healthy. */
interface FailedResource {
  kind: string
  name: string
  reason: string | null | undefined
}

function failedResources({ syncResult }: OperationState): FailedResource[] {
  return (syncResult?.resources ?? [])
    .filter(({ status, hookPhase }) => status === 'SyncFailed' || /^(?:Failed|Error)$/.test(hookPhase ?? ''))
    .map(({ kind, name, message }) => ({ kind, name, reason: message }))
}

function unhealthyResources({ status }: Application): FailedResource[] {
  return (status?.resources ?? [])
    .filter(({ health }) => UNHEALTHY.includes(health?.status ?? ''))
    .map(({ kind, name, health }) => ({ kind, name, reason: health?.message || health?.status }))
}

function resultsOf(
  { status }: Application,
  { startedAt, finishedAt, syncResult }: OperationState,
  failed: FailedResource[],
  message?: string | null,
): Partial<RunStatus> {
  const revision = syncResult?.revision || syncResult?.revisions?.join(', ')
  const images = status?.summary?.images ?? []
  const listed = failed.slice(0, MAX_LISTED)
  const reasons = listed.map(({ kind, name, reason }) => [`${kind} ${name}`, reason].filter(Boolean).join(': '))
  return {
    reason: clipSingleLine([message, ...reasons].filter(Boolean).join('; '), MAX_REASON_LENGTH) || undefined,
    data: {
      ...(revision ? { revision } : {}),
      ...(images.length > 0 ? { images: images.slice(0, MAX_LISTED) } : {}),
      ...(listed.length > 0 ? { failedResources: listed.map(({ kind, name }) => `${kind}/${name}`) } : {}),
    },
    metrics: { failedResources: failed.length },
    period: { start: startedAt, end: finishedAt },
  }
}
