import type { TicketRow } from '../../../conformance/row.ts'
import { ticketRow as issues } from '../../issue-ticketing/jira/fake.ts'

export const ticketRow = {
  ...issues,
  update: { comment: 'Now 5 s', priority: 'critical' },
} satisfies TicketRow
