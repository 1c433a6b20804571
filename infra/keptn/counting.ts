import { isObject, type JsonObject, type KeptnEvent, taskEvent } from './events.ts'

/** How a task or a sequence ended, in Keptn's words. */
export interface Outcome {
  status: string
  result: string
  message: string
}

/** Where a task stands by the shipyard-controller's count. */
export interface Count {
  started: number
  finished: number
  /** Set once the task has ended. */
  outcome?: Outcome
}

const text = (data: JsonObject, name: string): string => {
  const value = data[name]
  return typeof value === 'string' ? value : ''
}

const of = (events: readonly KeptnEvent[], triggeredId: string, kind: string): KeptnEvent[] =>
  events.filter(({ type, triggeredid }) => triggeredid === triggeredId && taskEvent(type)?.kind === kind)

/**
 * The counting rule: a task has ended as soon as it has as many `.finished` as `.started` events, and at least one; which of
 * them came first is all the same, and what comes later is too late. One result other than pass or warning fails it, one
 * status errored makes it errored (protocol section 2).
 *
 * @param events in the order in which they came
 */
export function count(events: readonly KeptnEvent[], triggeredId: string): Count {
  let started = 0
  const ends: JsonObject[] = []
  for (const { type, triggeredid, data } of events) {
    if (triggeredid !== triggeredId) continue
    const kind = taskEvent(type)?.kind
    if (kind === 'started') started++
    if (kind === 'finished') ends.push(data)
    if (ends.length > 0 && ends.length === started) return { started, finished: ends.length, outcome: outcomeOf(ends) }
  }
  return { started, finished: ends.length }
}

function outcomeOf(ends: readonly JsonObject[]): Outcome {
  const results = ends.map((data) => text(data, 'result'))
  const statuses = ends.map((data) => text(data, 'status'))
  const failed = results.some((result) => result !== 'pass' && result !== 'warning')
  return {
    status: statuses.includes('errored')
      ? 'errored'
      : (statuses.find((status) => status !== 'succeeded') ?? 'succeeded'),
    result: failed ? 'fail' : results.includes('warning') ? 'warning' : 'pass',
    message: ends
      .map((data) => text(data, 'message'))
      .filter((message) => message !== '')
      .join('; '),
  }
}

/** What no later task may take over from a `.finished`: these belong to the sequence or to the one task. */
const own = new Set(['project', 'stage', 'service', 'status', 'result', 'message'])

/** What the later events of a sequence carry on after a task: everything before, what its `.finished` events add, how it ended. */
export function carryOn(
  data: JsonObject,
  events: readonly KeptnEvent[],
  triggeredId: string,
  { status, result, message }: Outcome,
): JsonObject {
  const carried: JsonObject = { ...data, status, result, message }
  for (const finished of of(events, triggeredId, 'finished')) {
    for (const [name, value] of Object.entries(finished.data)) {
      const before = carried[name]
      if (own.has(name)) continue
      carried[name] = isObject(before) && isObject(value) ? { ...before, ...value } : value
    }
  }
  return carried
}
