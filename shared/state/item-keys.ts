/**
 * The keys of the items in the table. The role of each function may use only the keys that the function needs: the stack
 * makes the patterns of its policies with these functions, so a key that is not made here is refused on AWS.
 */
export const itemKeys = {
  /** First part of the keys of the recorded responses to silent calls. */
  callPrefix: (category: string) => `call#${category}`,
  /** The name of an accepted task. */
  task: (category: string, taskId: string) => `task#${category}#${taskId}`,
  /** A question that waits for people. */
  approval: (taskId: string) => `approval#${taskId}`,
  /** The state of a run that no platform knows. */
  run: (runId: string) => `run#${runId}`,
  /** How often a caller has sent stored credentials. */
  guesses: (category: string, callerAndHour: string) => `guesses#${category}#${callerAndHour}`,
  /** The newest run that a caller started in a context. */
  lastRun: (category: string, digest: string) => `last-run#${category}#${digest}`,
  /** Which finisher answers for an ended execution. */
  finisher: (executionArn: string) => `finisher#${executionArn}`,
}
