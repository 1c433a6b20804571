import type { ApprovalRule, Policy, Rule, When } from '../../../shared/policy/policy.ts'

/** An approval that the policy requires, and what requires it. */
export interface RequiredApproval {
  /** `rule "two people"`, or `section approval`. */
  by: string
  /** The calls that need it. Undefined for the writes of callers whose entry asks for it. */
  when: When | undefined
  approval: ApprovalRule
}

export function requiredApprovals({ rules, approval }: Policy): RequiredApproval[] {
  const ofRules = rules.flatMap(({ name, when, effect }): RequiredApproval[] => {
    const approval = approvalOf(effect)
    return approval ? [{ by: `rule "${name}"`, when, approval }] : []
  })
  return approval ? [...ofRules, { by: 'section approval', when: undefined, approval }] : ofRules
}

function approvalOf(effect: Rule['effect']): ApprovalRule | undefined {
  if (effect.type === 'approval') return effect
  return effect.type === 'window' && typeof effect.otherwise !== 'string' ? effect.otherwise : undefined
}
