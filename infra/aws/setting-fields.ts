import { isIPv4 } from 'node:net'
import * as z from 'zod'
import { maxDeadlineOf } from '../../shared/core/max-deadlines.ts'
import { parseDuration } from '../../shared/duration.ts'

/** The setting applies to all categories, so all of them must allow it. */
const MAX_DEFAULT_DEADLINE = maxDeadlineOf({ actions: {} })

/** Returns an error message with the current value. */
export function must(requirement: string) {
  return ({ input }: { input?: unknown }) =>
    `must ${requirement}${input === undefined ? '' : `, not ${JSON.stringify(input)?.slice(0, 60)}`}`
}

/** Returns the schema of an object without other fields. */
export function object<S extends z.ZodRawShape>(fields: S) {
  return z.strictObject(fields, {
    error: (issue) =>
      issue.code === 'invalid_type' ? `must be an object of ${Object.keys(fields).join(', ')}` : undefined,
  })
}

/** Returns the schema of an integer. */
export function count(max: number, min = 1) {
  const error = must(`be an integer from ${min} to ${max}`)
  return z.int({ error }).min(min, { error }).max(max, { error })
}

export function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/')
  return rest.length === 0 && isIPv4(address) && /^\d{1,2}$/.test(bits) && Number(bits) <= 32
}

/** Checks how long an approval may wait before the alarm. */
export function checkApprovalAlarm(text: string, context: z.RefinementCtx<string>): void {
  let seconds = 0
  try {
    seconds = parseDuration(text, 'approvalAlarm')
  } catch {
    // Reported as too short.
  }
  if (seconds >= 60) return
  const message = `must be an ISO 8601 duration of at least PT1M, such as PT1H, not "${text}"`
  context.addIssue({ code: 'custom', message, input: text })
}

/** Checks the default deadline. */
export function checkDeadline(text: string, context: z.RefinementCtx<string>): void {
  const error = deadlineError(text)
  if (error) context.addIssue({ code: 'custom', message: error, input: text })
}

function deadlineError(text: string): string | undefined {
  try {
    if (parseDuration(text, 'deadline') > MAX_DEFAULT_DEADLINE)
      return `must be at most P${MAX_DEFAULT_DEADLINE / 86_400}D, not "${text}"`
    return undefined
  } catch {
    return `must be an ISO 8601 duration such as PT30M, PT2H or P1D, not "${text}"`
  }
}
