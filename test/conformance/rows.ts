import { loadProviderFiles } from '../provider-files.ts'
import type { FlagRow, JobRow, MessageRow, TicketRow, WriteRow } from './row.ts'

/** The rows that a fake can export, one for each kind of provider. */
interface Rows {
  flagRow: FlagRow
  jobRow: JobRow
  messageRow: MessageRow
  ticketRow: TicketRow
  writeRow: WriteRow
}

const fakes = await loadProviderFiles<Partial<Rows>>('fake')

/** Returns the rows of a kind, by category and provider: `ci-cd/jenkins`. */
export function rowsOf<Kind extends keyof Rows>(kind: Kind): Record<string, Rows[Kind]> {
  return Object.fromEntries(fakes.flatMap(([provider, { [kind]: row }]) => (row ? [[provider, row]] : [])))
}
