import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'

export const actions = {
  'open-ticket': openTicket,
  'update-ticket': updateTicket,
  'close-ticket': closeTicket,
}
