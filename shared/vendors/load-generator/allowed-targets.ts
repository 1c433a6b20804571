/**
 * Returns whether a URL has the origin of an allowed URL, and its path segments at the start of its path.
 *
 * @param allowed URLs such as `https://shop.example.com/api`
 */
export function isAllowedTarget(url: URL, allowed: readonly string[]): boolean {
  return allowed.some((text) => {
    const { origin, pathname } = new URL(text)
    const prefix = pathname.replace(/\/$/, '')
    return url.origin === origin && (url.pathname === prefix || url.pathname.startsWith(`${prefix}/`))
  })
}

/**
 * Matches an encoded dot, slash or backslash, even if it is encoded several times or as overlong UTF-8 (`%c0%ae`), because
 * lenient servers and proxies decode those, too.
 */
const encodedSeparator = /%(?:25)*(?:2e|2f|5c|c[01]|e0%(?:25)*[89]|f0%(?:25)*8)/i

/**
 * Returns why a URL cannot be a target or an allowed URL.
 *
 * Many servers decode encoded slashes and dots, and some treat `..;a` like `..`, so such a path could leave an allowed prefix.
 *
 * @returns the rest of a sentence that starts with the field; undefined if the URL is valid
 */
export function problemOf(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be a URL such as https://shop.example.com/api'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must start with https:// or http://'
  if (url.username || url.password) return 'must not contain credentials. Add them to headers of the connection'
  if (url.hash) return 'must not contain a fragment (#), which is never sent'
  if (encodedSeparator.test(url.pathname)) return 'must not contain an encoded slash or dot in its path'
  if (/(?:^|\/)\.{1,2};/.test(url.pathname)) return 'must not contain a dot segment with a parameter in its path'
  return undefined
}
