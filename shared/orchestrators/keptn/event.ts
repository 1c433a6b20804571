import * as z from 'zod/mini'
import { Failure, type FieldError } from '../../errors.ts'
import { orElse } from '../../fields.ts'
import { isRecord } from '../../record.ts'
import { validate } from '../../validate.ts'
import { newestEvaluation } from './merged-data.ts'
import { type EventKind, kindOf, subjectOf, taskOf } from './task-type.ts'

const name = z.optional(z.string().check(z.maxLength(255)))
const short = z.optional(z.string().check(z.maxLength(128)))
/** An object. Everything else is ignored. */
const free = orElse(z.nullish(z.record(z.string(), z.unknown())), undefined)

const labels = z.record(z.string().check(z.maxLength(255)), z.coerce.string().check(z.maxLength(2_000)))

/** Joins the names of nested labels: a form splits a label's name at its dots. */
function flat(value: unknown, prefix = ''): unknown {
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, held]) =>
      isRecord(held) ? Object.entries(flat(held, `${prefix}${name}.`) as object) : [[`${prefix}${name}`, held]],
    ),
  )
}

/** The event of a call, in any of its forms. */
export const eventSchema = z.object({
  id: z.optional(z.string().check(z.maxLength(128, 'must be at most 128 characters: send the id of the event'))),
  type: name,
  /** The quick start's older form has the type here, and the fields of `data` at the top level. */
  event: name,
  project: name,
  stage: name,
  service: name,
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

/** The event of a call, in one form. */
export interface CallEvent {
  id: string | undefined
  type: string | undefined
  /** The last part of the type. */
  kind: EventKind | undefined
  /** The task that the event is about: `openticket`. */
  task: string | undefined
  shkeptncontext: string | undefined
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
 * Parses the event of a call: a CloudEvent, the quick start's body, or its older short form. Ignores other fields.
 *
 * @throws Failure `invalid` if a field has the wrong type
 */
export function parseEvent(body: Record<string, unknown>): CallEvent {
  const { data, ...event } = validate(eventSchema, body, { what: 'The event' })
  const type = event.type || event.event || undefined
  const task = type === undefined ? undefined : subjectOf(type)
  const kind = type === undefined ? undefined : kindOf(type)
  // A task's own finished event contains the results of that task only.
  const isMerged = type !== undefined && !(task !== undefined && kind === 'finished')
  const properties = task !== undefined && data && Object.hasOwn(data, task) ? data[task] : undefined
  return {
    id: event.id || undefined,
    type,
    kind,
    task,
    shkeptncontext: event.shkeptncontext || undefined,
    gitcommitid: event.gitcommitid || undefined,
    data: {
      project: data?.project || event.project || undefined,
      stage: data?.stage || event.stage || undefined,
      service: data?.service || event.service || undefined,
      result: data?.result || undefined,
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

/** An event that can be answered, with all fields of a `started` or `finished` event. */
export interface TaskEvent {
  id: string
  task: string
  context: string
  gitcommitid?: string | undefined
  project: string
  stage: string
  service: string
  labels: Record<string, string>
}

/** Keptn replaces any other context by a new one, so the sequence would never end. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Returns the event of an interactive call, with everything that the answer needs.
 *
 * @throws Failure `invalid` with all missing fields
 */
export function taskEvent(event: CallEvent): TaskEvent {
  const { id, type, gitcommitid, data } = event
  const context = UUID.test(event.shkeptncontext ?? '') ? event.shkeptncontext : undefined
  const { project, stage, service, labels } = data
  const task = type === undefined ? undefined : taskOf(type)
  const required: [string, string | undefined, string][] = [
    ['id', id, 'the id of the triggered event'],
    [
      'type',
      task,
      type === undefined
        ? 'sh.keptn.event.<task>.triggered'
        : `"${type.slice(0, 100)}" does not trigger a task, so it cannot be answered; use mode=silent`,
    ],
    [
      'shkeptncontext',
      context,
      event.shkeptncontext === undefined
        ? 'the context of the sequence'
        : `"${event.shkeptncontext}" is not a UUID; send the context of the sequence`,
    ],
    ['data.project', project, 'the project'],
    ['data.stage', stage, 'the stage'],
    ['data.service', service, 'the service'],
  ]
  const errors: FieldError[] = required
    .filter(([, value]) => value === undefined)
    .map(([path, , message]) => ({ path, message }))
  if (
    id === undefined ||
    task === undefined ||
    context === undefined ||
    project === undefined ||
    stage === undefined ||
    service === undefined
  ) {
    throw new Failure(
      'invalid',
      `An interactive call needs the fields of its triggered event. Missing or not valid: ${errors.map(({ path, message }) => `${path} (${message})`).join(', ')}`,
      { errors },
    )
  }
  return { id, task, context, gitcommitid, project, stage, service, labels }
}

/** Returns where a call comes from, with the fields that its event has. */
export function originOf({ id, task, shkeptncontext: context, gitcommitid, data }: CallEvent): Partial<TaskEvent> {
  const { project, stage, service, labels } = data
  return { id, task, context, gitcommitid, project, stage, service, labels }
}
