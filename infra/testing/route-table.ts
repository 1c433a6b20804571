/** The parameters of a pattern: `{ id: string }` for `GET /builds/{id}`. */
type Params<Pattern extends string> = Pattern extends `${string}{${infer Name}}${infer Rest}`
  ? Record<Name, string> & Params<Rest>
  : unknown

/** Responses by operation: `GET /builds/{id}`. A parameter is a segment of the path or a part of it, as in `{id}:cancel`. */
export type Routes<Pattern extends string, Request, Result> = {
  [P in Pattern]: (request: Request & { params: Params<P> }) => Result
}

/**
 * Declares routes, and returns a function that calls the first one whose pattern matches an operation. That function returns
 * undefined if none matches.
 */
export function routeTable<Request extends object, Result>() {
  return <Pattern extends string>(routes: Routes<Pattern, Request, Result>) =>
    (operation: string, request: Request): Result | undefined =>
      callRoute(routes, operation, request)
}

/** Calls the first route whose pattern matches an operation, with the decoded parameters. */
export function callRoute<Pattern extends string, Request extends object, Result>(
  routes: Routes<Pattern, Request, Result>,
  operation: string | undefined,
  request: Request,
  base = '',
): Result | undefined {
  const segments = decode(operation)
  for (const pattern in routes) {
    const params = segments && match(pattern.replace(' ', ` ${base}`), segments)
    // The pattern determines the names of its parameters.
    if (params) return routes[pattern]({ ...request, params: params as Params<typeof pattern> })
  }
  return undefined
}

/** Returns undefined if the encoding is malformed. */
function decode(operation = ''): string[] | undefined {
  try {
    return operation.split('/').map(decodeURIComponent)
  } catch {
    return undefined
  }
}

/** Returns the parameters of an operation, or undefined if it does not match the pattern. */
function match(pattern: string, segments: readonly string[]): Record<string, string> | undefined {
  const parts = pattern.split('/')
  if (parts.length !== segments.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, segment] of segments.entries()) {
    const [prefix = '', name, suffix = ''] = (parts[index] ?? '').split(/[{}]/)
    if (name === undefined && segment !== prefix) return undefined
    if (name === undefined) continue
    if (!segment.startsWith(prefix) || !segment.endsWith(suffix)) return undefined
    params[name] = segment.slice(prefix.length, segment.length - suffix.length)
    if (params[name] === '') return undefined
  }
  return params
}
