import { issueInputs, playTickets, type TicketRow } from '../../../conformance/row.ts'
import { startGitlab } from '../../../platforms/gitlab.ts'

export const ticketRow = {
  writes: /^POST .*\/issues$/,
  start: playTickets(startGitlab, 'issues', { project: 'ops/shop/checkout' }),
  unknownId: 'ops/shop/checkout#424242',
  ...issueInputs,
} satisfies TicketRow
