import type * as z from 'zod/v4/core'
import { Failure, retryLater } from '../errors.ts'
import type { Http } from '../http/client.ts'
import { refusalBody } from '../http/refusal.ts'
import { isRecord } from '../record.ts'
import * as rest from './rest.ts'

/** An AWS service with one path for all operations. */
interface JsonService {
  /** The prefix of its `x-amz-target` header: `AWSEvents`. */
  target: string
  version: '1.0' | '1.1'
}

/**
 * Calls an operation of a service with the AWS JSON protocol.
 *
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 * @throws Failure as `Http`; throttling, which is a 400 here, is `platform`
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
    if (!(error instanceof Failure) || !/Throttl/.test(refusalCode(error) ?? '')) throw error
    throw retryLater(error.message, { cause: error, mayHaveWritten: error.mayHaveWritten })
  }
}

/** Returns `AccessDeniedException: User: ..`, with a hint about a missing permission. */
export function errorReason(body: unknown): string | undefined {
  return [errorCode(body), rest.errorReason(body)].filter(Boolean).join(': ') || undefined
}

/** Returns the error code with which the service refused a request, such as `ValidationException`. */
export function refusalCode(error: unknown): string | undefined {
  return errorCode(refusalBody(error))
}

function errorCode(body: unknown): string | undefined {
  const type = isRecord(body) ? body['__type'] : undefined
  return typeof type === 'string' ? type.split('#').at(-1) : undefined
}
