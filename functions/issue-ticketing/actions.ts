import { closeTicket, openTicket, updateTicket } from '../../shared/providers/ticket-actions.ts'

export const actions = {
  'open-issue': openTicket,
  'update-issue': updateTicket,
  'close-issue': closeTicket,
}
