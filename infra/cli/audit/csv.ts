import { AUDIT_FIELDS } from '../../../shared/audit.ts'
import { toTerminalJson } from '../../../shared/redact.ts'
import { toPlainText } from '../../../shared/text/plain-text.ts'
import type { AuditRecord } from './records.ts'

/** Returns records as CSV with a heading. Lists are JSON; what is not known is empty. */
export function toCsv(records: readonly AuditRecord[]): string {
  const rows = records.map((record) => AUDIT_FIELDS.map((column) => textOf(record[column])))
  return [AUDIT_FIELDS, ...rows].map((row) => row.map(quote).join(',')).join('\r\n')
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
