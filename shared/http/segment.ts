import { Failure } from '../errors.ts'

/**
 * Encodes a value as one segment of a URL path. Every variable part of a path needs it.
 *
 * @throws Failure `invalid` for a value that would change the path
 * @example http.get(`repos/${segment(owner)}/${segment(repo)}/issues/${segment(id)}`)
 */
export function segment(value: string | number): string {
  const text = String(value)
  if (!text.isWellFormed()) throw new Failure('invalid', 'A path segment contains an unpaired surrogate.')
  // URL parsers resolve dots even if they come from a value. Servers that decode a path first also find them between
  // encoded slashes.
  if (text === '' || text.split(/[\\/]/).some((part) => part === '.' || part === '..'))
    throw new Failure('invalid', `"${text}" is not allowed as a path segment.`)
  return encodeURIComponent(text)
}
