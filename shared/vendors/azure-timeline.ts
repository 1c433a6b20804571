import * as z from 'zod/mini'
import { clipSingleLine } from '../text/single-line.ts'

const timelineRecord = z.object({
  id: z.string(),
  parentId: z.nullish(z.string()),
  type: z.string(),
  name: z.nullish(z.string()),
  state: z.nullish(z.string()),
  result: z.nullish(z.string()),
  order: z.nullish(z.int()),
  finishTime: z.nullish(z.string()),
  issues: z.nullish(z.array(z.object({ type: z.string(), message: z.nullish(z.string()) }))),
})
export type TimelineRecord = z.output<typeof timelineRecord>
/**
 * Reads the timeline of a run: its stages, jobs and tasks, unordered. A queued run has none.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/build/timeline/get
 */
export const timeline = z.nullish(z.object({ records: z.nullish(z.array(timelineRecord)) }))

const MAX_REASON = 300
/** Azure's name for the only stage of a pipeline or job of a stage, if it has no name. */
const UNNAMED = '__default'

/** Describes the running or waiting stage: `stage 2 of 4, Deploy`. */
export function stepOf(records: TimelineRecord[]): string | undefined {
  const approval = records.find(({ type, state }) => type === 'Checkpoint.Approval' && state === 'inProgress')
  if (approval) {
    const stage = lineOf(records, approval).find(({ type }) => type === 'Stage')?.name
    return stage && stage !== UNNAMED ? `stage ${stage} waits for an approval` : 'waiting for an approval'
  }
  const stages = records
    .filter(({ type, name }) => type === 'Stage' && name !== UNNAMED)
    .sort((one, other) => (one.order ?? 0) - (other.order ?? 0))
  const index = stages.findIndex(({ state }) => state === 'inProgress')
  return index < 0 ? undefined : `stage ${index + 1} of ${stages.length}, ${stages[index]?.name}`
}

/** Returns the first failure, as deep as possible: the task of a job of a stage. */
export function failureIn(records: TimelineRecord[]): { reason: string; places: Record<string, string> } | undefined {
  const failed = records
    .filter(({ result }) => result === 'failed')
    .sort((one, other) => (one.finishTime ?? '').localeCompare(other.finishTime ?? ''))
  const deepest = ['Task', 'Job', 'Stage'].flatMap((kind) => failed.filter(({ type }) => type === kind))[0]
  if (!deepest) return undefined
  const line = lineOf(records, deepest)
  const named = ['Stage', 'Job', 'Task'].flatMap((kind) => {
    const name = line.find(({ type }) => type === kind)?.name
    return name && name !== UNNAMED ? [{ kind, name }] : []
  })
  const where = named.map(({ kind, name }) => `${kind.toLowerCase()} "${name}"`).join(', ')
  const message = deepest.issues?.find((issue) => issue.type === 'error' && issue.message)?.message
  return {
    reason: `${where} failed${message ? `: ${clipSingleLine(message, MAX_REASON)}` : ''}`,
    places: Object.fromEntries(named.map(({ kind, name }) => [`failed${kind}`, name])),
  }
}

/** Returns a record with its parents. */
function lineOf(records: TimelineRecord[], record: TimelineRecord): TimelineRecord[] {
  const parent = records.find(({ id }) => id === record.parentId)
  return parent ? [record, ...lineOf(records, parent)] : [record]
}
