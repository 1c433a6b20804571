import type { Entry } from './call-records.ts'
import type { PlatformRecords } from './platform-records.ts'
import type { Violation } from './verify.ts'

/** The input of the check. */
export interface TurnEvidence {
  entries: Iterable<Entry>
  records: Pick<PlatformRecords, 'jobSpans' | 'events'>
  /** Converts a time of the process to the true time. */
  unstepped(at: number): number
}

/** A job at a platform, with the call that has started it. Times are true times. */
interface Job {
  entry: Entry
  target: string
  start: number
  end: number
}

/** A task that does not know whether its job runs gives up its turn, and says so. */
const MAY_STILL_RUN = /errored|aborted/
/** The clock is read when the run is created, and converted to the true time later. */
const TOLERANCE_MS = 20

/** Compares the times of the jobs at the platforms: for one target, they must not overlap. */
export function verifyTurns({ entries, records, unstepped }: TurnEvidence): { violations: Violation[]; jobs: number } {
  const byCall = Map.groupBy(records.jobSpans(), ({ id }) => id)
  const statuses = new Map(records.events().map(({ triggeredid, data }) => [triggeredid, data.status]))
  const jobs = [...entries].flatMap((entry): Job[] => {
    const { connection: target, takesTurn } = entry.call.restriction ?? {}
    if (!takesTurn || target === undefined) return []
    const spans = byCall.get(entry.call.id) ?? []
    return spans.map(({ start, end }) => ({ entry, target, start: unstepped(start), end: unstepped(end) }))
  })
  const violations = [...Map.groupBy(jobs, ({ target }) => target).values()].flatMap((ofTarget) => {
    const ordered = ofTarget.toSorted((a, b) => a.start - b.start)
    return ordered.flatMap((job, index) => {
      const before = ordered.slice(0, index).find((other) => other.end > job.start + TOLERANCE_MS && isLive(other, job))
      const detail = `its job for ${job.target} started ${before && Math.round(before.end - job.start)} ms before the end of another one`
      return before ? [{ claim: 'alone', id: job.entry.call.id, detail } as const] : []
    })
  })
  return { violations, jobs: jobs.length }

  /** A job that is started again is one job. */
  function isLive({ entry }: Job, other: Job): boolean {
    const status = statuses.get(entry.call.id) ?? entry.status?.verdict ?? ''
    return entry !== other.entry && !MAY_STILL_RUN.test(status)
  }
}
