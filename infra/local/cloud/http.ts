import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isSame } from '../../../shared/hmac.ts'
import { ApiError } from './errors.ts'
import { REGION } from './names.ts'
import type { CloudCredentials } from './types.ts'

/** Response of an AWS API. `body` is sent as text if it is a string, else as JSON. */
export interface ApiResponse {
  status: number
  body?: unknown
  headers?: Record<string, string>
}

/**
 * Reads the body of a request.
 *
 * @param limit maximum size in bytes
 * @returns the body; undefined if it is longer. The rest is read and discarded, so that the client gets its response
 * @throws Error if the client disconnects before the end
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
      if (!req.complete) reject(new Error('The client disconnected before its request was complete.'))
    })
  })
}

/** The request was not signed with the credentials of this process. */
export const unrecognizedClient = () =>
  new ApiError('UnrecognizedClientException', 403, 'The security token included in the request is invalid.')

/**
 * Checks the access key in a SigV4 header. The key is random and stored in the state folder, so other users of this machine
 * cannot call the local AWS APIs. Checking the signature would not add protection.
 */
export function hasAccessKey({ headers }: IncomingMessage, accessKeyId: string): boolean {
  const keyId = /^AWS4-HMAC-SHA256 Credential=([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? ''
  return isSame(keyId, accessKeyId)
}

/** Returns the header that `hasAccessKey` expects, for calls without the AWS SDK. */
export function authorizationWith({ accessKeyId }: Pick<CloudCredentials, 'accessKeyId'>): string {
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20250101/${REGION}/local/aws4_request, SignedHeaders=host, Signature=none`
}

/** The headers of the AWS JSON protocol. */
export const JSON_1_0 = { 'content-type': 'application/x-amz-json-1.0' }

/** Sends a response with the headers of AWS APIs. */
export function sendResponse(res: ServerResponse, response: ApiResponse): void {
  const body = typeof response.body === 'string' ? response.body : JSON.stringify(response.body ?? {})
  res.writeHead(response.status, {
    'content-type': 'application/json',
    'x-amzn-requestid': randomUUID(),
    // Avoids a chunked response.
    'content-length': Buffer.byteLength(body),
    ...response.headers,
  })
  res.end(body)
}

/** Converts an error to a response. An error that is not an ApiError becomes an internal error. */
export function errorResponse(error: unknown): ApiResponse {
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
