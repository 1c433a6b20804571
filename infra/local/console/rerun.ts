import { randomUUID } from 'node:crypto'
import { Failure } from '../../../shared/errors.ts'
import type { Inbound } from './inbound.ts'
import { hadReplyAddress } from './reply-address.ts'

/** A call that repeats an earlier one, with a new id. */
export interface RepeatedCall {
  category: string
  action: string
  query: string
  body: unknown
}

/**
 * Returns the call that runs an earlier one again. It has a new id, so that it is not recognized as a repeat.
 *
 * @throws Failure `invalid` if the request is not known completely
 */
export function rerunOf(request: Inbound | undefined): RepeatedCall {
  const [, , category, action] = request?.path.split('/') ?? []
  if (!request)
    throw cannot('no request is stored: another function invoked its task, or an earlier version received it')
  if (request.method !== 'POST' || !category || !action) throw cannot('its request is not a call of an action')
  if (request.isClipped) throw cannot('its body is too large and was clipped')
  const body = parse(request.body)
  if (body === undefined) throw cannot('its body is not JSON')
  if (hadReplyAddress(request)) throw cannot('the address for its answer is a credential, which is masked')
  if (request.body.includes('***')) throw cannot('its body contained a credential, which is masked')
  if (!['authorization', 'x-token'].some((name) => Object.hasOwn(request.headers, name)))
    throw cannot('its request has no token, and a signature is valid for one request only')
  const isEvent = typeof body['type'] === 'string'
  const query = new URLSearchParams(request.query)
  if (query.has('key')) query.set('key', randomUUID())
  const renewed = body['id'] === undefined && !isEvent ? body : { ...body, id: randomUUID() }
  return { category, action, query: query.toString(), body: renewed }
}

/** Returns the error of a call that cannot be run again. */
export function cannot(reason: string): Failure {
  return new Failure('invalid', `This call cannot be run again: ${reason}. Send it from the page Send instead.`)
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text)
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
