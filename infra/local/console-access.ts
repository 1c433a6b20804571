import type { IncomingMessage } from 'node:http'
import { isSame } from '../../shared/hmac.ts'
import type { LocalCredentials } from './credentials.ts'

/** Browsers send cookies to all ports of a host, so each port has its own. */
function cookieName({ headers: { host = '' } }: IncomingMessage): string {
  return `webhooks-console-${/:(\d+)$/.exec(host)?.[1] ?? 80}`
}

/** The keys that open a console. */
type ConsoleKeys = Pick<LocalCredentials, 'consoleKey' | 'callerToken'>

export const NO_ACCESS =
  'A real platform is connected. Open the console with the link that npm start printed, or send the token of the caller "demo".'

/**
 * Returns whether a request may use the console. If a real platform is connected, this requires the link that `npm start`
 * prints, the cookie that the link sets, or the token of the caller, because other users of this machine can reach the port.
 */
export function consoleAccess(
  req: IncomingMessage,
  { consoleKey, callerToken }: ConsoleKeys,
): 'open' | 'by link' | 'none' {
  if (consoleKey === undefined) return 'open'
  const { url, headers } = req
  const cookie = new RegExp(`(?:^|; )${cookieName(req)}=([^;]+)`).exec(headers.cookie ?? '')?.[1] ?? ''
  if (isSame(cookie, consoleKey) || isSame(headers.authorization ?? '', `Bearer ${callerToken}`)) return 'open'
  const key = /[?&]key=([^&]+)/.exec(url ?? '')?.[1] ?? ''
  return isSame(key, consoleKey) ? 'by link' : 'none'
}

/** Returns the cookie that opens the console. Pages of other sites cannot send it. */
export function consoleCookie(req: IncomingMessage, { consoleKey }: ConsoleKeys): string {
  return `${cookieName(req)}=${consoleKey}; Path=/; HttpOnly; SameSite=Strict`
}

/** Returns the URL of the console with its key. */
export function consoleLink(url: string, { consoleKey }: ConsoleKeys): string {
  return consoleKey === undefined ? `${url}/` : `${url}/?key=${consoleKey}`
}

/** A web page can point its own host name at 127.0.0.1. Its requests contain that name in the Host header. */
export function isLoopbackHost({ headers }: IncomingMessage): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(headers.host ?? '')
}

/** A web page of another site can send a form with the published token, without a preflight request. Browsers name its origin. */
export function isFormOfOtherPage({ method, headers }: IncomingMessage): boolean {
  return method !== 'GET' && /^(?:cross|same)-site$/.test(String(headers['sec-fetch-site']))
}
