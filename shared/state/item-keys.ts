/**
 * The keys of the items in the state table. The role of each function may use only the keys that the function needs. The
 * stack builds its policies with these functions, so AWS refuses a key that is not built here.
 */
export const itemKeys = {
  /** Prefix of the recorded responses to silent calls. */
  callPrefix: (category: string) => `call#${category}`,
  /** The execution of an accepted task. */
  task: (category: string, taskId: string) => `task#${category}#${taskId}`,
  /** That a task has ended. */
  taskEnd: (category: string, taskId: string) => `task-end#${category}#${taskId}`,
  /** The call that an agent's key names. */
  callKey: (category: string, callerActionAndKey: string) => `key#${category}#${callerActionAndKey}`,
  /** The number of the newest task of a gate. */
  gate: (category: string, gateId: string) => `gate#${category}#${gateId}`,
  /** The stops that people have set. */
  stops: 'stops',
  /** The request to cancel a task. */
  cancellation: (category: string, taskId: string) => `cancellation#${category}#${taskId}`,
  /** How to wake a waiting task. */
  waiter: (category: string, taskId: string) => `waiter#${category}#${taskId}`,
  /** The tasks that wait for a run of which a source notifies us. */
  wake: (source: string, runId: string) => `wake#${source}#${runId}`,
  /** When a source notified us, and how many ends it has missed. */
  sourceActivity: (source: string) => `source#${source}`,
  /** Whether an alert is firing. */
  alert: (source: string, digest: string) => `alert#${source}#${digest}`,
  /** A call that a rule makes for an alert. */
  alertCall: (source: string, digest: string) => `alert-call#${source}#${digest}`,
  /** How many calls a group of alerts has made in a period. */
  alertGroup: (source: string, digest: string) => `alert-group#${source}#${digest}`,
  /** An approval that people decide. */
  approval: (taskId: string) => `approval#${taskId}`,
  /** The turn for a target, or the place with a number in its queue. */
  turn: (targetKey: string, number?: number) => `turn#${targetKey}${number === undefined ? '' : `#${number}`}`,
  /** The actions that have started for a target. */
  starts: (targetKey: string) => `starts#${targetKey}`,
  /** The state of a run that a task executes itself. */
  run: (runId: string) => `run#${runId}`,
  /** How often a caller has sent stored credentials. */
  guesses: (category: string, callerAndHour: string) => `guesses#${category}#${callerAndHour}`,
  /** How many calls a caller has sent in a minute. */
  rate: (category: string, callerAndMinute: string) => `rate#${category}#${callerAndMinute}`,
  /** The URL that has received a signed message. */
  signedMessage: (caller: string, digest: string) => `signed#${caller}#${digest}`,
  /** The newest run that a caller started in a context. */
  lastRun: (category: string, digest: string) => `last-run#${category}#${digest}`,
  /** The state to which a call switches a flag. */
  toggle: (idempotencyKey: string) => `toggle#${idempotencyKey}`,
  /** The finisher that answers for an ended execution. */
  finisher: (executionArn: string) => `finisher#${executionArn}`,
}
