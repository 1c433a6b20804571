import { createHash } from 'node:crypto'
import type { search as searchJmespath } from '@aws-lambda-powertools/jmespath'
import { canonicalJson } from '../canonical-json.ts'
import { Failure } from '../errors.ts'
import { jmespathReason } from '../jmespath-reason.ts'
import { isRecord } from '../record.ts'
import type { Notification } from './read-notification.ts'
import { type Alerts, type HeaderNames, MAX_ID, type SourceType } from './source-type.ts'

/** More take longer than the function may run, and the sender would send them again and again. */
const MAX_ALERTS = 10_000

/** A change of the state of an alert. */
export interface Alert {
  /** The position in the list of the notification. */
  index: number
  /** Undefined for other changes, such as an acknowledgment. */
  state: 'firing' | 'resolved' | undefined
  /** Identifies the alert within its source: the same when it starts and when it ends. */
  key: string
  /** When its state changed, in epoch milliseconds. Undefined if no alert of the source has this key again. */
  at?: number
  /** The key that an earlier version of this software has stored. */
  formerKey?: string
  /** The body, or the element of its list, with `notification`: the data for rules. */
  data: Record<string, unknown>
}

/** An alert that cannot be identified. */
export interface UnusableAlert extends Pick<Alert, 'index' | 'state'> {
  /** Undefined if the alert cannot even be read. */
  data?: Alert['data']
  /** For people, without values of the body. */
  problem: string
}

/** The alerts of a notification. One that cannot be used does not hide the others. */
export interface AlertsRead {
  alerts: Alert[]
  unusable: UnusableAlert[]
}

/**
 * Returns the alerts of a notification. Tests are omitted. A sender without alerts has one that starts with each notification.
 *
 * @throws Failure `invalid` for too many
 */
export async function readAlerts(type: SourceType, notification: Notification): Promise<AlertsRead> {
  const { kind, event, delivery, content, headers } = notification
  if (kind === 'first-request') return { alerts: [], unusable: [] }
  const context = { event, delivery: delivery ?? null, headers: visibleHeaders(type, headers) }
  if (type.alerts === undefined) {
    const key = delivery ?? createHash('sha256').update(canonicalJson(content)).digest('hex')
    return { alerts: [{ index: 0, state: 'firing', key, data: { ...content, notification: context } }], unusable: [] }
  }
  const { search, JMESPathError } = await import('@aws-lambda-powertools/jmespath')
  const alerts: Alert[] = []
  const unusable: UnusableAlert[] = []
  const explain = (error: unknown) => {
    if (!(error instanceof JMESPathError)) throw error
    return `The alert is not as ${type.title} sends it: ${jmespathReason(error)}.`
  }
  let elements: unknown[] = []
  try {
    elements = elementsOf(type.alerts, content, search)
  } catch (error) {
    unusable.push({ index: 0, state: undefined, problem: explain(error) })
  }
  for (const [index, element] of elements.entries()) {
    try {
      const alert = readAlert(type.alerts, index, element, context, search)
      if (alert === undefined) continue
      if ('problem' in alert) unusable.push(alert)
      else alerts.push(alert)
    } catch (error) {
      unusable.push({ index, state: undefined, problem: explain(error) })
    }
  }
  return { alerts, unusable }
}

type Search = typeof searchJmespath

/** Omits credentials, because rules can copy what they see into a call. */
function visibleHeaders({ token = [] }: SourceType, headers: HeaderNames): Record<string, string> {
  const hidden = ['authorization', 'cookie', ...token]
  return Object.fromEntries(
    Object.entries(headers).filter(
      (header): header is [string, string] => header[1] !== undefined && !hidden.includes(header[0]),
    ),
  )
}

function elementsOf({ each }: Alerts, content: object, search: Search): unknown[] {
  if (each === undefined) return [content]
  const found = search(each, content)
  if (!Array.isArray(found)) return [found]
  if (found.length <= MAX_ALERTS) return found
  throw new Failure(
    'invalid',
    `The notification has ${found.length} alerts. Let the sender send at most ${MAX_ALERTS} at once.`,
  )
}

/** Returns the alert, a problem, or undefined for a test. */
function readAlert(
  { firing, resolved, key: keyOf, formerKey: formerKeyOf, at: atOf, test }: Alerts,
  index: number,
  element: unknown,
  notification: object,
  search: Search,
): Alert | UnusableAlert | undefined {
  if (!isRecord(element)) return { index, state: undefined, problem: 'The alert is not an object.' }
  const data = { ...element, notification }
  const is = (expression: string | undefined) => expression !== undefined && search(expression, data) === true
  const state = is(firing) ? 'firing' : is(resolved) ? 'resolved' : undefined
  if (is(test)) return undefined
  const key = search(keyOf, data)
  if (!isKey(key)) return { index, state, data, problem: UNUSABLE_KEY }
  const former = formerKeyOf === undefined ? undefined : search(formerKeyOf, data)
  const alert: Alert = { index, state, key: String(key), ...(isKey(former) ? { formerKey: String(former) } : {}), data }
  const time = atOf === undefined ? null : (search(atOf, data) ?? null)
  if (time === null || time === ZERO_TIME) return alert
  const at = parseTime(time)
  return at === undefined
    ? {
        index,
        state,
        data,
        problem: 'The time of the alert is neither ISO 8601 nor a number of seconds or milliseconds.',
      }
    : { ...alert, at }
}

/** The text of Go for no time. */
const ZERO_TIME = '0001-01-01T00:00:00Z'

const UNUSABLE_KEY = `The key of the alert must be text of at most ${MAX_ID} characters, or a number. Placeholders, such as $ID or {PID}, must be replaced by the sender.`

/** All alerts with a placeholder that the sender has not replaced would have the same key. */
function isKey(key: unknown): key is string | number {
  if (typeof key === 'number') return true
  return typeof key === 'string' && key.trim() !== '' && key.length <= MAX_ID && !/^[${]|\*UNKNOWN\*/.test(key.trim())
}

/** Seconds are smaller than this until the year 5138. */
const MIN_MILLISECONDS = 100_000_000_000

/** Returns epoch milliseconds. A time without a zone is in UTC. */
function parseTime(value: unknown): number | undefined {
  const text = String(value).trim()
  if (/^\d{1,15}(?:\.\d+)?$/.test(text)) {
    const number = Number(text)
    return Math.round(number < MIN_MILLISECONDS ? number * 1_000 : number)
  }
  if (!/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text)) return undefined
  const time = Date.parse(/(?:Z|UTC|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`)
  return time > 0 ? time : undefined
}
