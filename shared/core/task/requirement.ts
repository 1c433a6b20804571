import type { Ask } from '../../policy/kinds/approval.ts'
import type { Condition } from '../../policy/kinds/index.ts'
import type { WindowRequirement } from '../../policy/kinds/window.ts'
import { describePeople } from '../../policy/people.ts'
import { describeTime } from '../../policy/time-zone.ts'
import { stateOfWindow } from '../../policy/window.ts'
import { type Decision, describeDecision } from '../../state/approval-decision.ts'
import { type ApprovalState, endApproval, readApprovalState } from '../../state/approvals.ts'

/** An asking task, whose id is also that of its approval. */
export interface Asked {
  id: string
  /** When it was started, in epoch milliseconds. */
  at: number
}

/** A decision about an approval, and the rule that required it. */
export interface Decided extends Decision {
  rule?: string | undefined
}

/** Whether a requirement is met, or what it waits for. */
interface RequirementState {
  isMet: boolean
  waitsFor?: string | undefined
  /** When it may change by itself, in epoch milliseconds. */
  changesAt?: number | undefined
  /** People have to be asked. */
  mustAsk?: boolean
  /** Why it can no longer be met. */
  endedBy?: string | undefined
  decided?: Decided[]
  /** The approval, if no one has decided it. */
  openId?: string | undefined
}

/**
 * Checks a requirement at some time. From `until`, ends an approval that is still open: the last vote and the end cannot both
 * win.
 *
 * @param asked undefined if people were not asked
 * @throws Failure `unavailable`
 */
export async function checkRequirement(
  requirement: Condition,
  asked: Asked | undefined,
  until: number,
  now: number,
): Promise<RequirementState> {
  const approval = asked && (await checkApproval(requirement, asked, until, now))
  switch (requirement.type) {
    case 'approval':
      return approval ?? { ...waitFor(requirement, [], until), mustAsk: true }
    case 'window':
      return checkWindow(requirement, approval, asked !== undefined, now)
  }
}

function checkWindow(
  { rule, window, ask }: WindowRequirement,
  approval: RequirementState | undefined,
  hasAsked: boolean,
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
    mustAsk: ask !== undefined && !hasAsked,
    openId: approval?.openId,
  }
}

async function checkApproval(
  requirement: Condition,
  { id }: Asked,
  until: number,
  now: number,
): Promise<RequirementState> {
  const state: ApprovalState =
    now >= until ? await endApproval(id, until, undefined) : await readApprovalState(id, until)
  const { decision, votes, isExpired, failure } = state
  const { rule } = requirement
  const decided = [...votes, ...(decision && !isLastVote(decision, votes) ? [decision] : [])].map((one) => ({
    ...one,
    rule,
  }))
  if (decision?.decision === 'approve') return { isMet: true, decided }
  if (decision) return { isMet: false, endedBy: describeDecision(decision), decided }
  if (failure !== undefined) return { isMet: false, endedBy: describeFailure(rule, failure), decided }
  return { ...waitFor(requirement, votes, until), decided, openId: isExpired ? undefined : id }
}

/** Describes why people could not be asked, for the outcome of the task. */
export function describeFailure(rule: string | undefined, reason: string): string {
  const cause = rule === undefined ? 'the entry of the caller' : `the rule "${rule}"`
  return `${cause} requires an approval, but the request for it failed. ${reason}`
}

/** With several people, the approval repeats the last vote. */
function isLastVote({ decision, at }: Decision, votes: readonly Decision[]): boolean {
  return decision === 'approve' && votes.at(-1)?.at === at
}

function waitFor(
  { rule, ask }: { rule?: string | undefined; ask?: Ask | undefined },
  votes: readonly Decision[],
  until: number,
): RequirementState {
  const { count = 1, by } = ask ?? {}
  const people = by ? ` by ${describePeople(by)}` : ''
  const what = count === 1 ? `an approval${people}` : `${count} approvals${people} (${votes.length} so far)`
  const time = `${new Date(until).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return { isMet: false, waitsFor: `Waits for ${what}: ${rule ?? 'the entry of the caller'}, until ${time}` }
}
