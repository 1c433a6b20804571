import { metrics } from '../../../shared/metrics.ts'
import { isRecord } from '../../../shared/record.ts'

/** The line of an audit record. docs/operate.md documents its fields. */
export type AuditRecord = Record<string, unknown> & { auditId: string; timestamp: string }

export interface Period {
  /** Epoch milliseconds. */
  from: number
  /** Not included. */
  to: number
}

/** Fields of a line that are for CloudWatch. */
const METRIC_FIELDS = ['_aws', ...Object.keys(metrics)]

/** Collects the audit records of a period, each once. */
export class AuditRecords {
  readonly #period: Period
  readonly #records = new Map<string, AuditRecord>()
  /** Lines that repeat a record. */
  repeats = 0

  constructor(period: Period) {
    this.#period = period
  }

  get count(): number {
    return this.#records.size
  }

  /** Adds the record in a line. Ignores other lines. */
  add(line: string): void {
    const record = recordIn(line)
    if (!record) return
    const at = Date.parse(record.timestamp)
    if (!(at >= this.#period.from && at < this.#period.to)) return
    const known = this.#records.get(record.auditId)
    if (known) this.repeats++
    // The first one counts.
    if (!known || at < Date.parse(known.timestamp)) this.#records.set(record.auditId, record)
  }

  /** Returns the records, oldest first. */
  sorted(): AuditRecord[] {
    return [...this.#records.values()].sort(
      (a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp) || (a.auditId < b.auditId ? -1 : 1),
    )
  }
}

function recordIn(line: string): AuditRecord | undefined {
  const fields = parse(line)
  if (fields?.['message'] !== 'audit') return undefined
  const { auditId, timestamp } = fields
  if (typeof auditId !== 'string' || typeof timestamp !== 'string') return undefined
  for (const name of METRIC_FIELDS) delete fields[name]
  return { ...fields, auditId, timestamp }
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isRecord(value) ? value : undefined
  } catch {
    // The last line of a process that was killed may be incomplete.
    return undefined
  }
}
