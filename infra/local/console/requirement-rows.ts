import { policyProgressIn } from '../../../shared/core/task/policy-progress.ts'
import type { Requirement } from '../../../shared/policy/kinds/index.ts'
import { localTimeAt } from '../../../shared/policy/time-zone.ts'
import type { OperationSummary } from '../cloud/index.ts'
import { type RequirementView, viewRequirements } from './requirements.ts'
import { type Row, rowOf } from './waterfall-row.ts'

const WEEK_MS = 7 * 86_400_000

/** The times between which rows are drawn. */
interface Course {
  since: number
  /** When the requirements were met, the task ended, or now. */
  end: number
  hasEnded: boolean
  now: number
}

/**
 * Returns a row for each window and each approval that a task requires, instead of the operations that check them.
 *
 * @param endedAt of the task
 */
export function requirementRows(
  requirements: readonly Requirement[],
  operations: readonly OperationSummary[],
  endedAt: number | undefined,
  now: number,
): Row[] {
  const progress = policyProgressIn(operations)
  const { since, turn } = progress
  if (since === undefined) return []
  // Turns are taken when everything else is met.
  const metAt = progress.metAt ?? turn?.since
  const course = { since, end: metAt ?? endedAt ?? now, hasEnded: metAt === undefined && endedAt !== undefined, now }
  const views = viewRequirements(requirements, progress, course.end)
  return requirements.flatMap((requirement, index) => {
    const view = views[index]
    return view ? rowsOf(requirement, view, index, course, turn && turnRow(view, index, turn, endedAt, now)) : []
  })
}

/** @param turn undefined until the task takes its turns */
function rowsOf(
  requirement: Requirement,
  view: RequirementView,
  index: number,
  course: Course,
  turn: Row | undefined,
): Row[] {
  switch (requirement.type) {
    case 'turn':
      return turn ? [turn] : []
    case 'approval':
      return approvalRows(view, index, course)
    case 'limit':
      return [limitRow(view, index, course), ...approvalRows(view, index, course)]
    case 'window':
      return [windowRow(view, index, requirement.window.timeZone, course), ...approvalRows(view, index, course)]
  }
}

function windowRow(
  { rule, isOpen, isMet, opensAt }: RequirementView,
  index: number,
  timeZone: string,
  course: Course,
): Row {
  const { since, end, hasEnded, now } = course
  const row = rowOf(`window-${index}`, 'wait', `Window: ${rule}`, '', since)
  if (isOpen) return { ...row, note: 'open', to: Math.max(since, Math.min(opensAt ?? since, end)) }
  if (isMet) return { ...row, note: 'closed, approved', to: end }
  if (hasEnded) return { ...row, note: 'did not open', tone: 'bad', to: end }
  const note = opensAt === undefined ? 'closed' : `closed until ${shortTime(opensAt, timeZone, now)}`
  return { ...row, note, tone: 'busy', to: end }
}

function limitRow({ rule, isMet }: RequirementView, index: number, { since, end, hasEnded }: Course): Row {
  const row = { ...rowOf(`limit-${index}`, 'wait', `Limit: ${rule}`, '', since), to: end }
  if (isMet) return { ...row, note: 'within' }
  return hasEnded ? { ...row, note: 'reached', tone: 'bad' } : { ...row, note: 'reached', tone: 'busy' }
}

function turnRow(
  { rule, isMet }: RequirementView,
  index: number,
  { since, heldAt }: { since: number; heldAt?: number | undefined },
  endedAt: number | undefined,
  now: number,
): Row {
  const row = { ...rowOf(`turn-${index}`, 'wait', `Turn: ${rule}`, '', since), to: heldAt ?? endedAt ?? now }
  if (isMet) return { ...row, note: 'taken' }
  return endedAt === undefined ? { ...row, note: 'waits', tone: 'busy' } : { ...row, note: 'not taken', tone: 'bad' }
}

/** None until people were asked. */
function approvalRows({ rule, approval }: RequirementView, index: number, { end, hasEnded }: Course): Row[] {
  if (!approval) return []
  const { taskId, askedAt, decidedAt, isApproved, state } = approval
  const tone = isApproved ? 'plain' : decidedAt !== undefined || hasEnded ? 'bad' : 'busy'
  const row = rowOf(`approval-${index}`, 'wait', `Approval: ${rule}`, state, Math.min(askedAt, end))
  return [{ ...row, tone, to: Math.max(row.from, decidedAt ?? end), call: taskId }]
}

/** `Mon 08:00` within a week, or `2027-01-05`. */
function shortTime(at: number, timeZone: string, now: number): string {
  const { year, month, day, hour, minute } = localTimeAt(at, timeZone)
  const two = (value: number) => String(value).padStart(2, '0')
  if (at - now >= WEEK_MS) return `${year}-${two(month)}-${two(day)}`
  const weekday = new Date(Date.UTC(year, month - 1, day)).toLocaleDateString('en-GB', {
    weekday: 'short',
    timeZone: 'UTC',
  })
  return `${weekday} ${two(hour)}:${two(minute)}`
}
