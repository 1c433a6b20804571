import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { WAITING_MS } from '../../infra/platforms/sandbox/job-runs.ts'
import type { Effect } from './calls.ts'

/** An event that the sandbox's Keptn has taken from us. */
export interface SentEvent {
  seq: number
  /** Milliseconds since 1970, by the clock of that process. */
  at: number
  type: string
  triggeredid: string
  data: { project?: string; stage?: string; service?: string; status?: string; result?: string; message?: string }
  shkeptncontext: string
}

/** One call that a platform has got. */
export interface PlatformRequest {
  /** Milliseconds since 1970, by the clock of that process. */
  at: number
  target: string
  method: string
  path: string
  status: number | null
  fault: string | null
}

/** What a message is to a clicker. */
export interface ChatMessage {
  rowid: number
  ts: string
  text: string
}

/** Where what a call has made shows the id of its event. */
const held: Record<Effect, string> = {
  issues: 'title',
  comments: 'body',
  incidents: 'record',
  journal: 'value',
  runs: 'inputs',
  job_runs: 'parameters',
  // Not what is said in a thread, or to one person.
  messages:
    "CASE WHEN json_extract(message, '$.thread_ts') IS NULL AND json_extract(message, '$.onlyFor') IS NULL THEN message ELSE '' END",
  reports: 'report',
  tool_records: 'record',
}

/** Nobody can find a run again that its platform does not show any more; `vanish` makes such runs. */
const notForgotten = `WHERE NOT EXISTS (
  SELECT 1 FROM job_runs AS next
  WHERE next.parameters = job_runs.parameters AND next.number > job_runs.number
    AND json_extract(job_runs.parameters, '$.outcome') = 'vanish'
    AND next.created >= job_runs.created + ${WAITING_MS} + 1000 * json_extract(job_runs.parameters, '$.seconds'))`

/** The id of the event that a text names. */
export function idIn(text: string): string | undefined {
  return text.match(/Prove ([0-9a-f-]{36})/)?.[1]
}

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

/** The platforms' own books: the database of the sandbox, read beside the process that writes it. */
export class Books {
  readonly #db: DatabaseSync

  constructor(state: string) {
    const file = join(state, 'sandbox.db')
    if (!existsSync(file)) throw new Error(`There is no ${file}.`)
    this.#db = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
  }

  /** What came from us after that one. */
  events(after = 0): SentEvent[] {
    const rows = this.#db
      .prepare("SELECT seq, at, type, event FROM events WHERE via = 'api' AND seq > ? ORDER BY seq")
      .all(after) as { seq: number; at: string; type: string; event: string }[]
    return rows.map(({ seq, at, type, event }) => {
      const { triggeredid, data, shkeptncontext } = JSON.parse(event)
      return { seq, at: Date.parse(at), type, triggeredid, data, shkeptncontext }
    })
  }

  /** Messages with buttons after that one. */
  questions(after: number): ChatMessage[] {
    const sql =
      "SELECT rowid, ts, message AS text FROM messages WHERE rowid > ? AND message LIKE '%action_id%' ORDER BY rowid"
    return this.#db.prepare(sql).all(after) as unknown as ChatMessage[]
  }

  /** How many rows of a table name each event. A run that was forgotten before the next one began counts with that. */
  made(effect: Effect): Map<string, number> {
    const counts = new Map<string, number>()
    const sql = `SELECT ${held[effect]} AS held FROM ${effect} ${effect === 'job_runs' ? notForgotten : ''}`
    const rows = this.#db.prepare(sql).all() as { held: string | null }[]
    for (const row of rows) {
      for (const id of new Set(row.held?.match(uuid))) counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    return counts
  }

  requests(): PlatformRequest[] {
    const rows = this.#db
      .prepare('SELECT at, target, method, path, status, fault FROM requests ORDER BY seq')
      .all() as unknown as (Omit<PlatformRequest, 'at'> & { at: string })[]
    return rows.map(({ at, ...row }) => ({ ...row, at: Date.parse(at) }))
  }

  /** Every toxic that is left. */
  toxics(): number {
    const rows = this.#db.prepare('SELECT proxy FROM proxies').all() as { proxy: string }[]
    return rows.reduce((sum, { proxy }) => sum + (JSON.parse(proxy)?.toxics?.length ?? 0), 0)
  }

  close(): void {
    this.#db.close()
  }
}
