import { createHash } from 'node:crypto'

/** The start of the name of the compiled policy. */
export const POLICY = 'policy'

/** Returns a name that changes with the text, so that a change of the file is a new version of the functions. */
export function hashedName(name: string, text: string): string {
  return `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`
}
