import { randomUUID } from 'node:crypto'
import { type Answer, json } from '../sandbox/http.ts'

const names: Record<number, string> = {
  400: 'BadDataError',
  401: 'UnauthorizedError',
  403: 'PermissionError',
  404: 'NotFoundError',
  413: 'BadDataError',
  415: 'ContentTypeError',
  429: 'RateLimitError',
}

/** What Unleash refuses, in its words. */
export class UnleashError extends Error {
  readonly status: number
  /** Where in the body, for the errors of Unleash's own schemas. */
  readonly at: string | undefined

  constructor(status: number, message: string, at?: string) {
    super(message)
    this.status = status
    this.at = at
  }
}

/** The error of a service of Unleash, which has no id: only what is refused before a service is asked has one. */
export function serviceError({ status, message, at }: UnleashError): Answer {
  const invalid = 'Request validation failed: your request body or params contain invalid data'
  const name = names[status] ?? 'UnknownError'
  if (status === 415) return earlyError(status, message)
  if (at !== undefined) {
    const text = `${invalid}. Refer to the \`details\` list for more information.`
    const body = { id: randomUUID(), name, message: text, details: [{ message, path: at }] }
    return json(status, body, {}, message)
  }
  const text = status === 400 ? `${invalid}: ${message}` : message
  return json(status, { name, message: text, details: [{ message }] }, {}, message)
}

/** The error of what stands before the services: the log-in, the routes, the limits. */
export function earlyError(status: number, message: string, name = names[status] ?? 'InternalError'): Answer {
  return json(status, { id: randomUUID(), name, message, details: [{ message }] }, {}, message)
}
