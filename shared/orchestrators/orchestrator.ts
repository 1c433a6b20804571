import * as z from 'zod/mini'
import { readSecret } from '../auth/secrets.ts'
import type { PreviousEvaluation } from '../evaluation/previous-evaluations.ts'
import type { Reply } from './keptn/reply.ts'

/** Where answers go back: an environment that runs sequences. */
export interface Orchestrator {
  /**
   * Sends an event. After a try that may have got through, the orchestrator is asked whether it has the event before it
   * is sent again.
   *
   * @param inDoubt how many earlier tries may have got through
   * @throws Failure; the caller tries again later
   */
  send(reply: Reply, inDoubt: number): Promise<void>
  /**
   * Whether it answers, takes our credentials and lets us read events; what we send can only be tried by sending.
   *
   * @throws Failure
   */
  check(): Promise<void>
  /** Where people see a sequence. */
  linkTo(project: string, shkeptncontext: string): string
  /**
   * The earlier evaluations of a service, the newest first.
   *
   * @throws Failure
   */
  evaluations(of: EvaluationsOf): Promise<PreviousEvaluation[]>
}

/** Which earlier evaluations are asked for. */
interface EvaluationsOf {
  /** The task that made them: `evaluation`. */
  task: string
  project: string
  stage: string
  service: string
  /** Those with such results only. */
  results: readonly string[]
  most: number
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
  // Loaded when used: a silent call answers nobody else.
  const { keptn, keptnConnection } = await import('./keptn/keptn.ts')
  return keptn(await readSecret(path, keptnConnection))
}
