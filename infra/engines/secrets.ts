import { engines } from './index.ts'
import { type EngineHost, placeOf } from './place.ts'

/** Returns the callers of all engines, and their orchestrators by the names of their secrets. */
export function engineSecrets(host: EngineHost): {
  callers: Record<string, object>
  orchestrators: Record<string, object>
} {
  const all = engines.map((engine) => engine.secrets(placeOf(engine, host)))
  return {
    callers: Object.assign({}, ...all.map(({ callers }) => callers)),
    orchestrators: Object.assign({}, ...all.map(({ orchestrators }) => orchestrators)),
  }
}
