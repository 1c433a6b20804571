import { type FakeCall, type FakeReply, json, jsonObject } from '../sandbox/http.ts'
import type { Page } from './issues.ts'

export const docs = 'https://docs.github.com/rest'

/** An error as GitHub words them. */
export function githubError(status: number, message: string): FakeReply {
  return json(status, { message, documentation_url: docs, status: String(status) }, {}, message)
}

export function notFound(): FakeReply {
  return githubError(404, 'Not Found')
}

export function withBody(call: FakeCall, then: (body: Record<string, unknown>) => FakeReply): FakeReply {
  const body = jsonObject(call.body)
  return body ? then(body) : githubError(400, 'Problems parsing JSON')
}

/**
 * Returns a page of a list with a Link header. It has no `last`, like GitHub's own long lists.
 *
 * @param found contains one more item than a page if another page follows
 * @param wrap converts the list to an object
 */
export function paged<T>(
  call: FakeCall,
  { page, perPage }: Page,
  found: T[],
  toResponse: (item: T) => unknown,
  wrap: (items: unknown[]) => unknown = (items) => items,
): FakeReply {
  const link = (rel: string, to: number) => {
    const query = new URLSearchParams(call.query)
    query.set('page', String(to))
    return `<${call.root}${call.path}?${query}>; rel="${rel}"`
  }
  const links = [
    ...(page > 1 ? [link('prev', page - 1)] : []),
    ...(found.length > perPage ? [link('next', page + 1)] : []),
    ...(page > 1 ? [link('first', 1)] : []),
  ]
  return json(200, wrap(found.slice(0, perPage).map(toResponse)), links.length > 0 ? { link: links.join(', ') } : {})
}
