import { type JsonObject, type KeptnEvent, taskEvent } from './events.ts'

/** Outcome of a task or a sequence in Keptn's terms. */
export interface Outcome {
  status: string
  result: string
  message: string
}

/** Status of a task by the counting rule of the shipyard-controller. */
export interface Count {
  started: number
  finished: number
  /** Set when the task has ended. */
  outcome?: Outcome
}

const text = (data: JsonObject, name: string): string => {
  const value = data[name]
  return typeof value === 'string' ? value : ''
}

/**
 * Applies the counting rule: a task has ended when it has as many `.finished` as `.started` events, and at least one. Their order
 * does not matter, and later events are ignored.
 *
 * @param events in order of arrival
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

/**
 * Returns the outcome of a task from the data of its `.finished` events. A result other than pass or warning fails the task. One
 * errored status makes it errored, else one aborted status makes it aborted. An unknown status fails it.
 */
export function outcomeOf(ends: readonly JsonObject[]): Outcome {
  const results = ends.map((data) => text(data, 'result'))
  const statuses = ends.map((data) => text(data, 'status'))
  const status = statusOf(statuses)
  const failed = status === 'unknown' || results.some((result) => result !== 'pass' && result !== 'warning')
  return {
    status,
    result: failed ? 'fail' : results.includes('warning') ? 'warning' : 'pass',
    message: ends
      .map((data) => text(data, 'message'))
      .filter((message) => message !== '')
      .join('; '),
  }
}

function statusOf(statuses: readonly string[]): string {
  const decisive = ['errored', 'aborted'].find((status) => statuses.includes(status))
  if (decisive !== undefined) return decisive
  return statuses.every((status) => status === 'succeeded') ? 'succeeded' : 'unknown'
}

/** Returns whether a sequence ends after a task with this outcome. An aborted task alone does not end it. */
export const endsSequence = ({ status, result }: Outcome): boolean => result === 'fail' || status === 'errored'
