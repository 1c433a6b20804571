// The names of durable operations, for everything that reads the history of a task. Tasks of earlier versions have the same names.

/** Starts the action. Another operation of this name is another attempt. */
export const START = 'start'
/** Waits until an action that people have stopped may start. */
export const HOLD = 'hold'
/** The end of that wait. */
export const HOLD_ENDS_WITH = 'the end of a stop'
export const SEND_FINISHED = 'send-finished'
/** Waits until an engine has paused for the result. */
export const WAIT_FOR_PAUSE = 'wait-for-pause'
/** The task of an invocation by another function accepts the call. */
export const ACCEPT_INVOCATION = 'accept-invocation'
/** Takes a number of a turn. */
export const TURN_NUMBER = 'turn-number'
/** Polls a job that was asked to stop. */
export const POLL_AFTER_STOP = 'poll-after-stop'
/** Sends a reminder to people who have not decided. */
export const REMIND = 'remind'
/** The first callback of an asking task: people were asked. */
export const FIRST_DECISION_WAIT = 'decision-wake-0'

/** Whether an operation sends an answer to the caller. */
export function isSend(name = ''): boolean {
  return name.startsWith('send-')
}

export function isSendStarted(name = ''): boolean {
  return name === 'send-started' || name === 'send-started-late'
}

/** Whether an operation checks the requirements of a task, or waits for the end of a stop. */
export function isPolicyStep(name = ''): boolean {
  return /^(?:require|turn-)/.test(name) || name === HOLD
}

export function isTurnStep(name = ''): boolean {
  return name.startsWith('turn-')
}

/** Returns the number of the requirement, from 1, for which a step asks people. */
export function askNumberIn(name = ''): number | undefined {
  const [, number] = /^require-ask-(\d+)$/.exec(name) ?? []
  return number === undefined ? undefined : Number(number)
}

/** Whether an operation waits for the decision of people. It may time out before the deadline, when they are reminded. */
export function isDecisionWait(name = ''): boolean {
  return name.startsWith('decision')
}

/** Whether a callback of a task of an earlier version gets the decision itself. */
export function isDecisionCallback(name = ''): boolean {
  return name === 'decision' || name === 'decision-after-reminder'
}

/** Whether a step reads the votes, and the decision if there is one. */
export function isDecisionRead(name = ''): boolean {
  return name.startsWith('read-decision-')
}

/** Whether a step may say why the decision cannot be read. */
export function mayEndDecisionWait(name = ''): boolean {
  return isDecisionRead(name) || name.startsWith('save-wake-up-')
}

/** Whether a callback only ends the pause before the next poll or check. */
export function isWakeUp(name = ''): boolean {
  return /^(?:poll|require-wait|turn-wait)(?:-\w+)?-wake-\d+$/.test(name)
}

/** Whether a callback ends the pause before the next poll of a job. */
export function isPollWakeUp(name = ''): boolean {
  return isWakeUp(name) && name.startsWith('poll-wake')
}

/** Whether an operation only races two others. */
export function isRace(name = ''): boolean {
  return /-race-\d+$/.test(name)
}
