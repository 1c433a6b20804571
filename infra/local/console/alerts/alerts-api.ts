import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { messageOf } from '../../../../shared/errors.ts'
import type { EventsFile } from '../../../../shared/sources/events-file.ts'
import { alertBody } from '../../../sandbox/platforms/sandbox/notifications/alert-example.ts'
import { alertLogLine } from '../../alert-log.ts'
import type { LocalCloud } from '../../cloud/index.ts'
import { readQueueLengths } from '../../queue-lengths.ts'
import { compileEventsText } from '../../sources.ts'
import { type TriedNotification, type TriedRule, tryRules } from '../../try-rules.ts'
import { parseObject } from '../json-text.ts'
import {
  type AlertsView,
  describeEvents,
  type LoggedAlert,
  type NotificationDetail,
  type NotificationSummary,
  type TriedView,
} from './alerts-view.ts'
import { type CallResult, readCallResults } from './call-results.ts'
import { notificationOf } from './notification-of.ts'
import { NotificationStore, type StoredNotification } from './notification-store.ts'

interface AlertsOptions {
  /** Folder of all persistent data. */
  state: string
  cloud: LocalCloud
  /** The compiled contents of `events.yaml`, if there is one. */
  declared: EventsFile | undefined
  /** The file of the user. Undefined for the sources of the sandbox. */
  file: string | undefined
}

/** The page with the rules for alerts. */
export interface AlertsApi {
  /** Stores a notification, which must be verified. */
  add(source: string, req: IncomingMessage, body: Buffer): void
  /**
   * Adds a log line. Those that are not about alerts are ignored.
   *
   * @returns whether it is about an alert
   */
  addLine(at: number, line: string): boolean
  /** @param source of the notifications. All, if it is undefined */
  view(source: string | undefined): Promise<AlertsView>
  detail(id: number): Promise<NotificationDetail | undefined>
  /** Evaluates changed rules on a changed body. */
  try(tried: TriedText): Promise<TriedView>
  close(): void
}

/** The texts of the page, and the headers of the notification that was changed. */
export interface TriedText {
  source: string
  body: string
  headers: Record<string, string>
  /** The text of events.yaml. */
  events: string
}

const MAX_LISTED = 50
const MAX_LINES = 100
const MAX_SHOWN_LINES = 20
const MAX_RESULTS = 50
/** Evaluating larger bodies takes time. */
const MAX_LISTED_BYTES = 100_000

/** Creates the API of the page. Rules are evaluated when a page shows them: notifications may arrive faster. */
export function createAlertsApi({ state, cloud, declared, file }: AlertsOptions): AlertsApi {
  const store = new NotificationStore(join(state, 'notifications.db'))
  const events: EventsFile = declared ?? { sources: {} }
  const lines: LoggedAlert[] = []
  /** The rules do not change while the runtime runs. */
  const summaries = new Map<number, NotificationSummary>()
  const summaryOf = async (notification: StoredNotification): Promise<NotificationSummary> => {
    const { id, source, at, body } = notification
    const known = summaries.get(id)
    if (known) return known
    const isLarge = body.length > MAX_LISTED_BYTES
    const tried = isLarge ? undefined : await evaluate(events, notification)
    const summary = { id, source, at, ...effectOf(tried) }
    summaries.set(id, summary)
    return summary
  }
  return {
    add(source, req, body) {
      const notification = notificationOf(source, req, body)
      if (notification) store.add(notification)
    },
    addLine(at, line) {
      const logged = alertLogLine(line)
      if (!logged) return false
      lines.unshift({ at, ...logged })
      lines.splice(MAX_LINES)
      return true
    },
    async view(source) {
      const listed = store.list(source, MAX_LISTED)
      const shown = new Set(listed.map(({ id }) => id))
      for (const id of summaries.keys()) if (!shown.has(id)) summaries.delete(id)
      return {
        ...describeEvents(events, store.counts()),
        notifications: await Promise.all(listed.map(summaryOf)),
        queue: await readQueueLengths(cloud),
        log: lines.filter((line) => source === undefined || line.source === source).slice(0, MAX_SHOWN_LINES),
        text: textOf(file, declared),
        body: JSON.stringify(alertBody('firing', new Date().toISOString())),
      }
    },
    async detail(id) {
      const notification = store.get(id)
      if (!notification) return undefined
      const tried = await evaluate(events, notification)
      const { source, at, headers, body } = notification
      const calls = typeof tried === 'string' ? undefined : await readCallResults(cloud, tried, shownOf(tried))
      return { id, source, at, headers, body, tried: triedView(tried, calls) }
    },
    async try({ source, body, headers, events: text }) {
      try {
        return triedView(await evaluate(await compileEventsText(text), { source, headers, body }))
      } catch (error) {
        return triedView(messageOf(error))
      }
    },
    close: () => store.close(),
  }
}

/** @returns why the notification cannot be read, if so */
async function evaluate(
  events: EventsFile,
  { source, headers, body }: Pick<StoredNotification, 'source' | 'headers' | 'body'>,
): Promise<TriedNotification | string> {
  const parsed = parseObject(body)
  if (parsed === undefined) return 'The body is not a JSON object.'
  try {
    return await tryRules(events, source, parsed, headers)
  } catch (error) {
    return messageOf(error)
  }
}

function effectOf(tried: TriedNotification | string | undefined): Omit<NotificationSummary, 'id' | 'source' | 'at'> {
  if (tried === undefined) return { event: '', effect: '', hasProblem: false }
  if (typeof tried === 'string') return { event: '', effect: tried, hasProblem: true }
  const { event, results } = tried
  const problems = results.filter(({ isProblem }) => isProblem).length
  const calls = results.filter(({ call }) => call !== undefined).length
  const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
  const effects = [...(calls > 0 ? [count(calls, 'call')] : []), ...(problems > 0 ? [count(problems, 'problem')] : [])]
  return { event, effect: effects.join(', ') || 'No call', hasProblem: problems > 0 }
}

/** Problems and calls first. */
function shownOf({ results }: TriedNotification): TriedRule[] {
  const rank = ({ isProblem, call }: TriedRule) => (isProblem ? 0 : call ? 1 : 2)
  return [...results].sort((one, other) => rank(one) - rank(other)).slice(0, MAX_RESULTS)
}

function triedView(
  tried: TriedNotification | string,
  calls: ReadonlyMap<TriedRule, CallResult> = new Map(),
): TriedView {
  if (typeof tried === 'string') return { problem: tried, event: '', results: [], more: 0 }
  const shown = shownOf(tried)
  return {
    problem: '',
    event: tried.event,
    results: shown.map((result) => {
      const { rule, alert, state = '', key = '', call, reason = '', isProblem = false } = result
      return { rule, alert, state, key, call, result: calls.get(result), reason, isProblem }
    }),
    more: tried.results.length - shown.length,
  }
}

function textOf(file: string | undefined, declared: EventsFile | undefined): string {
  try {
    if (file !== undefined) return readFileSync(file, 'utf8')
  } catch (error) {
    return `# ${messageOf(error)}\n`
  }
  return stringify(declared ?? {})
}
