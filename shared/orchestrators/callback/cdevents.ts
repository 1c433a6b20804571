import { type CallbackMessage, type Content, senderOf } from './message.ts'

/** @see https://github.com/cdevents/spec/tree/v0.5.1 */
const SPEC_VERSION = '0.5.1'

interface CdEvent {
  context: { specversion: string; id: string; source: string; type: string; timestamp: string; chainId?: string }
  subject: { id: string; source: string; content: Record<string, unknown> }
  customData: Content
}

/** The subject of an event, and what the event says about it. */
interface Subject {
  /** `taskrun.finished.0.3.0` */
  type: string
  id: string
  content: Record<string, unknown>
}

/**
 * Returns a message as a CDEvent: about a test suite, a ticket or a build if the action has one, and else about a task run.
 * CDEvents has no event for progress.
 */
export function cdEvent({ kind, id, time, content }: CallbackMessage): CdEvent {
  const { type, ...subject } =
    ticketOf(kind, content) ?? buildOf(kind, content) ?? testSuiteOf(kind, content) ?? taskRunOf(kind, content)
  const source = senderOf(content)
  return {
    context: {
      specversion: SPEC_VERSION,
      id,
      source,
      type: `dev.cdevents.${type}`,
      timestamp: time,
      ...(content.context ? { chainId: content.context } : {}),
    },
    subject: { ...subject, source },
    customData: content,
  }
}

type Kind = CallbackMessage['kind']

function taskRunOf(kind: Kind, { taskId, category, action, statusUrl, verdict, message }: Content): Subject {
  const about = { taskName: `${category}/${action}`, ...(statusUrl ? { uri: statusUrl } : {}) }
  if (kind !== 'finished') return { type: 'taskrun.started.0.3.0', id: taskId, content: about }
  const outcome = outcomeOf(verdict)
  const errors = outcome === 'success' ? {} : { errors: message }
  return { type: 'taskrun.finished.0.3.0', id: taskId, content: { ...about, outcome, ...errors } }
}

/** Needs the stage, which is the environment. */
function testSuiteOf(kind: Kind, { taskId, action, stage, verdict, message }: Content): Subject | undefined {
  if (action !== 'start-test' || !stage) return undefined
  const environment = { id: stage }
  if (kind !== 'finished') return { type: 'testsuiterun.started.0.3.0', id: taskId, content: { environment } }
  const outcome = outcomeOf(verdict)
  const reason = outcome === 'success' ? {} : { reason: message }
  return { type: 'testsuiterun.finished.0.3.0', id: taskId, content: { environment, outcome, ...reason } }
}

function buildOf(kind: Kind, { taskId, action, verdict }: Content): Subject | undefined {
  // The event about the end of a build cannot say that it failed.
  if (action !== 'trigger-build' || (kind === 'finished' && outcomeOf(verdict) !== 'success')) return undefined
  return { type: `build.${kind === 'finished' ? 'finished' : 'started'}.0.3.0`, id: taskId, content: {} }
}

/** Only if the ticket is known: a failed call is about the task. */
function ticketOf(kind: Kind, { action, caller, verdict, message, data }: Content): Subject | undefined {
  const [, verb] = /^(open|update|close)-(?:issue|ticket)$/.exec(action) ?? []
  const { id, url } = data
  if (kind !== 'finished' || verb === undefined || outcomeOf(verdict) !== 'success') return undefined
  if (typeof id !== 'string' || typeof url !== 'string') return undefined
  const subject = (type: string, content: Record<string, unknown>): Subject => ({ type, id, content })
  if (verb === 'open') return subject('ticket.created.0.2.0', { summary: message, creator: caller, uri: url })
  if (verb === 'update') return subject('ticket.updated.0.2.0', { uri: url, updatedBy: caller })
  return subject('ticket.closed.0.2.0', { uri: url, resolution: 'completed', updatedBy: caller })
}

function outcomeOf(verdict: Content['verdict']): 'success' | 'failure' | 'error' | 'cancel' {
  if (verdict === 'errored') return 'error'
  if (verdict === 'aborted') return 'cancel'
  return verdict === 'fail' ? 'failure' : 'success'
}
