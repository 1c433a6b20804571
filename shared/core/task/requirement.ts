import { type ApprovalCheck, type Asked, checkApproval } from '../../approvals/request/check.ts'
import type { Condition } from '../../policy/kinds/index.ts'
import type { WindowRequirement } from '../../policy/kinds/window.ts'
import { describeTime } from '../../policy/time-zone.ts'
import { stateOfWindow } from '../../policy/window.ts'

/** Whether a requirement is met, or what it waits for. */
interface RequirementState extends ApprovalCheck {
  /** When it may change by itself, in epoch milliseconds. */
  changesAt?: number | undefined
}

/**
 * Checks a requirement at some time.
 *
 * @param asked undefined if people were not asked
 * @param until from then, an approval that is still open is ended
 * @throws Failure `unavailable`
 */
export async function checkRequirement(
  requirement: Condition,
  asked: Asked | undefined,
  until: number,
  now: number,
): Promise<RequirementState> {
  switch (requirement.type) {
    case 'approval':
      return checkApproval(requirement, asked, until, now)
    case 'window':
      return checkWindow(requirement, asked && (await checkApproval(requirement, asked, until, now)), now)
  }
}

function checkWindow(
  { rule, window, ask }: WindowRequirement,
  approval: ApprovalCheck | undefined,
  now: number,
): RequirementState {
  const state = stateOfWindow(window, now)
  if (approval?.isMet || approval?.endedBy !== undefined) return approval
  if (state.isOpen) return { isMet: true, openId: approval?.openId }
  const orApproved = ask ? ', or for an approval' : ''
  const { changesAt, reason } = state
  return {
    isMet: false,
    waitsFor: `Waits until ${describeTime(changesAt, window.timeZone)}${orApproved}: ${rule}${reason === undefined ? '' : ` (${reason})`}`,
    changesAt,
    mustAsk: ask !== undefined && approval === undefined,
    openId: approval?.openId,
  }
}
