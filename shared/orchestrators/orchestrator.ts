import * as z from 'zod/mini'
import type { Reply } from '../event/reply.ts'
import { readSecret } from '../secrets.ts'
import { keptn, keptnConnection } from './keptn.ts'

/** Where answers go back: an environment that runs sequences. */
export interface Orchestrator {
  /**
   * Sends an event. After a try that may have got through, the orchestrator is asked whether it has the event before it
   * is sent again.
   *
   * @param repeated whether an earlier try may have got through
   * @throws Failure; the caller tries again later
   */
  send(reply: Reply, repeated: boolean): Promise<void>
  /** Where people see a sequence. */
  linkTo(project: string, shkeptncontext: string): string
}

const head = z.looseObject({ type: z.literal('keptn') })

/**
 * The orchestrator of a caller, by its secret `orchestrators/<name>`.
 *
 * @throws Failure `unknown`, `misconfigured`, `unavailable`
 */
export async function loadOrchestrator(name: string, fresh = false): Promise<Orchestrator> {
  const path = `orchestrators/${name}`
  await readSecret(path, head, { fresh })
  return keptn(await readSecret(path, keptnConnection))
}
