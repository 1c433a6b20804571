import { randomUUID } from 'node:crypto'

export type Json = null | string | number | boolean | Json[] | JsonObject
export interface JsonObject {
  [key: string]: Json
}

/** A CloudEvent as Keptn sends, stores and answers it (protocol sections 3, 4 and 6). */
export interface KeptnEvent {
  specversion: '1.0'
  id: string
  time: string
  type: string
  source: string
  contenttype: 'application/json'
  shkeptncontext: string
  shkeptnspecversion: string
  triggeredid?: string
  gitcommitid: string
  data: JsonObject
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An event of this sequence run, as one of Keptn's services makes it. */
export function newEvent(
  fields: Pick<KeptnEvent, 'type' | 'source' | 'shkeptncontext' | 'data'> & {
    triggeredid?: string
    gitcommitid?: string
  },
): KeptnEvent {
  return {
    specversion: '1.0',
    id: randomUUID(),
    time: new Date().toISOString(),
    contenttype: 'application/json',
    shkeptnspecversion: '0.2.4',
    gitcommitid: '',
    ...fields,
  }
}

/** An answer to a `.triggered` event: its task's type with another ending, its context, project, stage, service and labels. */
export function replyTo(
  triggered: KeptnEvent,
  kind: 'started' | 'finished',
  source: string,
  data: JsonObject = {},
): KeptnEvent {
  const { project = '', stage = '', service = '', labels } = triggered.data
  return newEvent({
    type: triggered.type.replace(/\.triggered$/, `.${kind}`),
    source,
    shkeptncontext: triggered.shkeptncontext,
    triggeredid: triggered.id,
    gitcommitid: triggered.gitcommitid,
    data: { project, stage, service, ...(isObject(labels) ? { labels } : {}), ...data },
  })
}

/** The data of a `.finished` that says: could not be done, and why. */
export const errored = (message: string): JsonObject => ({ status: 'errored', result: 'fail', message })

const prefix = 'sh.keptn.event.'

/** `openticket.triggered` for `sh.keptn.event.openticket.triggered`. */
export const shortType = (type: string): string => (type.startsWith(prefix) ? type.slice(prefix.length) : type)

/** The task and the ending of a task event's type; undefined for a sequence event, which has one name more. */
export function taskEvent(type: string): { task: string; kind: string } | undefined {
  const { task, kind } = /^sh\.keptn\.event\.(?<task>[^.]+)\.(?<kind>[^.]+|status\.changed)$/.exec(type)?.groups ?? {}
  return task !== undefined && kind !== undefined ? { task, kind } : undefined
}
