import { createHash } from 'node:crypto'
import type { Engine, EnginePlace } from './engine.ts'

/** The local runtime of the engines. */
export interface EngineHost {
  url: string
  /** Returns the secret that all credentials of engines contain. It may change. */
  key: () => string
}

/** The secrets of a runtime that the credentials of its engines depend on. */
export interface EngineSecrets {
  /** The token of the caller "demo", whose results the Keptn of the sandbox gets. */
  callerToken: string
  /** The secret that the credentials of the engines contain. Defaults to one that depends on the caller's token. */
  engineKey?: string
}

/** Returns the place of an engine. */
export function placeOf({ name }: Pick<Engine, 'name'>, { url, key }: EngineHost): EnginePlace {
  return {
    url,
    root: `${url}/sandbox/engines/${name}`,
    credential: (purpose) => `${name}-${purpose}-${key()}`,
  }
}

/** Returns the key of the engines. By default, it is private if the token of the caller "demo" is. */
export function engineKeyOf({ callerToken, engineKey }: EngineSecrets): string {
  return engineKey ?? createHash('sha256').update(`engines ${callerToken}`).digest('hex')
}
