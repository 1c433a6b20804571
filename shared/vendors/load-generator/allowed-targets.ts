/**
 * Whether a URL is below one of the allowed ones: the same origin, and a path that begins with the same segments.
 *
 * @param allowed URLs such as `https://shop.example.com/api`
 */
export function isAllowed(url: URL, allowed: readonly string[]): boolean {
  return allowed.some((one) => {
    const { origin, pathname } = new URL(one)
    const prefix = pathname.replace(/\/$/, '')
    return url.origin === origin && (url.pathname === prefix || url.pathname.startsWith(`${prefix}/`))
  })
}

/**
 * An encoded dot, slash or backslash, also encoded several times, or as UTF-8 with more bytes than it needs (`%c0%ae`), which
 * lenient servers and proxies decode.
 */
const encodedSign = /%(?:25)*(?:2e|2f|5c|c[01]|e0%(?:25)*[89]|f0%(?:25)*8)/i

/**
 * What is wrong with a URL as a target, or as part of a list of them; undefined where nothing is.
 *
 * An encoded slash or dot stays as it is in a URL, and many servers take it for one, as some take `..;a` for `..`: with it a path
 * could leave its prefix.
 */
export function faultOf(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is no URL: write it like https://shop.example.com/api'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https:// or http://'
  if (url.username || url.password) return 'must not hold credentials: put them into headers of the connection'
  if (url.hash) return 'must not have a part after #, since that is never sent'
  if (encodedSign.test(url.pathname)) return 'must not have an encoded slash or dot in its path'
  if (/(?:^|\/)\.{1,2};/.test(url.pathname)) return 'must not have dots with a parameter in its path'
  return undefined
}
