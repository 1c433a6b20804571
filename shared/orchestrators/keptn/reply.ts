import type { Outcome } from '../../outcome.ts'
import { redactDeep } from '../../redact.ts'
import { clip, toPlainText } from '../../text/plain-text.ts'
import type { TaskEvent } from './event.ts'
import { replyType } from './task-type.ts'

/** An event that goes back to the orchestrator; its API sets `id` and `time`. */
export interface Reply {
  specversion: '1.0'
  source: string
  type: string
  shkeptncontext: string
  triggeredid: string
  gitcommitid?: string
  data: Record<string, unknown>
}

/** Keptn's API refuses bodies over 64 KB. */
const largestReply = 60_000
/** Of details that are too large together, so many are sent beside id and url, and texts up to so many UTF-16 units. */
const mostEssentials = 20
const longestEssential = 200

function reply(
  event: TaskEvent,
  kind: 'started' | 'status.changed' | 'finished',
  category: string,
  data: Record<string, unknown>,
): Reply {
  const { id, task, shkeptncontext, gitcommitid, project, stage, service } = event
  return {
    specversion: '1.0',
    source: `cloud-automation-webhooks/${category}`,
    type: replyType(task, kind),
    shkeptncontext,
    triggeredid: id,
    ...(gitcommitid ? { gitcommitid } : {}),
    // Ours last: a task may be named like one of them.
    data: { ...data, project, stage, service },
  }
}

/** The `started` of a task. */
export function startedReply(event: TaskEvent, category: string): Reply {
  return labelled(event, 'started', category, {})
}

/** The `status.changed` of a task: how far it is. */
export function progressReply(event: TaskEvent, category: string, message: string): Reply {
  return labelled(event, 'status.changed', category, { message: toPlainText(message) })
}

/** Without the labels where they are too large: the `finished` has to follow, and its sequence waits for it. */
function labelled(
  event: TaskEvent,
  kind: 'started' | 'status.changed',
  category: string,
  data: Record<string, unknown>,
): Reply {
  const whole = reply(event, kind, category, { ...data, labels: event.labels })
  return fits(whole) ? whole : reply(event, kind, category, data)
}

/**
 * The `finished` of a task: always with status and result. What would make it too large for Keptn is left out, and the
 * message says so: an event that is refused would leave the sequence hanging. What is short stays: an id, a verdict, a score.
 *
 * @param withLinks whether the outcome's links go out as labels too
 */
export function finishedReply(event: TaskEvent, category: string, outcome: Outcome, withLinks: boolean): Reply {
  const { status, result, message, data, links } = outcome
  const whole = reply(event, 'finished', category, {
    [event.task]: data,
    labels: { ...event.labels, ...(withLinks ? links : {}) },
    status,
    result,
    message,
  })
  if (fits(whole)) return whole
  return reply(event, 'finished', category, {
    [event.task]: essentials(data),
    labels: withLinks ? links : {},
    status,
    result,
    message: `${clip(message, 2_000)} (the details were too large to be sent)`,
  })
}

/**
 * The event without secrets. What says which task it answers stays as it is: it held none when the call was taken, and a word of it
 * that has become one since, such as a stage, must not leave the caller without an answer.
 */
export function masked(whole: Reply): Reply {
  const { type, shkeptncontext, triggeredid, data, ...others } = whole
  const { project, stage, service, ...told } = data
  return { ...others, type, shkeptncontext, triggeredid, data: { ...redactDeep(told), project, stage, service } }
}

function fits(whole: Reply): boolean {
  return Buffer.byteLength(JSON.stringify(whole)) <= largestReply
}

/** Lists, objects and long texts are what is large. */
function essentials({ id, url, ...others }: Record<string, unknown>): Record<string, unknown> {
  const short = Object.entries(others).filter(([, value]) =>
    typeof value === 'string'
      ? value.length <= longestEssential
      : typeof value === 'number' || typeof value === 'boolean',
  )
  return { id, url, ...Object.fromEntries(short.slice(0, mostEssentials)) }
}
