import { createHash } from 'node:crypto'

/** Returns the hash of a token for the secret `callers`. */
export function tokenHash(token: string): string {
  return `sha256:${createHash('sha256').update(token).digest('hex')}`
}
