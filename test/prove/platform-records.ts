import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Ending } from '../../infra/sandbox/engines/runs.ts'
import { WAITING_MS } from '../../infra/sandbox/platforms/sandbox/job-runs.ts'
import type { LoggedRequest } from '../../infra/sandbox/platforms/sandbox/store.ts'

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

/** A run of an engine, as the engine has recorded it. */
export interface EngineRun {
  id: string
  engine: string
  secret: string
  isGone: boolean
  ending: Ending | undefined
  contradictions: number
}

/** A message with buttons. */
export interface ChatMessage {
  rowid: number
  ts: string
  text: string
}

/** The column that contains the id of the event, by table. */
const COLUMNS = {
  issues: 'title',
  comments: 'body',
  incidents: 'record',
  journal: 'value',
  runs: 'inputs',
  job_runs: 'parameters',
  // Ignores replies in a thread and ephemeral messages.
  messages:
    "CASE WHEN json_extract(message, '$.thread_ts') IS NULL AND json_extract(message, '$.onlyFor') IS NULL THEN message ELSE '' END",
  reports: 'report',
  tool_records: 'record',
}
/** The table of the sandbox in which the records of a call contain the id of its event. */
export type Effect = keyof typeof COLUMNS

/** Ignores runs that vanished before the next run started, because `find` cannot see them. */
const NOT_VANISHED = `WHERE NOT EXISTS (
  SELECT 1 FROM job_runs AS next
  WHERE next.parameters = job_runs.parameters AND next.number > job_runs.number
    AND json_extract(job_runs.parameters, '$.outcome') = 'vanish'
    AND next.created >= job_runs.created + ${WAITING_MS} + 1000 * json_extract(job_runs.parameters, '$.seconds'))`

/** Returns the id of the event in a text. */
export function idIn(text: string): string | undefined {
  return text.match(/Prove ([0-9a-f-]{36})/)?.[1]
}

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

/** The records of the platforms: the database of the sandbox, read while the sandbox writes it. */
export class PlatformRecords {
  readonly #db: DatabaseSync

  constructor(state: string) {
    const file = join(state, 'sandbox.db')
    if (!existsSync(file)) throw new Error(`File not found: ${file}`)
    this.#db = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
  }

  /** Returns the events of the functions after a sequence number. */
  events(after = 0): SentEvent[] {
    const rows = this.#db
      .prepare("SELECT seq, at, type, event FROM events WHERE via = 'api' AND seq > ? ORDER BY seq")
      .all(after) as { seq: number; at: string; type: string; event: string }[]
    return rows.map(({ seq, at, type, event }) => {
      const { triggeredid, data, shkeptncontext } = JSON.parse(event)
      return { seq, at: Date.parse(at), type, triggeredid, data, shkeptncontext }
    })
  }

  /** Returns the messages with buttons after a row. */
  approvals(after: number): ChatMessage[] {
    const sql =
      "SELECT rowid, ts, message AS text FROM messages WHERE rowid > ? AND message LIKE '%action_id%' ORDER BY rowid"
    return this.#db.prepare(sql).all(after) as unknown as ChatMessage[]
  }

  /** Returns the number of records of each event in a table. */
  effects(effect: Effect): Map<string, number> {
    const counts = new Map<string, number>()
    const sql = `SELECT ${COLUMNS[effect]} AS held FROM ${effect} ${effect === 'job_runs' ? NOT_VANISHED : ''}`
    const rows = this.#db.prepare(sql).all() as { held: string | null }[]
    for (const row of rows) {
      for (const id of new Set(row.held?.match(uuid))) counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    return counts
  }

  /** Returns the runs of the engines. */
  engineRuns(): EngineRun[] {
    const rows = this.#db.prepare('SELECT id, engine, secret, gone, ending, contradictions FROM engine_runs').all()
    return (rows as unknown as (Omit<EngineRun, 'isGone' | 'ending'> & { gone: number; ending: string | null })[]).map(
      ({ gone, ending, ...run }) => ({
        ...run,
        isGone: gone === 1,
        ending: ending === null ? undefined : JSON.parse(ending),
      }),
    )
  }

  /** Returns the answers of a run that its engine got, oldest first. */
  engineAnswers(run: string): { at: number; what: string; status: number }[] {
    const rows = this.#db
      .prepare("SELECT at, what, status FROM engine_messages WHERE run = ? AND direction = 'answer' ORDER BY seq")
      .all(run) as { at: string; what: string; status: number }[]
    return rows.map(({ at, ...row }) => ({ ...row, at: Date.parse(at) }))
  }

  requests(): PlatformRequest[] {
    const rows = this.#db
      .prepare('SELECT at, target, method, path, status, fault FROM requests ORDER BY seq')
      .all() as unknown as LoggedRequest[]
    return rows.map(({ at, ...row }) => ({ ...row, at: Date.parse(at) }))
  }

  /** Returns the number of active toxics. */
  toxics(): number {
    const rows = this.#db.prepare('SELECT proxy FROM proxies').all() as { proxy: string }[]
    return rows.reduce((sum, { proxy }) => sum + (JSON.parse(proxy)?.toxics?.length ?? 0), 0)
  }

  close(): void {
    this.#db.close()
  }
}
