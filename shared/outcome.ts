import * as z from 'zod/mini'
import { Failure, messageOf } from './errors.ts'

export const outcomeSchema = z.object({
  status: z.enum(['succeeded', 'errored', 'aborted']),
  result: z.enum(['pass', 'warning', 'fail']),
  message: z.string(),
  /** Becomes `data.<task>` of every later event of the sequence. Keep it small. */
  data: z.record(z.string(), z.unknown()),
  /** URLs for people, by name. */
  links: z.record(z.string(), z.string()),
})

/** How a task ended, in Keptn's terms: `status` says whether it ran, `result` says how it went. */
export type Outcome = z.output<typeof outcomeSchema>

/**
 * Returns the outcome of a success.
 *
 * @example passed(`Opened issue ${number}`, { id, number, url }, { [`github ${number}`]: url })
 */
export function passed(message: string, data: Outcome['data'] = {}, links: Outcome['links'] = {}): Outcome {
  return { status: 'succeeded', result: 'pass', message, data, links }
}

/** Returns an outcome in one word. */
export function verdictOf({ status, result }: Outcome): 'pass' | 'warning' | 'fail' | 'errored' | 'aborted' {
  return status === 'succeeded' ? result : status
}

/** Returns the outcome of an error: `errored` and `fail`, because nothing ran that could pass. */
export function errored(error: unknown): Outcome {
  const message = error instanceof Failure ? error.message : `Internal error, please report it: ${messageOf(error)}`
  return { status: 'errored', result: 'fail', message, data: {}, links: {} }
}
