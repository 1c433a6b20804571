import { type GoObject, type GoValue, isList, isObject } from './template/values.ts'

/** webhook-service ignores the event: it sends no `.started`, runs no request and sends no `.finished`. */
export class DroppedEventError extends Error {
  override readonly name = 'DroppedEventError'
}

/** Text fields of Keptn's event type. Keptn omits empty fields, so a template cannot use them. */
const OPTIONAL_FIELDS = [
  'contenttype',
  'id',
  'shkeptncontext',
  'shkeptnspecversion',
  'specversion',
  'triggeredid',
  'gitcommitid',
]
const REQUIRED_FIELDS = ['source', 'type']
const REQUIRED_DATA = ['project', 'stage', 'service']
const TEXT_DATA = [...REQUIRED_DATA, 'status', 'result', 'message']
const ZERO_TIME = '0001-01-01T00:00:00Z'

/**
 * Returns the event that webhook-service passes to a template: only the fields of Keptn's event type, with the time in the
 * format of Go.
 *
 * @throws DroppedEventError if webhook-service cannot read the event
 */
export function receiveEvent(event: GoObject): GoObject {
  const received: Record<string, GoValue> = {}
  for (const name of OPTIONAL_FIELDS) {
    const value = textOf(event[name], name)
    if (value) received[name] = value
  }
  for (const name of REQUIRED_FIELDS) received[name] = textOf(event[name], name) ?? null
  received['time'] = timeOf(event['time'])
  if ((event['extensions'] ?? null) !== null) received['extensions'] = wellFormed(event['extensions'] ?? null)
  received['data'] = dataOf(event['data'] ?? null)
  return received
}

/** Returns why webhook-service ignores the event; undefined if it handles it. */
export function whyDropped(event: GoObject): string | undefined {
  try {
    receiveEvent(event)
    return undefined
  } catch (error) {
    if (error instanceof DroppedEventError) return error.message
    throw error
  }
}

function dataOf(data: GoValue): GoValue {
  if (data !== null && !isObject(data)) throw new DroppedEventError('data must be an object')
  const fields = data ?? {}
  for (const name of TEXT_DATA) textOf(fields[name], `data.${name}`)
  const labels = fields['labels'] ?? null
  if (labels !== null) {
    if (!isObject(labels)) throw new DroppedEventError('data.labels must be an object whose values are texts')
    for (const [name, value] of Object.entries(labels)) textOf(value, `data.labels.${name}`)
  }
  const missing = REQUIRED_DATA.filter((name) => !fields[name])
  if (missing.length > 0) {
    const names = missing.map((name) => `data.${name}`).join(', ')
    throw new DroppedEventError(`project, stage and service must be present in the event data (missing: ${names})`)
  }
  return wellFormed(data)
}

function textOf(value: GoValue | undefined, name: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw new DroppedEventError(`${name} must be a text`)
  return value.toWellFormed()
}

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/

/** Formats a time like Go: without trailing zeros in its fraction. */
function timeOf(value: GoValue | undefined): string {
  if (value === undefined || value === null) return ZERO_TIME
  const parts = typeof value === 'string' ? RFC_3339.exec(value) : null
  if (!parts || !isDate(parts.slice(1, 7).map(Number))) {
    throw new DroppedEventError('time must be a time such as 2022-03-02T12:50:37.123Z')
  }
  const [, year, month, day, hour, minute, second, digits = '', sign, hours = '00', minutes = '00'] = parts
  if (Number(hours) > 24 || Number(minutes) > 60) throw new DroppedEventError('time has an offset that does not exist')
  const fraction = digits.slice(0, 9).replace(/0+$/, '')
  const zone = sign === undefined || Number(hours) + Number(minutes) === 0 ? 'Z' : `${sign}${hours}:${minutes}`
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction && `.${fraction}`}${zone}`
}

function isDate([year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0]: number[]): boolean {
  // Year 0 and years below 100 would be read as 1900 and later.
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const sameDay = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return sameDay && hour < 24 && minute < 60 && second < 60
}

/** Replaces unpaired surrogates, as Go's JSON parser does. */
function wellFormed(value: GoValue): GoValue {
  if (typeof value === 'string') return value.toWellFormed()
  if (value !== null && isList(value)) return value.map(wellFormed)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.toWellFormed(), wellFormed(member)]))
}
