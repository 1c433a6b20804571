import { type Action, hasNeed } from '../providers/action.ts'

const DAY_SECONDS = 86_400

interface CategoryActions {
  actions: Record<string, Pick<Action, 'needs'>>
}

/**
 * Returns the maximum deadline of a category's calls, in seconds. People may take weeks to decide; jobs of platforms end
 * within a week.
 */
export function maxDeadlineOf(category: CategoryActions): number {
  return (hasNeed(category, 'approvals') ? 30 : 7) * DAY_SECONDS
}

/**
 * Returns how long an execution of the category's task may run, in seconds: the maximum deadline, plus a day for sending
 * the `finished` event. A task whose code crashes cannot check its deadline, and Lambda retries it until this timeout.
 */
export function executionTimeoutOf(category: CategoryActions): number {
  return maxDeadlineOf(category) + DAY_SECONDS
}
