/**
 * Returns the name of the task that an event triggers. Only such an event is answered: a reply to a `.started` or `.finished`
 * event would loop.
 *
 * `sh.keptn.event.<task>.triggered` is a task; `sh.keptn.event.<stage>.<sequence>.triggered` is a sequence.
 *
 * @see https://github.com/keptn/spec/blob/master/cloudevents.md
 */
export function triggeredTask(type: string): string | undefined {
  return /^sh\.keptn\.event\.([A-Za-z0-9-]{1,128})\.triggered$/.exec(type)?.[1]
}

/** Returns the name of the task that an event of any kind is about. Its properties are in `data.<name>`. */
export function subjectOf(type: string): string | undefined {
  return /^sh\.keptn\.event\.([A-Za-z0-9-]{1,128})\.(?:triggered|started|status\.changed|finished|invalidated)$/.exec(
    type,
  )?.[1]
}

export type EventKind = 'triggered' | 'started' | 'status.changed' | 'finished' | 'invalidated'

/** Returns the last part of an event's type. */
export function taskKindOf(type: string): EventKind | undefined {
  return /\.(triggered|started|status\.changed|finished|invalidated)$/.exec(type)?.[1] as EventKind | undefined
}

/** Returns the type of an event that answers a task. */
export function replyType(task: string, kind: 'started' | 'status.changed' | 'finished'): string {
  return `sh.keptn.event.${task}.${kind}`
}
