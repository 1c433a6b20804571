import { Failure, messageOf } from './errors.ts'

/** How a task ended, in Keptn's terms: could it be executed, and how did it turn out. */
export interface Outcome {
  status: 'succeeded' | 'errored' | 'aborted'
  result: 'pass' | 'warning' | 'fail'
  message: string
  /** Goes into `data.<task>` of every later event of the sequence: small, and only what later tasks need. */
  data: Record<string, unknown>
  /** Name -> URL, for people. */
  links: Record<string, string>
}

/** Done, and well. */
export function passed(message: string, data: Outcome['data'] = {}, links: Outcome['links'] = {}): Outcome {
  return { status: 'succeeded', result: 'pass', message, data, links }
}

/** Could not be done. A platform that refused or could not be reached is errored + fail: nothing ran that could pass. */
export function errored(error: unknown): Outcome {
  const message = error instanceof Failure ? error.message : `Internal error, please report it: ${messageOf(error)}`
  return { status: 'errored', result: 'fail', message, data: {}, links: {} }
}
