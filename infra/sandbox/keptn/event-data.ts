import type { Outcome } from './counting.ts'
import { isObject, type Json, type JsonObject, type KeptnEvent, taskEvent } from './events.ts'

/** Outcome of a finished task, and the merged data of its `.finished` events. */
export interface KeptnTaskResult {
  outcome: Outcome
  data: JsonObject
}

/** Fields that a `.finished` event cannot change for later tasks. */
const RESERVED_FIELDS = new Set(['project', 'stage', 'service', 'status', 'result'])

/**
 * Merges two values as Keptn's shipyard-controller does. The newer value replaces the older one, except that numbers and
 * booleans keep the first value, lists are joined with the new items first, and objects are merged in place. A newer null
 * empties a text, and changes nothing else.
 */
function mergeData(before: Json, after: Json): Json {
  if (typeof before === 'number' || typeof before === 'boolean') return before
  if (after === null) return emptied(before)
  if (Array.isArray(before) && Array.isArray(after)) return [...after, ...before]
  return isObject(before) && isObject(after) ? mergeObjects(before, after) : after
}

function emptied(value: Json): Json {
  if (typeof value === 'string') return ''
  // Go encodes a list that was appended to nothing as null.
  return Array.isArray(value) && value.length === 0 ? null : value
}

/** Changes and returns `before`. */
function mergeObjects(before: JsonObject, after: JsonObject): JsonObject {
  for (const [name, value] of Object.entries(after)) {
    const first = Object.hasOwn(before, name) ? (before[name] ?? null) : null
    before[name] = first === null ? value : mergeData(first, value)
  }
  return before
}

/** Returns the data that the `.finished` events of a task add to the sequence, in order of arrival. */
export function finishedData(events: readonly KeptnEvent[], triggeredId: string): JsonObject {
  return events
    .filter(({ type, triggeredid }) => triggeredid === triggeredId && taskEvent(type)?.kind === 'finished')
    .map(({ data }) => Object.fromEntries(Object.entries(data).filter(([name]) => !RESERVED_FIELDS.has(name))))
    .reduce<JsonObject>((merged, data) => mergeObjects(merged, structuredClone(data)), {})
}

/**
 * Returns the data of the next `.triggered` event of a sequence: the data of its trigger, merged with the results of the
 * finished tasks and the properties of the next task. The message of the previous task is cleared.
 *
 * Keptn merges into the results that it stores, so this changes `finished`: later tasks get the properties of a repeated task,
 * too.
 *
 * @param next the task that the event triggers; undefined if it triggers another sequence
 */
export function nextEventData(
  trigger: JsonObject,
  finished: KeptnTaskResult[],
  next?: { name: string; properties?: JsonObject },
): JsonObject {
  // The results must not share objects: a merge into one would change another.
  for (const task of finished) task.data = structuredClone(task.data)
  const data = finished.reduce((merged, task) => mergeObjects(merged, task.data), structuredClone(trigger))
  const last = finished.at(-1)?.outcome
  if (last) Object.assign(data, { result: last.result, status: last.status })
  if (next?.properties) data[next.name] = mergeData(data[next.name] ?? null, next.properties)
  if ((data['message'] ?? null) !== null) data['message'] = ''
  return structuredClone(data)
}
