import type { Outcome } from '../../outcome.ts'
import { redactDeep } from '../../redact.ts'
import { clip, toPlainText } from '../../text/plain-text.ts'
import { replyType } from '../event/task-type.ts'
import type { Answer, AnsweredTask } from '../orchestrator.ts'
import { isKeptnOrigin, type KeptnOrigin } from './keptn-origin.ts'

/** An event for Keptn. Its API sets `id` and `time`. */
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
const MAX_REPLY_BYTES = 60_000
/** If the details of an outcome are too large, only this many short ones are sent. */
const MAX_ESSENTIALS = 20
/** In UTF-16 units. */
const MAX_ESSENTIAL_LENGTH = 200
const MAX_MESSAGE_LENGTH = 2_000

/** Returns the event that gives Keptn an answer. */
export function replyOf(
  { origin, category, linksAsLabels }: AnsweredTask,
  answer: Exclude<Answer, { kind: 'heartbeat' }>,
): Reply {
  if (!isKeptnOrigin(origin)) throw new Error('A task of Keptn has an origin with all of its fields.')
  switch (answer.kind) {
    case 'started':
      return startedReply(origin, category)
    case 'progress':
      return progressReply(origin, category, answer.message)
    case 'finished':
      return finishedReply(origin, category, answer.outcome, linksAsLabels)
  }
}

function reply(
  origin: KeptnOrigin,
  kind: 'started' | 'status.changed' | 'finished',
  category: string,
  data: Record<string, unknown>,
): Reply {
  const { id, task, context, gitcommitid, project, stage, service } = origin
  return {
    specversion: '1.0',
    source: `cloud-automation-webhooks/${category}`,
    type: replyType(task, kind),
    shkeptncontext: context,
    triggeredid: id,
    ...(gitcommitid ? { gitcommitid } : {}),
    // Last, because a task may have the name of one of them.
    data: { ...data, project, stage, service },
  }
}

/** Returns the `started` event of a task. */
export function startedReply(origin: KeptnOrigin, category: string): Reply {
  return replyWithLabels(origin, 'started', category, {})
}

/** Returns the `status.changed` event of a task, with its progress. */
export function progressReply(origin: KeptnOrigin, category: string, message: string): Reply {
  return replyWithLabels(origin, 'status.changed', category, { message: toPlainText(message) })
}

/** Omits the labels if they are too large: the sequence waits for the events. */
function replyWithLabels(
  origin: KeptnOrigin,
  kind: 'started' | 'status.changed',
  category: string,
  data: Record<string, unknown>,
): Reply {
  const complete = reply(origin, kind, category, { ...data, labels: origin.labels })
  return fits(complete) ? complete : reply(origin, kind, category, data)
}

/**
 * Returns the `finished` event of a task. Keptn refuses an event that is too large, which would leave the sequence waiting,
 * so large details are omitted and the message says so. Short ones stay: an id, a verdict, a score.
 *
 * @param linksAsLabels whether the outcome's links are sent as labels
 */
export function finishedReply(origin: KeptnOrigin, category: string, outcome: Outcome, linksAsLabels: boolean): Reply {
  const { status, result, message, data, links } = outcome
  const complete = reply(origin, 'finished', category, {
    [origin.task]: data,
    labels: { ...origin.labels, ...(linksAsLabels ? links : {}) },
    status,
    result,
    message,
  })
  if (fits(complete)) return complete
  return reply(origin, 'finished', category, {
    [origin.task]: essentials(data),
    labels: linksAsLabels ? links : {},
    status,
    result,
    message: `${clip(message, MAX_MESSAGE_LENGTH)} (the details were too large to be sent)`,
  })
}

/**
 * Masks the secrets in an event, except in the fields that identify the task. These did not contain a secret when the call was
 * accepted. If one of them, such as the stage, equals a secret that was stored since, the event must still reach its task.
 */
export function redactReply(event: Reply): Reply {
  const { type, shkeptncontext, triggeredid, data, ...others } = event
  const { project, stage, service, ...details } = data
  return { ...others, type, shkeptncontext, triggeredid, data: { ...redactDeep(details), project, stage, service } }
}

function fits(event: Reply): boolean {
  return Buffer.byteLength(JSON.stringify(event)) <= MAX_REPLY_BYTES
}

/** Returns id, URL and short values. Lists, objects and long texts are omitted. */
function essentials({ id, url, ...others }: Record<string, unknown>): Record<string, unknown> {
  const short = Object.entries(others).filter(([, value]) =>
    typeof value === 'string'
      ? value.length <= MAX_ESSENTIAL_LENGTH
      : typeof value === 'number' || typeof value === 'boolean',
  )
  return { id, url, ...Object.fromEntries(short.slice(0, MAX_ESSENTIALS)) }
}
