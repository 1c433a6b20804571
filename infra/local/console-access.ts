import type { IncomingMessage } from 'node:http'
import { isSame } from '../../shared/auth/hmac.ts'
import type { LocalCredentials } from './credentials.ts'

const COOKIE = 'webhooks-console'

export const NO_ACCESS =
  'A real platform is connected, so this needs the link to the console that npm start printed, or the token of the caller "demo".'

/**
 * Whether a request may see and use the console. Once a real platform is connected, this takes the link that `npm start`
 * prints, the cookie that the link sets, or the token of the caller: other users of this machine can reach the port, too.
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

/** No page of another site can send it. */
export function consoleCookie({ consoleKey }: LocalCredentials): string {
  return `${COOKIE}=${consoleKey}; Path=/; HttpOnly; SameSite=Strict`
}

/** The address of the console, with what opens it. */
export function consoleLink(url: string, { consoleKey }: LocalCredentials): string {
  return consoleKey === undefined ? `${url}/` : `${url}/?key=${consoleKey}`
}
