import type { ApprovalRule } from '../../../shared/policy/kinds/approval.ts'
import { approvalIn } from '../../../shared/policy/kinds/index.ts'
import type { Policy, When } from '../../../shared/policy/policy.ts'

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
    const approval = approvalIn(effect)
    return approval ? [{ by: `rule "${name}"`, when, approval }] : []
  })
  return approval ? [...ofRules, { by: 'section approval', when: undefined, approval }] : ofRules
}
