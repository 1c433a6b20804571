import * as z from 'zod/mini'

/** A decision on an approval. `cancel` is that of the caller. */
export const decisionSchema = z.object({
  decision: z.enum(['approve', 'reject', 'cancel']),
  /** The name of the person or caller, for people. */
  by: z.string(),
  reason: z.optional(z.string()),
  /** ISO 8601. */
  at: z.string(),
})
export type Decision = z.output<typeof decisionSchema>

/** The result of an attempt to decide. */
export type DecideResult =
  | { status: 'decided'; decision: Decision }
  /** Another decision was first. */
  | { status: 'already-decided'; decision: Decision }
  /** No one decided in time, or the task ended for another reason. */
  | { status: 'ended'; reason: string }

/**
 * Describes a decision. Undefined stands for no decision in time.
 *
 * @example 'Approved by Jane Doe: looks good'
 */
export function describeDecision(decision: Decision | undefined): string {
  if (!decision) return 'Expired: no one decided in time'
  const { by, reason } = decision
  return `${PAST[decision.decision]} by ${by}${reason ? `: ${reason}` : ''}`
}

const PAST: Record<Decision['decision'], string> = { approve: 'Approved', reject: 'Rejected', cancel: 'Canceled' }
