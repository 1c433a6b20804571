import * as z from 'zod/mini'
import { readSecret } from '../auth/secrets.ts'
import type { Orchestrator } from './orchestrator.ts'

const head = z.looseObject({ type: z.literal('keptn') })

/**
 * Loads an orchestrator by its secret `orchestrators/<name>`.
 *
 * @param fresh reads the secret again, instead of from the cache
 * @throws Failure `unknown`, `misconfigured`, `unavailable`
 */
export async function loadOrchestrator(name: string, fresh = false): Promise<Orchestrator> {
  const path = `orchestrators/${name}`
  await readSecret(path, head, { fresh })
  // Loaded when used: silent calls do not need it.
  const { keptn, keptnConnection } = await import('./keptn/keptn.ts')
  return keptn(await readSecret(path, keptnConnection))
}
