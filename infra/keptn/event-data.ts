import type { Outcome } from './counting.ts'
import { isObject, type Json, type JsonObject, type KeptnEvent, taskEvent } from './events.ts'

/** Outcome of a finished task, and the merged data of its `.finished` events. */
export interface TaskResult {
  outcome: Outcome
  data: JsonObject
}

/** Fields that a `.finished` event cannot change for later tasks. */
const RESERVED_FIELDS = new Set(['project', 'stage', 'service', 'status', 'result'])

/**
 * Merges two values as Keptn's shipyard-controller does. Text is replaced (a value of another type empties it), lists are
 * joined with the new items first, and objects are merged field by field. Numbers and booleans keep the first value.
 */
function mergeData(before: Json, after: Json): Json {
  if (typeof before === 'string') return typeof after === 'string' ? after : ''
  if (Array.isArray(before)) return Array.isArray(after) ? [...after, ...before] : before
  if (before === null) return isObject(after) ? after : null
  if (!isObject(before) || !isObject(after)) return before
  return mergeObjects(before, after)
}

function mergeObjects(before: JsonObject, after: JsonObject): JsonObject {
  const merged: JsonObject = { ...before }
  for (const [name, value] of Object.entries(after)) {
    const first = Object.hasOwn(merged, name) ? merged[name] : undefined
    merged[name] = first === undefined ? value : mergeData(first, value)
  }
  return merged
}

/** Returns the data that the `.finished` events of a task add to the sequence, in order of arrival. */
export function finishedData(events: readonly KeptnEvent[], triggeredId: string): JsonObject {
  return events
    .filter(({ type, triggeredid }) => triggeredid === triggeredId && taskEvent(type)?.kind === 'finished')
    .map(({ data }) => Object.fromEntries(Object.entries(data).filter(([name]) => !RESERVED_FIELDS.has(name))))
    .reduce((merged, data) => mergeObjects(merged, data), {})
}

/**
 * Returns the data of the next `.triggered` event of a sequence: the data of its trigger, merged with the results of the
 * finished tasks and the properties of the next task. The message of the previous task is cleared.
 *
 * @param next the task that the event triggers; undefined if it triggers another sequence
 */
export function nextEventData(
  trigger: JsonObject,
  finished: readonly TaskResult[],
  next?: { name: string; properties: JsonObject },
): JsonObject {
  let data = finished.reduce((merged, task) => mergeObjects(merged, task.data), trigger)
  const last = finished.at(-1)?.outcome
  if (last) data = { ...data, result: last.result, status: last.status }
  if (next) data = { ...data, [next.name]: mergeData(data[next.name] ?? null, next.properties) }
  return (data['message'] ?? null) === null ? data : { ...data, message: '' }
}
