import { randomBytes, randomUUID } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** On AWS, the stack generates one key per deployment. Locally, each state folder is a deployment. */
function fileOf(state: string): string {
  return join(state, 'identity.key')
}

/**
 * Returns the key of a state folder for the secret `identity`. Generates it once, so that a retry after a restart is
 * recognized.
 */
export function ensureIdentityKey(state: string): string {
  const file = fileOf(state)
  const found = readIdentityKey(state)
  if (found !== undefined) return found
  const draft = `${file}.${randomUUID()}`
  try {
    writeFileSync(draft, randomBytes(32).toString('hex'), { mode: 0o600, flush: true })
    // A hard link appears with its complete content and never replaces the key of another process.
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return readFileSync(file, 'utf8')
}

/** Returns the key; undefined if no runtime has used the state folder yet. */
export function readIdentityKey(state: string): string | undefined {
  try {
    return readFileSync(fileOf(state), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
