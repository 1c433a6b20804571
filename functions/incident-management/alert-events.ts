import { invalidInput } from '../../shared/errors.ts'
import type { TicketRef, UpdateTicket } from '../../shared/providers/ticket.ts'

/** The members of a provider for alerts that cannot be read: the platform deduplicates events by the idempotency key. */
export const alertEvents = {
  checkRef({ id }: TicketRef): void {
    if (id.trim() !== id) throw invalidInput('input.id', 'must be the id that open-ticket returned')
  },

  hasIdempotentWrites: () => true,

  async find() {
    return undefined
  },

  async comment(): Promise<never> {
    throw invalidInput('input.comment', 'is not supported for alerts')
  },

  async hasComment() {
    return false
  },
}

export type AlertContent = Omit<UpdateTicket, 'id'>

/** Returns whether an update changes more than the title and the state, so that the alert is sent again. */
export function hasContent({ description, type, labels, priority, urgency, severity, fields }: AlertContent): boolean {
  return [description, type, labels, priority, urgency, severity, fields].some((value) => value !== undefined)
}

/** Finds the link of a problem, which is on its own line. */
export function problemLinkIn(description = ''): string | undefined {
  return /^https?:\/\/\S+$/m.exec(description)?.[0]
}
