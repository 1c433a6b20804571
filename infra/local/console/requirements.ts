import type { PolicyProgress } from '../../../shared/core/task/policy-progress.ts'
import type { ApprovalRequirement, Ask } from '../../../shared/policy/kinds/approval.ts'
import { describeLimit, type LimitRequirement } from '../../../shared/policy/kinds/at-most.ts'
import type { Requirement } from '../../../shared/policy/kinds/index.ts'
import type { TurnRequirement } from '../../../shared/policy/kinds/turn.ts'
import { describeWindowState, type WindowRequirement } from '../../../shared/policy/kinds/window.ts'
import { describePeople } from '../../../shared/policy/people.ts'
import { stateOfWindow } from '../../../shared/policy/window.ts'
import { describeDecision, describeVotes } from '../../../shared/state/approval-decision.ts'

/** A requirement of the policy for the start of an action. Times are milliseconds since 1970. */
export interface RequirementView {
  /** The rule, or the entry of the caller. */
  rule: string
  isMet: boolean
  /** `Closed until Monday, 2026-12-07 08:00 Europe/Vienna (reason)` */
  text: string
  /** Whether the window is open. Undefined for other requirements. */
  isOpen?: boolean
  /** When the window opened, or opens. Undefined if it never does, and for an approval. */
  opensAt: number | undefined
  approval: RequestedApproval | undefined
}

/** An approval that was requested. */
interface RequestedApproval {
  /** The task that asks. */
  taskId: string
  askedAt: number
  /** When people decided. */
  decidedAt: number | undefined
  isApproved: boolean
  /** `2 approvals by a, b (1 of 2 have approved: Jane Doe)`, or `Approved by Jane Doe` */
  text: string
  /** `1 of 2`, `approved` or `rejected`. */
  state: string
}

/** The wait of a running task for the policy. */
export interface PolicyWait {
  requirements: RequirementView[]
  /** When the last window opens, if that is in time, and no people have to decide. */
  startsAt: number | undefined
  /** When the task ends without having started its action. */
  until: number
}

/** Returns the tasks that ask people for an approval which they have not decided, and which has to be decided. */
export function undecidedTasksOf(wait: PolicyWait | undefined): string[] {
  return (wait?.requirements ?? []).flatMap(({ isMet, approval }) =>
    isMet || !approval || approval.decidedAt !== undefined ? [] : [approval.taskId],
  )
}

/** The words for an approval that no rule requires. */
const ENTRY_OF_CALLER = 'the entry of the caller'

/** @param until when the task gives up */
export function policyWaitOf(
  requirements: readonly Requirement[],
  progress: PolicyProgress,
  until: number,
): PolicyWait {
  const views = viewRequirements(requirements, progress, Date.now())
  const unmet = views.filter(({ isMet }) => !isMet)
  const startsAt = Math.max(0, ...unmet.map(({ opensAt }) => opensAt ?? Number.POSITIVE_INFINITY))
  return { requirements: views, startsAt: startsAt > 0 && startsAt < until ? startsAt : undefined, until }
}

/**
 * Returns the state of requirements.
 *
 * @param now the time for which the state is shown
 */
export function viewRequirements(
  requirements: readonly Requirement[],
  progress: PolicyProgress,
  now: number,
): RequirementView[] {
  return requirements.map((requirement, index) => viewRequirement(requirement, index + 1, progress, now))
}

/** @param number of the requirement, from 1 */
function viewRequirement(
  requirement: Requirement,
  number: number,
  progress: PolicyProgress,
  now: number,
): RequirementView {
  switch (requirement.type) {
    case 'turn':
      return viewTurn(requirement, progress)
    case 'approval':
      return viewApproval(requirement, requestedApproval(requirement.ask, requirement.rule, number, progress))
    case 'limit': {
      const { ask, rule } = requirement
      const approval = ask && requestedApproval(ask, rule, number, progress)
      return viewLimit(requirement, approval, progress)
    }
    case 'window': {
      const { ask, rule } = requirement
      const approval = ask && requestedApproval(ask, rule, number, progress)
      return viewWindow(requirement, approval, progress.since, now)
    }
  }
}

function viewApproval(
  { rule = ENTRY_OF_CALLER, ask }: ApprovalRequirement,
  approval?: RequestedApproval,
): RequirementView {
  const text = approval?.text ?? describeRequired(ask)
  return { rule, isMet: approval?.isApproved ?? false, text, opensAt: undefined, approval }
}

function viewWindow(
  { rule, window, ask }: WindowRequirement,
  approval: RequestedApproval | undefined,
  since: number | undefined,
  now: number,
): RequirementView {
  const first = stateOfWindow(window, since ?? now)
  const state = stateOfWindow(window, now)
  const { isOpen, changesAt } = state
  const orApproved = ask && !isOpen ? `, or ${approval?.text ?? describeRequired(ask)}` : ''
  return {
    rule,
    isMet: isOpen || (approval?.isApproved ?? false),
    isOpen,
    text: `${describeWindowState(state, window)}${orApproved}`,
    opensAt: isOpen ? (first.isOpen ? since : first.changesAt) : changesAt,
    approval,
  }
}

/** Only the task counts, so the limit is within once all requirements are met. */
function viewLimit(
  limit: LimitRequirement,
  approval: RequestedApproval | undefined,
  { metAt, turn }: PolicyProgress,
): RequirementView {
  const isMet = metAt !== undefined || turn !== undefined || (approval?.isApproved ?? false)
  const orApproved = approval && !isMet ? `, or ${approval.text}` : ''
  return { rule: limit.rule, isMet, text: `${describeLimit(limit)}${orApproved}`, opensAt: undefined, approval }
}

function viewTurn({ rule, target }: TurnRequirement, { turn }: PolicyProgress): RequirementView {
  const isMet = turn?.heldAt !== undefined
  const waits = turn?.waitsFor ?? `One at a time for ${target}`
  return { rule, isMet, text: isMet ? `Has the turn for ${target}` : waits, opensAt: undefined, approval: undefined }
}

function requestedApproval(
  ask: Ask,
  rule: string | undefined,
  number: number,
  { asked, decisions }: PolicyProgress,
): RequestedApproval | undefined {
  const task = asked.get(number)
  if (!task) return undefined
  const { count } = ask
  const own = decisions.filter((decision) => decision.rule === rule)
  const votes = own.filter(({ decision }) => decision === 'approve')
  const final = own.find(({ decision }) => decision !== 'approve') ?? votes[count - 1]
  const isApproved = final?.decision === 'approve'
  return {
    taskId: task.id,
    askedAt: task.at,
    decidedAt: final && Date.parse(final.at),
    isApproved,
    text: final ? describeDecision(final) : `${describeRequired(ask)} (${describeVotes(votes, count)})`,
    state: isApproved ? 'approved' : final ? 'rejected' : `${votes.length} of ${count}`,
  }
}

function describeRequired({ count, by }: Ask): string {
  return `${count} ${count === 1 ? 'approval' : 'approvals'}${by ? ` by ${describePeople(by)}` : ''}`
}
