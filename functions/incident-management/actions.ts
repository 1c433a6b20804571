import * as z from 'zod/mini'
import { optional, word } from '../../shared/fields.ts'
import { startJob } from '../../shared/providers/start-job.ts'
import { stopJob } from '../../shared/providers/stop-job.ts'
import { closeTicket, openTicket, updateTicket } from '../../shared/providers/ticket-actions.ts'

const scales = {
  urgency: optional(word("How soon work must start: critical, high, medium or low, or the platform's own value")),
  severity: optional(word("How much is broken: critical, high, medium or low, or the platform's own value")),
}

export const actions = {
  'open-ticket': { ...openTicket, input: z.extend(openTicket.input, scales) },
  'update-ticket': { ...updateTicket, input: z.extend(updateTicket.input, scales) },
  'close-ticket': closeTicket,
  'run-runbook': startJob({ summary: 'Runs a runbook and returns its result', silent: 'waits' }),
  'stop-runbook': stopJob({ summary: 'Stops a runbook and returns when it has stopped' }),
}
