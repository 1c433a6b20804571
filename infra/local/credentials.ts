import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { demo } from '../platforms/sandbox/demo.ts'
import { writePrivateFile } from './state-folder.ts'

/** What opens the local runtime. */
export interface LocalCredentials {
  /** The token of the caller "demo". */
  callerToken: string
  /** Signs links and buttons of approvals. */
  approvalsKey: string
  /** Opens the console and the list of tasks; undefined if they are open to every user of this machine. */
  consoleKey?: string
}

/** Published in this repository: good enough while only the sandbox can be reached. */
export const demoCredentials: LocalCredentials = { callerToken: demo.callerToken, approvalsKey: demo.approvalsKey }

/** The file of credentials that were generated for a state folder. */
export function credentialsFile(state: string): string {
  return join(state, 'credentials.json')
}

/**
 * The credentials of a runtime: the published ones of the demo, or those that were generated for its state folder when a
 * real platform was connected.
 */
export function readCredentials(state: string): LocalCredentials {
  const file = credentialsFile(state)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as LocalCredentials) : demoCredentials
}

/** Generates credentials for a state folder, once: links of approvals must stay valid after a restart. */
function ensurePrivateCredentials(state: string): LocalCredentials {
  const file = credentialsFile(state)
  if (!existsSync(file)) {
    const random = () => randomBytes(24).toString('base64url')
    const made: LocalCredentials = { callerToken: random(), approvalsKey: random(), consoleKey: random() }
    writePrivateFile(file, `${JSON.stringify(made, null, 2)}\n`)
  }
  return readCredentials(state)
}

/** A token as the secret `callers` stores it. */
export function tokenHash(token: string): string {
  return `sha256:${createHash('sha256').update(token).digest('hex')}`
}

/** For `localSecrets`: generates private credentials as soon as a real platform is connected. */
export function credentialsOf(state: string): (hasRealPlatform: boolean) => LocalCredentials {
  return (hasRealPlatform) => (hasRealPlatform ? ensurePrivateCredentials(state) : readCredentials(state))
}
