import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket.ts'

export const actions = {
  'open-ticket': openTicket,
  'update-ticket': updateTicket,
  'close-ticket': closeTicket,
}
