import { randomBytes, randomUUID } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The secrets whose keys the stack generates on AWS, once per deployment. Locally, each state folder is a deployment. */
const NAMES = ['identity', 'callbacks'] as const
type KeyName = (typeof NAMES)[number]

/** The keys of a state folder by the names of their secrets. Undefined if no runtime has generated it yet. */
export type GeneratedKeys = Record<KeyName, string | undefined>

function fileOf(state: string, name: KeyName): string {
  return join(state, `${name}.key`)
}

/** Returns the keys of a state folder. Generates each once, so that a task that was accepted before a restart continues. */
export function ensureKeys(state: string): GeneratedKeys {
  for (const name of NAMES) ensureKey(state, name)
  return readKeys(state)
}

function ensureKey(state: string, name: KeyName): void {
  if (readKey(state, name) !== undefined) return
  const file = fileOf(state, name)
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
}

/** Returns the keys that a runtime has generated in a state folder. */
export function readKeys(state: string): GeneratedKeys {
  return { identity: readKey(state, 'identity'), callbacks: readKey(state, 'callbacks') }
}

function readKey(state: string, name: KeyName): string | undefined {
  try {
    return readFileSync(fileOf(state, name), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
