export { httpTicket as http } from '../../../shared/vendors/http/ticket.ts'
