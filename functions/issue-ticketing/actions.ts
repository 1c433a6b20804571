import { closeTicket, openTicket, updateTicket } from '../../shared/providers/ticket.ts'

/** An issue is a ticket; its actions are those of every ticket. */
export const actions = {
  'open-issue': openTicket,
  'update-issue': updateTicket,
  'close-issue': closeTicket,
}
