import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EngineRuns } from '../../engines/runs.ts'
import type { Faults } from './faults.ts'
import type { Target } from './http.ts'
import type { SentNotification } from './notifications/notifier.ts'
import type { Platforms } from './platforms.ts'

export interface Sandbox extends Platforms {
  /** Responds to requests to `/sandbox` and below. Never rejects. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>
  /** Closes pending connections and the database. */
  close(): void
  faults: Faults
  engineRuns: EngineRuns
  /** The notifications of the platforms, oldest first. */
  notifications(): SentNotification[]
  /** All requests except those to the shop, oldest first. */
  requests(target?: Target): LoggedRequest[]
  /** Deletes everything, including faults. */
  empty(): void
}

/** A request in the list `/sandbox/requests`. */
export interface LoggedRequest {
  at: string
  target: Target
  method: string
  path: string
  /** Null if no response was sent. */
  status: number | null
  fault: string | null
}

export interface SandboxObservation {
  at: string
  target: Target
  /** The HTTP method; `EVENT` for a Keptn event. */
  method: string
  /** The path relative to the target, or the type of a Keptn event. */
  path: string
  /** Null if no response was sent, and for a Keptn event. */
  status: number | null
  note: string
}
