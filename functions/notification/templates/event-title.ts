import type { CallEvent } from '../../../shared/orchestrators/event/event.ts'
import type { Mood } from '../../../shared/providers/message.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

/** The state of the task or sequence of an event. */
interface EventState {
  mood: Mood
  /** Follows the name in a title: `has started`. Empty if the state is unknown. */
  verb: string
}

/**
 * Returns the state of a task, from the kind of the event and its status and result.
 *
 * @param passed the verb for the result pass
 */
export function stateOf(
  { kind, data: { status, result: ofData } }: CallEvent,
  passed: 'passed' | 'succeeded',
  result = ofData,
): EventState {
  switch (kind) {
    case 'triggered':
      return { mood: 'neutral', verb: 'was triggered' }
    case 'started':
      return { mood: 'neutral', verb: 'has started' }
    case 'status.changed':
      return { mood: 'neutral', verb: 'is in progress' }
    case 'invalidated':
      return { mood: 'neutral', verb: 'was invalidated' }
  }
  if (status === 'errored') return { mood: 'bad', verb: 'errored' }
  if (status === 'aborted') return { mood: 'bad', verb: 'was aborted' }
  switch (result) {
    case 'pass':
      return { mood: 'good', verb: passed }
    case 'warning':
      return { mood: 'warning', verb: 'ended with a warning' }
    case 'fail':
      return { mood: 'bad', verb: 'failed' }
  }
  return { mood: 'neutral', verb: kind === 'finished' ? 'has finished' : '' }
}

/** Whether the task of the event has ended. An event without a kind counts as ended. */
export function hasEnded({ kind }: CallEvent): boolean {
  return kind === 'finished' || kind === undefined
}

/** Returns the name of the task, or of the sequence in `sh.keptn.event.<stage>.<sequence>.finished`. */
export function nameOf({ task, type }: CallEvent): string {
  const sequence = /^sh\.keptn\.event\.[^.]+\.([^.]+)\.(?:triggered|finished)$/.exec(type ?? '')?.[1]
  return (task ?? (sequence ? `Sequence ${sequence}` : type))?.trim() || 'Event'
}

/** Returns a title such as `Evaluation of checkout in shop/production passed`. */
export function titleOf(name: string, event: CallEvent, { verb }: EventState): string {
  const location = locationOf(event)
  const hasService = shorten(event.data.service) !== ''
  return [shorten(name), hasService ? `of ${location}` : location, verb].filter(Boolean).join(' ')
}

/** Returns service, project and stage: `checkout in shop/production`. */
export function locationOf({ data: { project, stage, service } }: CallEvent): string {
  const where = [project, stage].map(shorten).filter(Boolean)
  return [shorten(service), where.length > 0 && `in ${where.join('/')}`].filter(Boolean).join(' ')
}

/** Leaves room for the rest of a title. Any text of an event can be empty, or only white space. */
function shorten(name = ''): string {
  return clipSingleLine(name, 40)
}
