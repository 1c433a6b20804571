import { issueInputs, playTickets, type TicketRow } from '../../../conformance/row.ts'
import { startJira } from '../../../platforms/jira.ts'

export const ticketRow = {
  writes: /^POST .*\/issue$/,
  start: playTickets(startJira, 'issues', { project: 'OPS' }, ['email']),
  unknownId: 'OPS-424242',
  ...issueInputs,
} satisfies TicketRow
