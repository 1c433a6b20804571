import type { Entry } from './call-records.ts'
import type { PlatformRecords } from './platform-records.ts'
import type { Violation } from './verify.ts'

/** The tasks that an operator asked to run again. */
export interface RerunFigures {
  asked: number
  /** Tasks that did not pass, and were run again. */
  again: number
  /** Tasks that had passed, for which it was refused. */
  refused: number
}

/** Compares the answers to an operator with the results of the tasks. */
export function verifyReruns(
  entries: Iterable<Entry>,
  records: Pick<PlatformRecords, 'events'>,
): { violations: Violation[]; figures: RerunFigures } {
  const violations: Violation[] = []
  const figures = { asked: 0, again: 0, refused: 0 }
  const ends = Map.groupBy(records.events(), ({ triggeredid }) => triggeredid)
  for (const { call, accepted, reruns } of entries) {
    if (!reruns) continue
    const wrong = (detail: string) => void violations.push({ claim: 'rerun', id: call.id, detail })
    const end = ends.get(call.id)?.find(({ type }) => type.endsWith('.finished'))
    const hasPassed = end?.data.result !== 'fail'
    const tasks = new Set(reruns.flatMap(({ taskId }) => taskId ?? []))
    const statuses = reruns.map(({ status }) => status ?? 'no answer').join(', ')
    figures.asked += 1
    if (tasks.size > 0) figures.again += 1
    else if (hasPassed) figures.refused += 1
    if (tasks.size > 1) wrong(`it was run again as ${tasks.size} tasks`)
    if (accepted && tasks.has(accepted.taskId)) wrong('the new task is the old one')
    if (hasPassed && reruns.some(({ status }) => status !== 400 && status !== undefined))
      wrong(`it ended with ${end?.data.result}, and the answers are ${statuses}`)
    if (!hasPassed && reruns.some(({ status }) => status !== 202 && status !== undefined))
      wrong(`it ended with fail, and the answers are ${statuses}`)
  }
  return { violations, figures }
}
