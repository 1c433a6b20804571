import { isSendStarted, POLL_AFTER_STOP, REMIND, START } from '../../../shared/core/task/steps.ts'

/** The name that `send-finished` has where an answer is sent again. */
export const ANSWER_AGAIN = 'answer-again'

/** The steps of a task in words. Other names are shown with spaces. */
const stepNames: Record<string, string> = {
  [START]: 'Run the action',
  poll: 'Wait for the job',
  'poll-woken': 'Poll because of the wake-up',
  'poll-without-wake-ups': 'Wait for the job',
  [POLL_AFTER_STOP]: 'Wait for the job to stop',
  stop: 'Stop the job',
  decision: 'Wait for a decision',
  'read-decision': 'Read the decision',
  [REMIND]: 'Send a reminder',
  [ANSWER_AGAIN]: 'Send the answer again',
}

/** Returns the name of a durable step in words. Omits the number of a repeated step. */
export function stepName(fullName = 'step', engine: string): string {
  const name = fullName.replace(/-\d+$/, '')
  if (isSendStarted(name)) return `Send started to ${engine}`
  const words = name.replaceAll('-', ' ')
  return stepNames[name] ?? `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}
