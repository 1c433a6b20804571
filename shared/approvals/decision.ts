import * as z from 'zod/mini'

/** What somebody has decided. */
export const decisionSchema = z.object({
  decision: z.enum(['approve', 'reject']),
  /** Who, for people. */
  by: z.string(),
  reason: z.optional(z.string()),
  /** ISO 8601. */
  at: z.string(),
})
export type Decision = z.output<typeof decisionSchema>

/** `Approved by Jane Doe: looks good`; undefined is nobody, in time. */
export function inWords(decision: Decision | undefined): string {
  if (!decision) return 'Expired: nobody has decided in time'
  const { by, reason } = decision
  return `${decision.decision === 'approve' ? 'Approved' : 'Rejected'} by ${by}${reason ? `: ${reason}` : ''}`
}
