import * as z from 'zod/mini'

/** A decision on an approval. */
export const decisionSchema = z.object({
  decision: z.enum(['approve', 'reject']),
  /** The name of the person, for people. */
  by: z.string(),
  reason: z.optional(z.string()),
  /** ISO 8601. */
  at: z.string(),
})
export type Decision = z.output<typeof decisionSchema>

/**
 * Describes a decision. Undefined stands for no decision in time.
 *
 * @example 'Approved by Jane Doe: looks good'
 */
export function describeDecision(decision: Decision | undefined): string {
  if (!decision) return 'Expired: no one decided in time'
  const { by, reason } = decision
  return `${decision.decision === 'approve' ? 'Approved' : 'Rejected'} by ${by}${reason ? `: ${reason}` : ''}`
}
