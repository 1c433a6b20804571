import { type Answer, type Call, json, jsonObject } from '../sandbox/http.ts'
import type { Page } from './issues.ts'

export const docs = 'https://docs.github.com/rest'

/** An error as GitHub words them. */
export function githubError(status: number, message: string): Answer {
  return json(status, { message, documentation_url: docs, status: String(status) }, {}, message)
}

export function notFound(): Answer {
  return githubError(404, 'Not Found')
}

export function withBody(call: Call, then: (body: Record<string, unknown>) => Answer): Answer {
  const body = jsonObject(call.body)
  return body ? then(body) : githubError(400, 'Problems parsing JSON')
}

/**
 * A page of a list with the Link header by which GitHub's clients go on; there is no `last`, as with GitHub's own long
 * lists.
 *
 * @param found one more than a page holds where another follows
 * @param wrap for a list that GitHub answers within an object
 */
export function paged<T>(
  call: Call,
  { page, perPage }: Page,
  found: T[],
  shape: (item: T) => unknown,
  wrap: (items: unknown[]) => unknown = (items) => items,
): Answer {
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
  return json(200, wrap(found.slice(0, perPage).map(shape)), links.length > 0 ? { link: links.join(', ') } : {})
}
