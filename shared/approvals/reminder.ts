const DAY_SECONDS = 86_400
const MIN_REMINDER_SECONDS = 60

/**
 * Returns after how many seconds people are reminded. The deadline if they are not.
 *
 * @param deadline in seconds
 * @param remindBefore in seconds before the deadline
 */
export function secondsToReminder(deadline: number, remindBefore = defaultReminder(deadline)): number {
  return remindBefore > 0 && remindBefore < deadline ? deadline - remindBefore : deadline
}

/** A tenth of the deadline, at most a day. Zero if that is less than a minute. */
function defaultReminder(deadline: number): number {
  const before = Math.min(DAY_SECONDS, Math.floor(deadline / 10))
  return before < MIN_REMINDER_SECONDS ? 0 : before
}
