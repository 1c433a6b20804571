import { type Callers, readCallers } from '../../auth/callers.ts'
import { readIdentityKey } from '../../auth/identity-key.ts'
import { loadOrchestrator } from '../../orchestrators/index.ts'
import type { Category } from '../../providers/category.ts'
import { readConnection } from '../../providers/connections.ts'

/** Most deployments have fewer. Each one is a secret to read. */
const MAX_PRELOADED = 3

/**
 * Does the work of the first call that does not depend on it: reads the secrets and loads the code that most calls need. Lambda
 * runs init at full speed, and calls at the function's share of a processor, which is a third of it or less.
 *
 * Does not throw: a call that needs what could not be loaded reports it.
 */
export async function preload(category: Category): Promise<void> {
  loadLazyGlobals()
  await Promise.allSettled([
    readIdentityKey(),
    import('../../state/idempotency.ts'),
    readCallers(false).then((callers) => preloadFor(category, callers)),
  ])
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
