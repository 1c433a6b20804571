import type { CallEvent } from '../../../shared/orchestrators/keptn/event.ts'
import type { Mood } from '../../../shared/providers/message.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

/** How what an event is about stands. */
interface Standing {
  mood: Mood
  /** Goes on after its name: `has started`. Empty where nothing is known. */
  verb: string
}

/**
 * How the task of an event stands: by its kind, and of one that is over by its status and result.
 *
 * @param passed what it has done when it went well
 */
export function standingOf(
  { kind, data: { status, result: ofData } }: CallEvent,
  passed: 'passed' | 'succeeded',
  result = ofData,
): Standing {
  switch (kind) {
    case 'triggered':
      return { mood: 'neutral', verb: 'was triggered' }
    case 'started':
      return { mood: 'neutral', verb: 'has started' }
    case 'status.changed':
      return { mood: 'neutral', verb: 'is under way' }
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

/** Whether the event tells how something ended. An event without a kind is taken for one that does. */
export function isOver({ kind }: CallEvent): boolean {
  return kind === 'finished' || kind === undefined
}

/** What an event is about: its task, or of `sh.keptn.event.<stage>.<sequence>.finished` a whole sequence. */
export function nameOf({ task, type }: CallEvent): string {
  const sequence = /^sh\.keptn\.event\.[^.]+\.([^.]+)\.(?:triggered|finished)$/.exec(type ?? '')?.[1]
  return task ?? (sequence ? `Sequence ${sequence}` : (type ?? 'Event'))
}

/** What happened, in one line: `Evaluation of checkout in shop/production passed`. */
export function titleOf(name: string, event: CallEvent, { verb }: Standing): string {
  const place = placeOf(event)
  return [short(name), event.data.service ? `of ${place}` : place, verb].filter(Boolean).join(' ')
}

/** Which service, and where: `checkout in shop/production`. */
export function placeOf({ data: { project, stage, service } }: CallEvent): string {
  const where = [project, stage].filter((name) => name !== undefined).map(short)
  return [service && short(service), where.length > 0 && `in ${where.join('/')}`].filter(Boolean).join(' ')
}

/** So that the names in a title never crowd out what it says of them. */
function short(name: string): string {
  return clipSingleLine(name, 40)
}
