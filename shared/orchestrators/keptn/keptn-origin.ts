import { Failure, type FieldError } from '../../errors.ts'
import { type CallEvent, type CallOrigin, originOf, type TaskOrigin } from '../event/event.ts'
import { triggeredTask } from '../event/task-type.ts'

/** The origin of a call whose answer Keptn waits for, with all fields of a `started` or `finished` event. */
export interface KeptnOrigin extends TaskOrigin {
  task: string
  context: string
  project: string
  stage: string
  service: string
}

/** Keptn replaces any other context with a new one, so the sequence would never end. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Returns the origin of an interactive call, with everything that the answer needs.
 *
 * @throws Failure `invalid` with all missing fields
 */
export function keptnOriginOf(event: CallEvent): KeptnOrigin {
  const { id, type, context, data } = event
  const { project, stage, service } = data
  const task = type === undefined ? undefined : triggeredTask(type)
  const isUuid = UUID.test(context ?? '')
  const required: [string, unknown, string][] = [
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
      isUuid ? context : undefined,
      context === undefined
        ? 'the context of the sequence'
        : `"${context}" is not a UUID; send the context of the sequence`,
    ],
    ['data.project', project, 'the project'],
    ['data.stage', stage, 'the stage'],
    ['data.service', service, 'the service'],
  ]
  const errors: FieldError[] = required
    .filter(([, value]) => value === undefined)
    .map(([path, , message]) => ({ path, message }))
  const origin = { ...originOf(event), task }
  if (errors.length === 0 && isKeptnOrigin(origin)) return origin
  throw new Failure(
    'invalid',
    `The result of this call goes to Keptn, which needs the fields of the triggered event. Missing or not valid: ${errors.map(({ path, message }) => `${path} (${message})`).join(', ')}. Without an event, use mode=gate, or a caller without an orchestrator.`,
    { errors },
  )
}

/** Whether an origin has all fields of Keptn's answers. */
export function isKeptnOrigin(origin: CallOrigin): origin is KeptnOrigin {
  const { id, task, context, project, stage, service, labels } = origin
  return [id, task, context, project, stage, service, labels].every((field) => field !== undefined)
}
