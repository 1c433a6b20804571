import { awsOperation, type Call } from '../../../infra/testing/loopback-server.ts'

/** Returns whether a request is more than that of an access token, which calls share. */
export function isNotToken({ path }: Call): boolean {
  return !path.endsWith('/token')
}

/** Returns whether a request changes something, by its method, its AWS operation or its GraphQL document. */
export function isWrite(call: Call): boolean {
  const { query } = (call.body ?? {}) as { query?: unknown }
  if (typeof query === 'string' && /^\s*query\b/.test(query)) return false
  return call.method !== 'GET' && !/^(?:BatchGet|Get|List|Describe)/.test(awsOperation(call) ?? '')
}

/** Returns what an id must not change: the method, the number of segments of the path, and the names in the query. */
export function formOf({ method, path, query }: { method: string; path: string; query: URLSearchParams }): string {
  return [method, path.split('/').length, ...query.keys()].join(' ')
}

/** Returns the forms of requests that the platform received. */
export function formsOf(calls: readonly Call[]): string[] {
  return calls.map(({ method, encodedPath, query }) => formOf({ method, path: encodedPath, query }))
}

/** Returns a request as text, with the AWS operation if there is one. */
export function requestOf(call: Call): string {
  return [call.method, call.encodedPath, awsOperation(call)].filter(Boolean).join(' ')
}
