import type { Entry } from './call-records.ts'
import type { Violation } from './verify.ts'

/** The calls of agents. */
export interface AgentFigures {
  calls: number
  accepted: number
  /** Calls that were sent again, with the same key. */
  repeats: number
}

/** Compares the results that agents read with the status of the tasks. */
export function verifyAgents(entries: Iterable<Entry>): { violations: Violation[]; figures: AgentFigures } {
  const violations: Violation[] = []
  const figures = { calls: 0, accepted: 0, repeats: 0 }
  for (const { call, deliveries, accepted, reported, status } of entries) {
    if (!call.agent) continue
    figures.calls += 1
    figures.repeats += deliveries.length - 1
    if (!accepted) continue
    figures.accepted += 1
    const wrong = (detail: string) => void violations.push({ claim: 'reported', id: call.id, detail })
    const tasks = new Set(deliveries.flatMap(({ taskId }) => taskId ?? [])).size
    if (tasks > 1) wrong(`${tasks} tasks for one key`)
    if (reported === undefined) wrong('the agent never read a result')
    else if (reported !== status?.verdict) {
      wrong(`the agent read ${reported}, and the task ended with ${status?.verdict}`)
    }
  }
  return { violations, figures }
}
