import { Failure } from '../../errors.ts'
import { causeOf } from './cause.ts'

/** Refuses the calls that a rule matches. Wins over all other rules. */
export interface DenyEffect {
  type: 'deny'
  reason: string
}

/** A call that a rule, or the entry of its caller, does not allow. */
export interface DenyRefusal {
  type: 'denied'
  /** Undefined if the entry of the caller refuses it. */
  rule: string | undefined
  reason?: string | undefined
}

export function applyDeny(rule: string, { reason }: DenyEffect): { refusal: DenyRefusal } {
  return { refusal: { rule, type: 'denied', reason } }
}

export function failureOfDeny({ rule, reason }: DenyRefusal, caller: string): Failure {
  const cause = causeOf(rule, caller)
  return new Failure(
    'forbidden',
    rule === undefined ? `${cause} allows no writes.` : `${cause} refuses this call: ${reason}`,
  )
}
