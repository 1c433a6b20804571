import { type ApprovalCheck, type Asked, checkApproval } from '../../approvals/request/check.ts'
import { describePlace } from '../../policy/kinds/approval.ts'
import { describeLimitWait, type LimitRequirement } from '../../policy/kinds/at-most.ts'
import type { Condition } from '../../policy/kinds/index.ts'
import type { WindowRequirement } from '../../policy/kinds/window.ts'
import { describeTime } from '../../policy/time-zone.ts'
import { stateOfWindow } from '../../policy/window.ts'
import { nextStartAt } from '../../state/start-counts.ts'

/** Whether a requirement is met, or what it waits for. */
interface RequirementState extends ApprovalCheck {
  /** When it may change by itself, in epoch milliseconds. */
  changesAt?: number | undefined
}

/**
 * Checks a requirement at some time.
 *
 * @param taskId whose start a limit counts
 * @param asked undefined if people were not asked
 * @param until the deadline of a new approval, in epoch milliseconds
 * @throws Failure `unavailable`
 */
export async function checkRequirement(
  requirement: Condition,
  taskId: string,
  asked: Asked | undefined,
  until: number,
  now: number,
): Promise<RequirementState> {
  switch (requirement.type) {
    case 'approval':
      return checkApproval(requirement, asked, until, now)
    case 'window':
      return checkWindow(requirement, asked && (await checkApproval(requirement, asked, until, now)), now)
    case 'limit':
      return checkLimit(requirement, taskId, asked && (await checkApproval(requirement, asked, until, now)), now)
  }
}

function checkWindow(
  { rule, window, ask }: WindowRequirement,
  approval: ApprovalCheck | undefined,
  now: number,
): RequirementState {
  const state = stateOfWindow(window, now)
  if (approval && isDecided(approval)) return approval
  if (state.isOpen) return { isMet: true, openId: approval?.openId }
  const orApproved = ask && !approval?.isWithdrawn ? `, or for an approval, ${describePlace(ask)}` : ''
  const { changesAt, reason } = state
  return {
    isMet: false,
    waitsFor: `Waits until ${describeTime(changesAt, window.timeZone)}${orApproved}: ${rule}${reason === undefined ? '' : ` (${reason})`}`,
    changesAt,
    mustAsk: ask !== undefined && approval === undefined,
    openId: approval?.openId,
  }
}

async function checkLimit(
  limit: LimitRequirement,
  taskId: string,
  approval: ApprovalCheck | undefined,
  now: number,
): Promise<RequirementState> {
  if (approval && isDecided(approval)) return approval
  const opensAt = await nextStartAt(limit, taskId, now)
  if (opensAt === undefined) return { isMet: true, openId: approval?.openId }
  return {
    isMet: false,
    waitsFor: describeLimitWait(limit, opensAt),
    changesAt: opensAt,
    mustAsk: limit.ask !== undefined && approval === undefined,
    openId: approval?.openId,
  }
}

/** An approval that the task no longer needed decides nothing if the action has to wait again. */
function isDecided({ isMet, endedBy, isWithdrawn }: ApprovalCheck): boolean {
  return isMet || (endedBy !== undefined && !isWithdrawn)
}
