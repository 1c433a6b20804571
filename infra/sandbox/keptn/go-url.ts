import { quote } from './template/format.ts'

/** Error of Go's url.Parse. */
export class UrlError extends Error {
  override readonly name = 'UrlError'
}

const isControl = (character: string): boolean => character < ' ' || character === '\x7f'
/** ASCII characters that Go accepts in a host: those of RFC 3986 and a few more. */
const HOST_CHARACTER = /^[\w.~!$&'()*+,;=:[\]<>"-]$/

/**
 * Returns the host name of a URL like Go's url.Parse; empty if the URL has no host.
 *
 * @throws UrlError with Go's text if Go cannot parse the URL
 */
export function hostNameOf(url: string): string {
  const [main = '', fragment = ''] = cut(url, '#')
  const host = checked(main, () => parseHost(main))
  checked(url, () => checkEscapes(fragment))
  const name = /^\[(.*)\]/.exec(host)?.[1]
  return name ?? host.replace(/:\d*$/, '')
}

function checked<T>(url: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new UrlError(`parse ${quote(url)}: ${(error as Error).message}`, { cause: error })
  }
}

function parseHost(url: string): string {
  if ([...url].some(isControl)) throw new Error('net/url: invalid control character in URL')
  if (url.startsWith(':')) throw new Error('missing protocol scheme')
  const scheme = /^[a-z][a-z\d+.-]*:/i.exec(url)?.[0] ?? ''
  const rest = cut(url.slice(scheme.length), '?')[0] ?? ''
  if (!rest.startsWith('/')) {
    if (scheme !== '') return ''
    if (cut(rest, '/')[0]?.includes(':')) throw new Error('first path segment in URL cannot contain colon')
  }
  const hasAuthority = rest.startsWith('//') && (scheme !== '' || !rest.startsWith('///'))
  const [authority = ''] = hasAuthority ? cut(rest.slice(2), '/') : ['']
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  checkPort(host)
  checkHost(host)
  checkEscapes(hasAuthority ? rest.slice(2 + authority.length) : rest)
  return host
}

function checkPort(host: string): void {
  const bracket = host.startsWith('[') ? host.lastIndexOf(']') : -1
  if (host.startsWith('[') && bracket < 0) throw new Error("missing ']' in host")
  const colon = host.lastIndexOf(':')
  const port = bracket >= 0 ? host.slice(bracket + 1) : colon >= 0 ? host.slice(colon) : ''
  if (!/^(:\d*)?$/.test(port)) throw new Error(`invalid port ${quote(port)} after host`)
}

function checkHost(host: string): void {
  checkEscapes(host)
  const encoded = /%(?!25)[0-7][\da-f]/i.exec(host)?.[0]
  if (encoded !== undefined) throw new Error(`invalid URL escape ${quote(encoded)}`)
  const invalid = [...host.replace(/%[\da-f]{2}/gi, '')].find((char) => char < '\x80' && !HOST_CHARACTER.test(char))
  if (invalid !== undefined) throw new Error(`invalid character ${quote(invalid)} in host name`)
}

function checkEscapes(text: string): void {
  const bad = /%(?![\da-f]{2})[\s\S]{0,2}/i.exec(text)?.[0]
  if (bad !== undefined) throw new Error(`invalid URL escape ${quote(bad)}`)
}

function cut(text: string, separator: string): string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)]
}
