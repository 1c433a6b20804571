import * as z from 'zod/mini'
import type { FieldError } from '../../errors.ts'
import { mayLeavePrefix } from '../../http/path-prefix.ts'
import { registerSecret } from '../../redact.ts'

/** The URLs that a call supplies for its answer: one for all results, or one for success and one for failure. */
export interface CallUrls {
  url?: string | undefined
  urls?: { pass: string; fail: string } | undefined
}

const oneUrl = z.string().check(z.minLength(1), z.maxLength(2_048))
const callUrls = z.union([
  z.pipe(
    oneUrl,
    z.transform((url) => ({ url })),
  ),
  z.strictObject({ url: oneUrl }),
  z.strictObject({ urls: z.strictObject({ pass: oneUrl, fail: oneUrl }) }),
])

/**
 * Reads the field `callback` of a call, and checks that its URLs are below the prefixes that the orchestrator allows.
 *
 * @returns the URLs, or what is wrong. Messages never contain a URL of the call, because it is a credential
 */
export function readCallUrls(callback: unknown, allow: readonly string[]): CallUrls | { errors: FieldError[] } {
  if (allow.length === 0)
    return {
      errors: [
        { path: 'callback', message: 'must be omitted: the orchestrator has a fixed URL, and allows no URLs of calls' },
      ],
    }
  const parsed = z.safeParse(callUrls, callback)
  if (!parsed.success)
    return {
      errors: [
        { path: 'callback', message: 'must be a URL, {"url": ".."}, or {"urls": {"pass": "..", "fail": ".."}}' },
      ],
    }
  const urls: CallUrls = parsed.data
  const errors = Object.entries({
    url: urls.url,
    'urls.pass': urls.urls?.pass,
    'urls.fail': urls.urls?.fail,
  }).flatMap(([field, text]): FieldError[] => {
    if (text === undefined) return []
    registerSecret(text)
    if (isAllowedAddress(text, allow)) return []
    const message = `must be a URL below one of the allowed prefixes, without user name, fragment or dot segments: ${allow.join(', ')}`
    return [{ path: `callback.${field}`, message }]
  })
  return errors.length > 0 ? { errors } : urls
}

/**
 * Whether a URL has the origin of an allowed prefix, and a path below it.
 *
 * @param allow prefixes that end with a slash
 */
export function isAllowedAddress(text: string, allow: readonly string[]): boolean {
  const url = URL.parse(text)
  if (!url || `${url.username}${url.password}${url.hash}` !== '' || text.includes('#')) return false
  if (mayLeavePrefix(url.pathname)) return false
  return allow.some((prefix) => {
    const { origin, pathname } = new URL(prefix)
    return url.origin === origin && url.pathname.startsWith(pathname)
  })
}
