import * as z from 'zod/mini'

/** A decision on an approval. `cancel` is that of the caller. */
export const decisionSchema = z.object({
  decision: z.enum(['approve', 'reject', 'cancel']),
  /** The name of the person or caller, for people. */
  by: z.string(),
  reason: z.optional(z.string()),
  /** The ARN of an operator who canceled the task, for the audit trail. */
  operator: z.optional(z.string()),
  /** ISO 8601. */
  at: z.string(),
})
export type Decision = z.output<typeof decisionSchema>

/** The `by` of a task that ends the approval it has asked for. */
export const ITS_TASK = 'its task'

/** The result of an attempt to decide. */
export type DecideResult =
  | { status: 'decided'; decision: Decision }
  /** Another decision was first. */
  | { status: 'already-decided'; decision: Decision }
  /** More people have to approve. */
  | { status: 'counted'; votes: Decision[]; count: number }
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

/**
 * Describes who has approved so far.
 *
 * @example '1 of 2 have approved: Jane Doe'
 */
export function describeVotes(votes: readonly Decision[], count: number): string {
  return `${votes.length} of ${count} have approved${votes.length === 0 ? '' : `: ${votes.map(({ by }) => by).join(', ')}`}`
}

const PAST: Record<Decision['decision'], string> = { approve: 'Approved', reject: 'Rejected', cancel: 'Canceled' }
