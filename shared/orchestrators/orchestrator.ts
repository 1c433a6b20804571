import type { PreviousEvaluation } from '../evaluation/previous-evaluations.ts'
import type { Reply } from './keptn/reply.ts'

/** The system that runs sequences, calls the webhooks and receives their events. */
export interface Orchestrator {
  /**
   * Sends an event. If earlier attempts may have sent it, first asks the orchestrator whether it has the event.
   *
   * @param uncertainAttempts how many earlier attempts may have sent it
   * @throws Failure; the caller retries later
   */
  send(reply: Reply, uncertainAttempts: number): Promise<void>
  /**
   * Checks that the orchestrator responds, accepts the credentials and allows to read events. Does not send an event.
   *
   * @throws Failure
   */
  check(): Promise<void>
  /** Returns the URL where people see a sequence. */
  linkTo(project: string, shkeptncontext: string): string
  /**
   * Returns the previous evaluations of a service, newest first.
   *
   * @throws Failure
   */
  evaluations(query: EvaluationsQuery): Promise<PreviousEvaluation[]>
}

interface EvaluationsQuery {
  /** The task of the evaluations: `evaluation`. */
  task: string
  project: string
  stage: string
  service: string
  /** Only evaluations with one of these results. Empty for all. */
  results: readonly string[]
  limit: number
}
