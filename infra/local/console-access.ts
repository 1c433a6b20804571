import type { IncomingMessage } from 'node:http'
import { isSame } from '../../shared/auth/hmac.ts'
import type { LocalCredentials } from './credentials.ts'

const COOKIE = 'webhooks-console'

export const NO_ACCESS =
  'A real platform is connected. Open the console with the link that npm start printed, or send the token of the caller "demo".'

/**
 * Returns whether a request may use the console. If a real platform is connected, this requires the link that `npm start`
 * prints, the cookie that the link sets, or the token of the caller, because other users of this machine can reach the port.
 */
export function consoleAccess(
  { url, headers }: IncomingMessage,
  { consoleKey, callerToken }: LocalCredentials,
): 'open' | 'by link' | 'none' {
  if (consoleKey === undefined) return 'open'
  const cookie = new RegExp(`(?:^|; )${COOKIE}=([^;]+)`).exec(headers.cookie ?? '')?.[1] ?? ''
  if (isSame(cookie, consoleKey) || isSame(headers.authorization ?? '', `Bearer ${callerToken}`)) return 'open'
  const key = /[?&]key=([^&]+)/.exec(url ?? '')?.[1] ?? ''
  return isSame(key, consoleKey) ? 'by link' : 'none'
}

/** Returns the cookie that opens the console. Pages of other sites cannot send it. */
export function consoleCookie({ consoleKey }: LocalCredentials): string {
  return `${COOKIE}=${consoleKey}; Path=/; HttpOnly; SameSite=Strict`
}

/** Returns the URL of the console with its key. */
export function consoleLink(url: string, { consoleKey }: LocalCredentials): string {
  return consoleKey === undefined ? `${url}/` : `${url}/?key=${consoleKey}`
}
