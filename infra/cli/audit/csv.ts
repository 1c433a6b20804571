import { toTerminalJson } from '../../../shared/redact.ts'
import { toPlainText } from '../../../shared/text/plain-text.ts'
import type { AuditRecord } from './records.ts'

/** The columns, which are fields of a record. Columns are only added, at the end. */
const COLUMNS = [
  'timestamp',
  'auditId',
  'audit',
  'outcome',
  'kind',
  'category',
  'action',
  'connection',
  'provider',
  'mode',
  'dryRun',
  'caller',
  'person',
  'by',
  'rules',
  'decisions',
  'inputDigest',
  'eventId',
  'taskId',
  'durationMs',
  'requestId',
  'traceId',
  'policyDigest',
  'stop',
]

/** Returns records as CSV with a heading. Lists are JSON; what is not known is empty. */
export function toCsv(records: readonly AuditRecord[]): string {
  const rows = records.map((record) => COLUMNS.map((column) => textOf(record[column])))
  return [COLUMNS, ...rows].map((row) => row.map(quote).join(',')).join('\r\n')
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value !== 'string') return toTerminalJson(JSON.stringify(value))
  const text = toPlainText(value)
  // Callers choose some texts. A spreadsheet would run them as a formula.
  return /^[=+\-@\t\n]/.test(text) ? `'${text}` : text
}

function quote(cell: string): string {
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
