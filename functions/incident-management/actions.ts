import * as z from 'zod/mini'
import { optional, word } from '../../shared/fields.ts'
import { startJob } from '../../shared/providers/start-job.ts'
import { closeTicket, openTicket, updateTicket } from '../../shared/providers/ticket-actions.ts'

const scales = {
  urgency: optional(word("critical, high, medium or low, or the platform's own value; how soon it must be worked on")),
  severity: optional(word("critical, high, medium or low, or the platform's own value; how much is broken")),
}

/** An incident is a ticket that says how bad it is; a runbook is a job whose result is what is asked for. */
export const actions = {
  'open-ticket': { ...openTicket, input: z.extend(openTicket.input, scales) },
  'update-ticket': { ...updateTicket, input: z.extend(updateTicket.input, scales) },
  'close-ticket': closeTicket,
  'run-runbook': startJob({ summary: 'Runs a runbook, and answers how it ended', silent: 'waits' }),
}
