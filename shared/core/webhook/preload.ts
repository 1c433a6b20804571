import { setTimeout } from 'node:timers/promises'
import { type Callers, readCallers } from '../../auth/callers.ts'
import { readIdentityKey } from '../../auth/identity-key.ts'
import { loadOrchestrator } from '../../orchestrators/index.ts'
import type { Category } from '../../providers/category.ts'
import { readConnection } from '../../providers/connections.ts'
import { MAX_STOP_AGE_MS } from '../start-gate.ts'
import { readStops } from '../stops.ts'

/** Most deployments have fewer. Each one is a secret to read. */
const MAX_PRELOADED = 3
/** Lambda ends init after 10 s, and then repeats it in the time of the first call. */
const MAX_DURATION_MS = 8_000

/**
 * Does the work of the first call that does not depend on it: reads the secrets and the stops, and loads the code that most calls need. Lambda
 * runs init at full speed, and calls at the function's share of a processor, which is a third of it or less.
 *
 * Does not throw: a call that needs what could not be loaded reports it.
 *
 * @param maxMs after this time, the rest is left to the first call
 */
export async function preload(category: Category, maxMs = MAX_DURATION_MS): Promise<void> {
  loadLazyGlobals()
  const loaded = Promise.allSettled([
    readIdentityKey(),
    import('../../state/silent-call-record.ts'),
    readStops(MAX_STOP_AGE_MS),
    readCallers(false).then((callers) => preloadFor(category, callers)),
  ])
  await Promise.race([loaded, setTimeout(maxMs, undefined, { ref: false })])
}

/** Node.js loads these parts of itself when they are first used. */
function loadLazyGlobals(): void {
  performance.now()
  void process.stdout.writable
}

/** Loads the connections and orchestrators that the callers of a category use by default. */
async function preloadFor(category: Category, callers: Callers): Promise<void> {
  const { name } = category
  const users = Object.values(callers).filter(({ categories }) => categories.includes('*') || categories.includes(name))
  const connections = new Set(users.map(({ connections: defaults = {} }) => defaults[name] ?? 'default'))
  const orchestrators = new Set(users.map(({ orchestrator }) => orchestrator))
  await Promise.allSettled([
    ...[...connections].slice(0, MAX_PRELOADED).map((connection) => readConnection(category, connection)),
    ...[...orchestrators].slice(0, MAX_PRELOADED).map((orchestrator) => loadOrchestrator(orchestrator)),
  ])
}
