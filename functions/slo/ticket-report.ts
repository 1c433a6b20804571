import type * as z from 'zod/mini'
import { invalidInput } from '../../shared/errors.ts'
import type { Message } from '../../shared/providers/message.ts'
import type { ReportProvider } from '../../shared/providers/report.ts'
import type { TicketProvider } from '../../shared/providers/ticket.ts'
import { ticketOf, updateTicket } from '../../shared/providers/ticket-actions.ts'
import { MOOD_ICONS, plainSingleLine, tableLines, toPlainText, webLinks } from '../../shared/text/plain-text.ts'

/** Adapts a ticket provider to a report provider that comments on a ticket that the sequence opened. */
export function ticketReport<S extends z.ZodMiniObject>(provider: TicketProvider<S>): ReportProvider<S> {
  const platform = provider as TicketProvider
  return {
    ...provider,
    kind: 'report',
    lookUp: { newest: 'all', ...provider.commentLookUp, behind: 'unknown' },
    supportedFields: ['id', 'project'],
    resolveDestination({ id, project }, connection) {
      if (id !== undefined) return ticketOf({ id, project }, connection, platform)
      throw invalidInput(
        'input.id',
        'is missing. Send the id of the ticket that an earlier task of the sequence opened',
      )
    },
    async report(client, { id = '', project }, { message }) {
      const { data } = await updateTicket.run(platform, client, { id, project, comment: commentOf(message) })
      const { number = id, url } = data as { number?: string; url?: string }
      return { id, url, summary: `a comment on ${provider.noun} ${number}` }
    },
  }
}

/** Returns a message as plain text that is also a valid Markdown list. */
function commentOf({ mood, title, text, fields, table, links }: Message): string {
  const lines = [
    ...fields.map(({ name, value }) => `${plainSingleLine(name)}: ${plainSingleLine(value)}`),
    ...tableLines(table),
    ...webLinks(links).map(({ label, url }) => `${plainSingleLine(label)}: ${url}`),
  ]
  const list = lines.map((line) => `- ${line}`).join('\n')
  return [`${MOOD_ICONS[mood]} ${plainSingleLine(title)}`, toPlainText(text ?? '').trim(), list]
    .filter(Boolean)
    .join('\n\n')
}
