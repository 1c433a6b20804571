import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Permissions of group and others. */
const GROUP_AND_OTHERS = 0o077
/** A folder with this bit contains files of several users, such as /tmp. */
const STICKY = 0o1000

/**
 * Makes the state folder private, because it contains inputs, results and secrets in plain text. Also makes all files private
 * that this process creates from now on.
 *
 * @throws Error if the folder belongs to another user or is shared, such as /tmp
 */
export function openStateFolder(path: string): void {
  process.umask(GROUP_AND_OTHERS)
  const unusable = (reason: string, cause?: unknown) =>
    new Error(`The state folder ${path} ${reason}. Set WEBHOOKS_STATE to a folder that belongs to you.`, { cause })
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw unusable(`cannot be created (${(error as NodeJS.ErrnoException).code})`, error)
  }
  const { uid, mode } = statSync(path)
  // Windows does not have these permissions.
  if (process.getuid && uid !== process.getuid()) throw unusable('belongs to another user')
  if (mode & STICKY) throw unusable('is shared with other users')
  if (mode & GROUP_AND_OTHERS) chmodSync(path, 0o700)
}

/** Writes a file atomically. Only its owner can read it. */
export function writePrivateFile(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomUUID()}`
  try {
    writeFileSync(draft, text, { mode: 0o600, flush: true })
    renameSync(draft, file)
  } finally {
    rmSync(draft, { force: true })
  }
}
