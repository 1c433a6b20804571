import { randomUUID } from 'node:crypto'

export type Json = null | string | number | boolean | Json[] | JsonObject
export interface JsonObject {
  [key: string]: Json
}

/** A CloudEvent of Keptn. */
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

/** Returns whether a value that Keptn's API returned is an event. */
export function isKeptnEvent(value: unknown): value is KeptnEvent {
  return isObject(value) && typeof value['type'] === 'string' && typeof value['shkeptncontext'] === 'string'
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Creates an event of a sequence run. */
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

/** Creates the `.started` or `.finished` event for a `.triggered` event, with its context, project, stage, service and labels. */
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

/** Returns the data of a `.finished` event with the status `errored`. */
export const errored = (message: string): JsonObject => ({ status: 'errored', result: 'fail', message })

const prefix = 'sh.keptn.event.'

/** Returns `openticket.triggered` for `sh.keptn.event.openticket.triggered`. */
export const shortType = (type: string): string => (type.startsWith(prefix) ? type.slice(prefix.length) : type)

/** Splits the type of a task event into task and kind; undefined for a sequence event. */
export function taskEvent(type: string): { task: string; kind: string } | undefined {
  const { task, kind } = /^sh\.keptn\.event\.(?<task>[^.]+)\.(?<kind>[^.]+|status\.changed)$/.exec(type)?.groups ?? {}
  return task !== undefined && kind !== undefined ? { task, kind } : undefined
}
