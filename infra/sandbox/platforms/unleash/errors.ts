import { randomUUID } from 'node:crypto'
import { type FakeReply, json } from '../sandbox/http.ts'

const names: Record<number, string> = {
  400: 'BadDataError',
  401: 'UnauthorizedError',
  403: 'PermissionError',
  404: 'NotFoundError',
  413: 'BadDataError',
  415: 'ContentTypeError',
  429: 'RateLimitError',
}

/** An error response of Unleash. */
export class UnleashError extends Error {
  readonly status: number
  /** The path in the body, for errors of Unleash's schemas. */
  readonly at: string | undefined
  readonly kind: string

  constructor(status: number, message: string, at?: string, kind = names[status] ?? 'UnknownError') {
    super(message)
    this.status = status
    this.at = at
    this.kind = kind
  }
}

/** Returns an error of a service of Unleash. It has no id. */
export function serviceError({ status, message, at, kind: name }: UnleashError): FakeReply {
  const invalid = 'Request validation failed: your request body or params contain invalid data'
  if (status === 415) return earlyError(status, message)
  if (at !== undefined) {
    const text = `${invalid}. Refer to the \`details\` list for more information.`
    const body = { id: randomUUID(), name, message: text, details: [{ message, path: at }] }
    return json(status, body, {}, message)
  }
  const text = name === 'BadDataError' ? `${invalid}: ${message}` : message
  return json(status, { name, message: text, details: [{ message }] }, {}, message)
}

/** Returns an error of the layer before the services: authentication, routes, limits. */
export function earlyError(status: number, message: string, name = names[status] ?? 'InternalError'): FakeReply {
  return json(status, { id: randomUUID(), name, message, details: [{ message }] }, {}, message)
}

/** Returns the error for a missing permission. */
export function permissionError(permission: string): UnleashError {
  const message = "You don't have the required permissions to perform this operation."
  return new UnleashError(403, `${message} To perform this action, you need the "${permission}" permission.`)
}
