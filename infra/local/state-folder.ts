import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** What group and others may do with a file. */
const GROUP_AND_OTHERS = 0o077
/** Files of a folder with this bit belong to several users, as in /tmp. */
const STICKY = 0o1000

/**
 * Makes the state folder private: it contains inputs, results and secrets in clear text. Also makes every file that this
 * process creates from now on private.
 *
 * @throws Error if the folder belongs to another user or is shared, such as /tmp
 */
export function openStateFolder(path: string): void {
  process.umask(GROUP_AND_OTHERS)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const { uid, mode } = statSync(path)
  const refuse = (why: string) =>
    new Error(`The state folder ${path} ${why}. Set WEBHOOKS_STATE to a folder of your own.`)
  // Windows has no such permissions.
  if (process.getuid && uid !== process.getuid()) throw refuse('belongs to another user')
  if (mode & STICKY) throw refuse('is shared with other users')
  if (mode & GROUP_AND_OTHERS) chmodSync(path, 0o700)
}

/** Writes a file that only its owner can read. A reader sees the old or the new content, never a part of it. */
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
