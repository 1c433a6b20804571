import { playTickets, type TicketRow, ticketInputs } from '../../../conformance/row.ts'
import { startPagerDuty } from '../../../platforms/pagerduty.ts'

export const ticketRow = {
  writes: /^POST \/incidents$/,
  start: playTickets(startPagerDuty, 'incidents', { project: 'PIJ90N7' }, ['email']),
  unknownId: 'QNOSUCHINCIDENT',
  ...ticketInputs,
  open: { priority: 'high' },
  update: { comment: 'Now 5 s', urgency: 'critical' },
} satisfies TicketRow
