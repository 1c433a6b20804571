import type { AuditedDecision } from '../../audit.ts'
import { toSentence } from '../../errors.ts'
import type { Outcome } from '../../outcome.ts'
import type { Decision } from '../../state/approval-decision.ts'

/** A decision about an approval, and the rule that required it. */
export interface Decided extends Decision {
  rule?: string | undefined
}

/** Returns decisions for the audit record. */
export function auditedDecisions(decisions: readonly Decided[]): AuditedDecision[] {
  return decisions.map(({ rule, decision, by, at, reason }) => ({
    rule: rule ?? null,
    decision,
    by,
    at,
    reason: reason ?? null,
  }))
}

/** Adds who has decided to the outcome of an action, for everyone who reads it. */
export function withDecisions(outcome: Outcome, decisions: readonly Decided[]): Outcome {
  // An approval that is canceled was not decided.
  const ofPeople = decisions.filter(({ decision }) => decision !== 'cancel')
  if (ofPeople.length === 0) return outcome
  const { status, message, data } = outcome
  // The message of a canceled call names who has canceled it.
  const isApproved = status !== 'aborted' && ofPeople.every(({ decision }) => decision === 'approve')
  return {
    ...outcome,
    // The message of a rejection names its person.
    message: isApproved ? `${toSentence(message)} Approved by ${ofPeople.map(({ by }) => by).join(', ')}.` : message,
    data: {
      ...data,
      decisions: ofPeople.map(({ decision, by, at, rule, reason }) => ({
        decision,
        by,
        at,
        ...(rule === undefined ? {} : { rule }),
        ...(reason === undefined ? {} : { reason }),
      })),
    },
  }
}
