import * as z from 'zod/mini'
import { orElse } from '../../fields.ts'
import { isRecord } from '../../record.ts'
import { validate } from '../../validate.ts'
import { newestEvaluation } from './merged-data.ts'
import { type EventKind, subjectOf, taskKindOf } from './task-type.ts'

const name = z.optional(z.string().check(z.maxLength(255)))
const short = z.optional(z.string().check(z.maxLength(128)))
/** An object. Everything else is ignored. */
const free = orElse(z.nullish(z.record(z.string(), z.unknown())), undefined)

const labels = z.record(z.string().check(z.maxLength(255)), z.coerce.string().check(z.maxLength(2_000)))

/** Joins the names of nested labels: a form splits a label's name at its dots. A label with `null` is not set. */
function flat(value: unknown, prefix = ''): unknown {
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, held]) => held !== null)
      .flatMap(([name, held]) =>
        isRecord(held) ? Object.entries(flat(held, `${prefix}${name}.`) as object) : [[`${prefix}${name}`, held]],
      ),
  )
}

/** The event of a call, in any of its forms. */
export const eventSchema = z.object({
  id: z.optional(z.string().check(z.maxLength(128, 'must be at most 128 characters: send the id of the event'))),
  /** Names the pipeline run, sequence or release that the call belongs to. */
  context: name,
  type: name,
  /** The quick start's older form has the type here, and the fields of `data` at the top level. */
  event: name,
  project: name,
  stage: name,
  service: name,
  /** The same as in `data`. The quick start's webhook of an evaluation adds its score: `pass (87.5 / 100)`. */
  result: name,
  shkeptncontext: short,
  gitcommitid: short,
  data: z.nullish(
    z.looseObject({
      project: name,
      stage: name,
      service: name,
      status: name,
      result: name,
      message: z.optional(orElse(z.string(), '')),
      labels: z.nullish(
        z.pipe(
          z.transform((value) => flat(value)),
          labels,
        ),
      ),
      problem: free,
      incident: free,
      dynatraceProblem: free,
      evaluation: free,
      test: free,
      configurationChange: free,
    }),
  ),
})

const RESULT_WITH_SCORE = /^(pass|warning|fail) \((\d+(?:\.\d+)?) \/ 100\)$/

/** The event of a call, in one form. */
export interface CallEvent {
  id: string | undefined
  type: string | undefined
  /** The last part of the type. */
  kind: EventKind | undefined
  /** The task that the event is about: `openticket`. */
  task: string | undefined
  /** The same for all calls that belong together, such as those of one sequence or pipeline run. */
  context: string | undefined
  gitcommitid: string | undefined
  data: {
    project: string | undefined
    stage: string | undefined
    service: string | undefined
    /** The result of the sequence so far. In a `finished` event, the result of the task. */
    result: string | undefined
    status: string | undefined
    message: string | undefined
    labels: Record<string, string>
    problem?: Record<string, unknown> | undefined
    incident?: Record<string, unknown> | undefined
    dynatraceProblem?: Record<string, unknown> | undefined
    /** The result of an earlier task. */
    evaluation?: Record<string, unknown> | undefined
    test?: Record<string, unknown> | undefined
    configurationChange?: Record<string, unknown> | undefined
  }
  /** The properties of the task, merged with the results of earlier tasks of its name. */
  properties: Record<string, unknown>
}

/**
 * Parses the event of a call: fields such as `id` and `data.service`, Keptn's CloudEvent, the quick start's body, or its older
 * short form. Ignores other fields.
 *
 * @throws Failure `invalid` if a field has the wrong type
 */
export function parseEvent(body: Record<string, unknown>): CallEvent {
  const { data, ...event } = validate(eventSchema, body, { what: 'The event', isNullUnset: true })
  const type = event.type || event.event || undefined
  const task = type === undefined ? undefined : subjectOf(type)
  const kind = type === undefined ? undefined : taskKindOf(type)
  // A task's own finished event contains the results of that task only.
  const isMerged = type !== undefined && !(task !== undefined && kind === 'finished')
  const [, result = event.result, score] = RESULT_WITH_SCORE.exec(event.result ?? '') ?? []
  const scored = score === undefined ? undefined : { result, score: Number(score) }
  const properties = task !== undefined && data && Object.hasOwn(data, task) ? data[task] : scored
  return {
    id: event.id || undefined,
    type,
    kind,
    task,
    context: event.shkeptncontext || event.context || undefined,
    gitcommitid: event.gitcommitid || undefined,
    data: {
      project: data?.project || event.project || undefined,
      stage: data?.stage || event.stage || undefined,
      service: data?.service || event.service || undefined,
      result: data?.result || result || undefined,
      status: data?.status || undefined,
      message: data?.message || undefined,
      labels: data?.labels ?? {},
      problem: data?.problem ?? undefined,
      incident: data?.incident ?? undefined,
      dynatraceProblem: data?.dynatraceProblem ?? undefined,
      evaluation: data?.evaluation ? (isMerged ? newestEvaluation(data.evaluation) : data.evaluation) : undefined,
      test: data?.test ?? undefined,
      configurationChange: data?.configurationChange ?? undefined,
    },
    properties:
      properties !== null && typeof properties === 'object' && !Array.isArray(properties)
        ? (properties as Record<string, unknown>)
        : {},
  }
}

/** A part of the payload of tasks: fields are added, but never changed. */
export const originSchema = z.object({
  id: z.string(),
  /** The name of the task that the event triggers. */
  task: z.optional(z.string()),
  /** The same for all calls that belong together, such as those of one sequence or pipeline run. */
  context: z.optional(z.string()),
  gitcommitid: z.optional(z.string()),
  project: z.optional(z.string()),
  stage: z.optional(z.string()),
  service: z.optional(z.string()),
  labels: z.record(z.string(), z.string()),
})

/** The origin of a call that can be answered: its id identifies it. */
export type TaskOrigin = z.output<typeof originSchema>

/** The origin of a call, with the fields that its event has. */
export type CallOrigin = Partial<TaskOrigin>

/**
 * Returns where a call comes from.
 *
 * @example return { ...originOf(event), id }
 */
export function originOf({ id, task, context, gitcommitid, data }: CallEvent): CallOrigin & Pick<TaskOrigin, 'labels'> {
  const { project, stage, service, labels } = data
  return { id, task, context, gitcommitid, project, stage, service, labels }
}

/** The fields of an event that a query may contain, except those of `data`. */
export const EVENT_FIELDS = Object.keys(eventSchema.shape).filter((field) => field !== 'data')
