const DAY_SECONDS = 86_400

/** The part of a category that limits its deadlines. */
export interface CategoryActions {
  actions: Record<string, { approval?: unknown; startsJob?: true }>
}

/** Whether an action of the category waits for the decision of people. */
export function asksPeople({ actions }: CategoryActions): boolean {
  return Object.values(actions).some(({ approval }) => approval !== undefined)
}

/** Whether an action of the category starts runs, which another one can stop. */
export function startsRuns({ actions }: CategoryActions): boolean {
  return Object.values(actions).some(({ startsJob }) => startsJob)
}

/**
 * Returns the longest deadline that a call of the category may have, in seconds. People may take weeks to decide; what
 * only platforms do ends within a week.
 */
export function maxDeadlineOf(category: CategoryActions): number {
  return (asksPeople(category) ? 30 : 7) * DAY_SECONDS
}

/**
 * Returns how long an execution of the category's task may run, in seconds: the longest deadline, and a day in which the
 * `finished` event gets through. A task whose code crashes cannot check its deadline, and Lambda retries it until this
 * timeout.
 */
export function executionTimeoutOf(category: CategoryActions): number {
  return maxDeadlineOf(category) + DAY_SECONDS
}
