import type * as z from 'zod/v4/core'
import { Failure } from '../errors.ts'
import type { Http } from '../http/client.ts'
import { isRecord } from '../record.ts'
import * as rest from './rest.ts'

/** A service of AWS that has one path for everything, and speaks JSON. */
interface JsonService {
  /** As in its header: `AWSEvents`. */
  target: string
  version: '1.0' | '1.1'
}

/**
 * Calls an operation of a service that takes its name in a header.
 *
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 * @throws Failure as `Http`; a limit, which is a 400 here, is `platform`
 */
export async function callJson<T>(
  http: Http,
  { target, version }: JsonService,
  operation: string,
  input: object,
  options: { isRead?: boolean; schema?: z.$ZodType<T> } = {},
): Promise<T> {
  const headers = { 'content-type': `application/x-amz-json-${version}`, 'x-amz-target': `${target}.${operation}` }
  try {
    return (await http.post('', JSON.stringify(input), { ...options, headers })).body
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'refused' || !/: \w*Throttl/.test(error.message)) throw error
    throw new Failure('platform', error.message, { cause: error })
  }
}

/** `AccessDeniedException: User: ..`, with what is to be done about a permission that is missing. */
export function reason(body: unknown): string | undefined {
  const type = isRecord(body) ? body['__type'] : undefined
  const code = typeof type === 'string' ? type.split('#').at(-1) : undefined
  return [code, rest.reason(body)].filter(Boolean).join(': ') || undefined
}
