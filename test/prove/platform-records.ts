import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { EngineMessage, EngineRun } from '../../infra/sandbox/engines/runs.ts'
import type { RecordedEvent } from '../../infra/sandbox/platforms/keptn/recorded-event.ts'
import { type JobRun, WAITING_MS } from '../../infra/sandbox/platforms/sandbox/job-runs.ts'
import type { SentNotification } from '../../infra/sandbox/platforms/sandbox/notifications/notifier.ts'
import type { LoggedRequest } from '../../infra/sandbox/platforms/sandbox/sandbox.ts'
import type { ChatMessage } from '../../infra/sandbox/platforms/slack/messages.ts'
import type { ToxicProxy } from '../../infra/sandbox/platforms/toxiproxy/input.ts'
import type { Span } from './child.ts'

/** An event that the sandbox's Keptn accepted. */
export interface SentEvent {
  seq: number
  /** Epoch milliseconds of that process. */
  at: number
  type: string
  triggeredid: string
  data: { project?: string; stage?: string; service?: string; status?: string; result?: string; message?: string }
  shkeptncontext: string
}

/** A request to a platform. */
export interface PlatformRequest extends Omit<LoggedRequest, 'at'> {
  /** Epoch milliseconds of that process. */
  at: number
}

/** A message with buttons. */
export interface ButtonMessage {
  seq: number
  ts: string
  /** The message with its blocks, as JSON. */
  text: string
  /** The ids in it, among which is that of the event. */
  ids: string[]
}

/** The collections whose records contain the id of the event, by effect. */
const COLLECTIONS = {
  issues: ['github.issues'],
  comments: ['github.comments'],
  incidents: ['servicenow.incidents'],
  journal: ['servicenow.journal'],
  runs: ['github.runs'],
  'job runs': ['databricks.runs', 'rundeck.runs'],
  messages: ['slack.messages'],
  reports: ['dynatrace.reports'],
  tickets: ['tool.tickets'],
}
/** The kinds of records that calls create. */
export type Effect = keyof typeof COLLECTIONS

/** The fields of messages and job runs that decide whether a record counts. */
type EffectRecord = Pick<ChatMessage, 'thread_ts' | 'onlyFor'> &
  Partial<Pick<JobRun, 'number' | 'parameters' | 'created'>>

/** The field with the time of a record, which most platforms have in seconds. */
type TimedRecord = { created?: number; created_at?: string; sys_created_on?: string }

/** The fields that decide when a run ends. */
interface TimedRun {
  created: number
  cancelled?: number | null
  stopped?: number | null
  inputs?: Record<string, string>
  parameters?: Record<string, string>
}

/** The duration of a run of GitHub, whose calls name none. */
const DEFAULT_SECONDS = 2

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

/** The records of the platforms: the database of the sandbox, read while the sandbox writes it. */
export class PlatformRecords {
  readonly #db: DatabaseSync

  constructor(state: string) {
    const file = join(state, 'sandbox.db')
    if (!existsSync(file)) throw new Error(`File not found: ${file}`)
    this.#db = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
  }

  /** Returns the records of a collection, or of a group in it, after a sequence number. */
  #read<T>(collection: string, after = 0, group: string | null = null): (T & { seq: number })[] {
    const sql = `SELECT seq, record FROM records
      WHERE collection = ? AND seq > ? AND group_id IS coalesce(?, group_id) ORDER BY seq`
    const rows = this.#db.prepare(sql).all(collection, after, group)
    return rows.map(({ seq, record }) => ({ ...JSON.parse(String(record)), seq }))
  }

  /** Returns the events of the functions after a sequence number. */
  events(after = 0): SentEvent[] {
    return this.#read<RecordedEvent & { event: Omit<SentEvent, 'seq' | 'at'> }>('keptn.events', after)
      .filter(({ via }) => via === 'api')
      .map(({ seq, at, event: { type, triggeredid, data, shkeptncontext } }) => {
        return { seq, at: Date.parse(at), type, triggeredid, data, shkeptncontext }
      })
  }

  /** Returns the messages with buttons after a sequence number. */
  approvals(after: number): ButtonMessage[] {
    return this.messages(after).filter(({ text }) => text.includes('action_id'))
  }

  /** Returns the messages for everybody in a channel after a sequence number. */
  messages(after = 0): ButtonMessage[] {
    return this.#read<ChatMessage>('slack.messages', after)
      .filter(({ onlyFor }) => onlyFor === undefined)
      .map(({ seq, ...message }) => {
        const text = JSON.stringify(message)
        return { seq, ts: message.ts, text, ids: text.match(uuid) ?? [] }
      })
  }

  /** Returns when the records of each event were created: their earliest possible times, in epoch milliseconds of the process. */
  writes(effect: Effect): Map<string, number[]> {
    const found = new Map<string, number[]>()
    for (const record of COLLECTIONS[effect].flatMap((collection) => this.#read<TimedRecord>(collection))) {
      const { created, created_at, sys_created_on } = record
      const at = created ?? Date.parse(created_at ?? `${sys_created_on}Z`)
      for (const id of new Set(JSON.stringify(record).match(uuid))) found.set(id, [...(found.get(id) ?? []), at])
    }
    return found
  }

  /** Returns the number of records of each event that calls with this effect created. */
  effects(effect: Effect): Map<string, number> {
    const counts = new Map<string, number>()
    const records = COLLECTIONS[effect].flatMap((collection) => this.#read<EffectRecord>(collection))
    for (const record of records) {
      if (record.thread_ts || record.onlyFor || hasVanished(record, records)) continue
      for (const id of new Set(JSON.stringify(record).match(uuid))) counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    return counts
  }

  /** Returns the issues. */
  issues(): { title: string; state: 'open' | 'closed' }[] {
    return this.#read('github.issues')
  }

  /** Returns the runs of the engines. */
  engineRuns(): EngineRun[] {
    return this.#read<EngineRun>('engines.runs')
  }

  /** Returns the answers of a run that its engine got, oldest first. */
  engineAnswers(run: string): { at: number; what: string; status: number }[] {
    return this.#read<EngineMessage>('engines.messages', 0, run)
      .filter(({ direction }) => direction === 'answer')
      .map(({ at, what, status }) => ({ at: Date.parse(at), what, status }))
  }

  /** Returns the notifications of the platforms after a sequence number. */
  notifications(after = 0) {
    return this.#read<SentNotification>('notifications', after)
  }

  /** Returns when the run of each event succeeds, in epoch milliseconds of the process. */
  successes(effect: 'runs' | 'job runs'): Map<string, number> {
    const found = new Map<string, number>()
    for (const run of COLLECTIONS[effect].flatMap((collection) => this.#read<TimedRun>(collection))) {
      const { outcome = '', seconds = DEFAULT_SECONDS } = run.inputs ?? run.parameters ?? {}
      const endsAt = run.created + WAITING_MS + 1_000 * Number(seconds)
      const stopped = run.cancelled ?? run.stopped ?? Number.POSITIVE_INFINITY
      if (/^(?:fail|hang|vanish)/.test(outcome) || stopped < endsAt) continue
      for (const id of JSON.stringify(run).match(uuid) ?? []) found.set(id, endsAt)
    }
    return found
  }

  /** Returns when each job run was created, and when it ends, in epoch milliseconds of the process. */
  jobSpans(): (Span & { id: string })[] {
    return COLLECTIONS['job runs']
      .flatMap((collection) => this.#read<TimedRun>(collection))
      .flatMap((run) => {
        const { created, stopped, parameters = {} } = run
        const endsAt = created + WAITING_MS + 1_000 * Number(parameters['seconds'] ?? DEFAULT_SECONDS)
        const end = Math.min(endsAt, stopped ?? Number.POSITIVE_INFINITY)
        return (JSON.stringify(run).match(uuid) ?? []).map((id) => ({ id, start: created, end }))
      })
  }

  requests(): PlatformRequest[] {
    return this.#read<LoggedRequest>('requests').map(({ seq: _, at, ...request }) => ({
      ...request,
      at: Date.parse(at),
    }))
  }

  /** Returns the number of active toxics. */
  toxics(): number {
    return this.#read<ToxicProxy>('toxiproxy.proxies').reduce((sum, { toxics }) => sum + toxics.length, 0)
  }

  close(): void {
    this.#db.close()
  }
}

/** Returns whether a run had vanished before the same run was started again, because `find` could not see it. */
function hasVanished({ number = 0, parameters, created = 0 }: EffectRecord, records: EffectRecord[]): boolean {
  if (parameters?.['outcome'] !== 'vanish') return false
  const endsAt = created + WAITING_MS + 1_000 * Number(parameters['seconds'])
  return records.some(
    (next) =>
      (next.number ?? 0) > number &&
      (next.created ?? 0) >= endsAt &&
      JSON.stringify(next.parameters) === JSON.stringify(parameters),
  )
}
