import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isSame } from '../../../shared/auth/hmac.ts'
import { ApiError } from './errors.ts'
import { REGION } from './names.ts'
import type { CloudCredentials } from './types.ts'

/** An answer of an AWS API; `body` is sent as it is when it is text, as JSON else. */
export interface Answer {
  status: number
  body?: unknown
  headers?: Record<string, string>
}

/**
 * Reads a request's body.
 * @param limit most bytes that are kept
 * @returns the body, or undefined when it is longer: the rest is read and dropped, so that the client gets its answer
 * @throws Error when the client goes away before the end
 */
export function readLimited(req: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= limit) chunks.push(chunk)
      else {
        chunks.length = 0
        resolve(undefined)
      }
    })
    req.on('end', () => resolve(Buffer.concat(chunks)))
    req.on('error', reject)
    req.on('close', () => {
      // It comes after each request, and an error is not made for nothing.
      if (!req.complete) reject(new Error('The client went away before its request was complete.'))
    })
  })
}

/** Returned for a request that was not signed with the credentials of this start. */
export const unrecognizedClient = () =>
  new ApiError('UnrecognizedClientException', 403, 'The security token included in the request is invalid.')

/**
 * Checks the access key in a SigV4 header. It is random, so nobody can call the stand-ins without reading it from the state
 * folder, whichever user of this machine they are: a signature would add nothing.
 */
export function hasAccessKey({ headers }: IncomingMessage, accessKeyId: string): boolean {
  const given = /^AWS4-HMAC-SHA256 Credential=([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? ''
  return isSame(given, accessKeyId)
}

/** @returns the header that `hasAccessKey` expects, for calls that are not worth loading the AWS SDK */
export function authorizationWith({ accessKeyId }: Pick<CloudCredentials, 'accessKeyId'>): string {
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20250101/${REGION}/local/aws4_request, SignedHeaders=host, Signature=none`
}

/** Sends an answer with the headers that AWS's APIs have. */
export function sendAnswer(res: ServerResponse, answer: Answer): void {
  const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {})
  const body = answer.status === 204 ? '' : text
  res.writeHead(answer.status, {
    'content-type': 'application/json',
    'x-amzn-requestid': randomUUID(),
    // Without it the answer would go out in pieces.
    ...(answer.status === 204 ? {} : { 'content-length': Buffer.byteLength(body) }),
    ...answer.headers,
  })
  res.end(body)
}

/** @returns the answer to a call that failed: AWS's error of it, or an internal error for any other */
export function errorAnswer(error: unknown): Answer {
  const known =
    error instanceof ApiError ? error : new ApiError('ServiceException', 500, `Internal error: ${String(error)}`)
  return {
    status: known.status,
    headers: { 'x-amzn-errortype': known.type },
    body: {
      __type: known.type,
      Type: known.status < 500 ? 'User' : 'Service',
      message: known.message,
      Message: known.message,
    },
  }
}
