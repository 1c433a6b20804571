import { declaredSources } from './declared.ts'

/** The member of a provider that says which type of source notifies us of its runs. */
interface Notified {
  kind?: string | undefined
  notifiedBy?: { type: string } | undefined
}

/** Types of sources whose notifications name runs as those of another type do. */
const SAME_RUNS: Record<string, string> = { 'aws-sns': 'eventbridge' }

/** Returns whether a type of source notifies us of the runs of a provider. With `http`, anything that sends the id of a job does. */
export function notifiesOf(type: string, { kind, notifiedBy }: Notified): boolean {
  if (type === 'http' && kind === 'job') return true
  return notifiedBy !== undefined && (SAME_RUNS[type] ?? type) === notifiedBy.type
}

/**
 * Returns the name of the source that wakes the jobs of a connection. A source of another type than the provider's never names its
 * runs, so a job must not wait for it: `webhooks check` reports it, and the job is polled.
 *
 * @param connection `ci-cd/default`
 */
export function sourceOf(connection: string, provider: Notified): string | undefined {
  const sources = Object.entries(declaredSources())
  return sources.find(([, { type, wakes }]) => wakes.includes(connection) && notifiesOf(type, provider))?.[0]
}
