import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EngineSecrets } from '../sandbox/engines/place.ts'
import { demo } from '../sandbox/platforms/sandbox/demo.ts'
import { writePrivateFile } from './state-folder.ts'

/** Credentials of the local runtime. */
export interface LocalCredentials extends EngineSecrets {
  /** Signs links and buttons of approvals. */
  approvalsKey: string
  /** Opens the console and the list of tasks. If undefined, every user of this machine can open them. */
  consoleKey?: string
}

/** Published in this repository, so they are used only if all connections lead to the sandbox. */
export const demoCredentials: LocalCredentials = { callerToken: demo.callerToken, approvalsKey: demo.approvalsKey }

/** Returns the file with the generated credentials of a state folder. */
export function credentialsFile(state: string): string {
  return join(state, 'credentials.json')
}

/**
 * Returns the credentials of a runtime: the demo credentials, or the ones that were generated for its state folder when a real
 * platform was connected.
 */
export function readCredentials(state: string): LocalCredentials {
  const file = credentialsFile(state)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as LocalCredentials) : demoCredentials
}

/** Generates credentials for a state folder once, because links for approvals must stay valid after a restart. */
function ensurePrivateCredentials(state: string): LocalCredentials {
  const file = credentialsFile(state)
  if (!existsSync(file)) {
    const random = () => randomBytes(24).toString('base64url')
    const credentials: LocalCredentials = { callerToken: random(), approvalsKey: random(), consoleKey: random() }
    writePrivateFile(file, `${JSON.stringify(credentials, null, 2)}\n`)
  }
  return readCredentials(state)
}

/** Returns the token of the caller "local", whose results no engine gets. It is private if the token of the caller "demo" is. */
export function plainTokenOf({ callerToken }: Pick<LocalCredentials, 'callerToken'>): string {
  if (callerToken === demo.callerToken) return demo.plainToken
  return createHash('sha256').update(`plain ${callerToken}`).digest('base64url').slice(0, 32)
}

/** Returns a function for `localSecrets` that generates private credentials when a real platform is connected. */
export function credentialsOf(state: string): (hasRealPlatform: boolean) => LocalCredentials {
  return (hasRealPlatform) => (hasRealPlatform ? ensurePrivateCredentials(state) : readCredentials(state))
}
