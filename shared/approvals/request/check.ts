import { describePlace } from '../../policy/kinds/approval.ts'
import type { Condition } from '../../policy/kinds/index.ts'
import { describePeople } from '../../policy/people.ts'
import { type Decision, describeDecision, ITS_TASK } from '../../state/approval-decision.ts'
import { type ApprovalState, endApproval, readApprovalState } from '../../state/approvals.ts'
import type { Decided } from './decided.ts'

/** An asking task, whose id is also that of its approval. */
export interface Asked {
  id: string
  /** When it was started, in epoch milliseconds. */
  at: number
  /** The deadline of the approval, in epoch milliseconds. A stop after the approval makes that of the task later. */
  until: number
}

/** Whether people have approved, or what is missing. */
export interface ApprovalCheck {
  isMet: boolean
  waitsFor?: string | undefined
  /** People have to be asked. */
  mustAsk?: boolean
  /** Why they can no longer approve. */
  endedBy?: string | undefined
  /** The task has ended the approval, because the action could start without it. */
  isWithdrawn?: boolean
  decided?: Decided[]
  /** The approval, if no one has decided it. */
  openId?: string | undefined
}

/**
 * Checks an approval at some time. From its deadline, ends it if it is still open: the last vote and the end cannot both win.
 *
 * @param asked undefined if people were not asked
 * @param until the deadline of a new approval, in epoch milliseconds
 * @throws Failure `unavailable`
 */
export async function checkApproval(
  requirement: Condition,
  asked: Asked | undefined,
  until: number,
  now: number,
): Promise<ApprovalCheck> {
  if (!asked) return { ...waitFor(requirement, [], until), mustAsk: true }
  const { id, until: deadlineAt } = asked
  const state: ApprovalState =
    now >= deadlineAt ? await endApproval(id, deadlineAt, undefined) : await readApprovalState(id, deadlineAt)
  const { decision, votes, isExpired, failure } = state
  const { rule } = requirement
  const isWithdrawn = decision?.by === ITS_TASK
  const ofPeople = decision && !isWithdrawn && !isLastVote(decision, votes) ? [...votes, decision] : votes
  const decided = ofPeople.map((one) => ({ ...one, rule }))
  if (decision?.decision === 'approve') return { isMet: true, decided }
  if (decision) return { isMet: false, endedBy: describeDecision(decision), isWithdrawn, decided }
  if (failure !== undefined) return { isMet: false, endedBy: describeFailure(rule, failure), decided }
  return { ...waitFor(requirement, votes, deadlineAt), decided, openId: isExpired ? undefined : id }
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

function waitFor({ rule, ask }: Condition, votes: readonly Decision[], until: number): ApprovalCheck {
  const { count = 1, by } = ask ?? {}
  const people = by ? ` by ${describePeople(by)}` : ''
  const place = ask ? `, ${describePlace(ask)}` : ''
  const what =
    count === 1
      ? `an approval${people}`
      : `${count} approvals${people} (${[`${votes.length} so far`, ...(votes.length > 0 ? [votes.map((vote) => vote.by).join(', ')] : [])].join(': ')})`
  const time = `${new Date(until).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const cause = rule ?? 'people approve what this caller writes'
  return { isMet: false, waitsFor: `Waits for ${what}${place}: ${cause}, until ${time}` }
}
