import { engines } from './index.ts'
import { type EngineHost, placeOf } from './place.ts'

interface Secrets {
  callers: Record<string, object>
  orchestrators: Record<string, object>
}

/** The secrets by URL and key: the local runtime asks before each invocation. */
const known = new Map<string, Secrets>()

/** Returns the callers of all engines, and their orchestrators by the names of their secrets. */
export function engineSecrets(host: EngineHost): Secrets {
  const id = `${host.url} ${host.key()}`
  const secrets = known.get(id) ?? createSecrets(host)
  known.set(id, secrets)
  return secrets
}

function createSecrets(host: EngineHost): Secrets {
  const all = engines.map((engine) => engine.secrets(placeOf(engine, host)))
  return {
    callers: Object.assign({}, ...all.map(({ callers }) => callers)),
    orchestrators: Object.assign({}, ...all.map(({ orchestrators }) => orchestrators)),
  }
}
