/**
 * The name of the task that an event triggers, or undefined where the event triggers none. Only such an event is ever
 * answered: a reply to a `.started` or a `.finished` would loop.
 *
 * `sh.keptn.event.<task>.triggered` is a task; `sh.keptn.event.<stage>.<sequence>.triggered` is a sequence.
 *
 * @see https://github.com/keptn/spec/blob/master/cloudevents.md
 */
export function taskOf(type: string): string | undefined {
  return /^sh\.keptn\.event\.([A-Za-z0-9-]{1,128})\.triggered$/.exec(type)?.[1]
}

/** The name of the task that an event is about, whatever it says of it: its properties stand in `data.<name>`. */
export function subjectOf(type: string): string | undefined {
  return /^sh\.keptn\.event\.([A-Za-z0-9-]{1,128})\.(?:triggered|started|status\.changed|finished|invalidated)$/.exec(
    type,
  )?.[1]
}

export type EventKind = 'triggered' | 'started' | 'status.changed' | 'finished' | 'invalidated'

/** What an event says of its task. */
export function kindOf(type: string): EventKind | undefined {
  return /\.(triggered|started|status\.changed|finished|invalidated)$/.exec(type)?.[1] as EventKind | undefined
}

/** The type of the event that answers a task. */
export function replyType(task: string, kind: 'started' | 'status.changed' | 'finished'): string {
  return `sh.keptn.event.${task}.${kind}`
}
