import { isLoopback } from '../../../shared/http/secure-url.ts'

/**
 * Returns the origins in a secret that use plain HTTP and do not lead to this machine. Credentials are sent to them
 * unencrypted.
 */
export function plainHttpOrigins(secret: unknown): string[] {
  return [...new Set(textsIn(secret).flatMap(originIfPlain))]
}

export const PLAIN_HTTP_ADVICE = 'Credentials are sent there unencrypted: use https:// if the platform offers it.'

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsIn)
}

function originIfPlain(text: string): string[] {
  const url = /^http:\/\//i.test(text) ? URL.parse(text) : null
  return url === null || isLoopback(url.hostname) ? [] : [url.origin]
}
