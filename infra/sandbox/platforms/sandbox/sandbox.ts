import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EngineRuns } from '../../engines/runs.ts'
import type { Databricks } from '../databricks/index.ts'
import type { Dynatrace } from '../dynatrace/index.ts'
import type { Tool } from '../generic-api/index.ts'
import type { GitHub } from '../github/index.ts'
import type { Keptn } from '../keptn/index.ts'
import type { Sso } from '../keptn/sso.ts'
import type { Rundeck } from '../rundeck/index.ts'
import type { ServiceNow } from '../servicenow/index.ts'
import type { Slack } from '../slack/index.ts'
import type { Toxiproxy } from '../toxiproxy/index.ts'
import type { Unleash } from '../unleash/index.ts'
import type { Faults } from './faults.ts'
import type { Target } from './http.ts'
import type { LoggedRequest } from './store.ts'
export interface Sandbox {
  /** Responds to requests to `/sandbox` and below. Never rejects. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>
  /** Closes pending connections and the database. */
  close(): void
  faults: Faults
  github: Pick<GitHub, 'issues' | 'runs'>
  serviceNow: Pick<ServiceNow, 'incidents'>
  unleash: Pick<Unleash, 'flags'>
  toxiproxy: Pick<Toxiproxy, 'toxics'>
  databricks: Pick<Databricks, 'runs'>
  rundeck: Pick<Rundeck, 'runs'>
  slack: Pick<Slack, 'messages'>
  dynatrace: Pick<Dynatrace, 'slos' | 'reports'>
  tool: Pick<Tool, 'tickets' | 'runs'>
  keptn: Pick<Keptn, 'events' | 'visibleAfterMs'>
  sso: Pick<Sso, 'tokenSeconds' | 'revokeTokens'>
  engineRuns: EngineRuns
  /** All requests except those to the shop, oldest first. */
  requests(target?: Target): LoggedRequest[]
  /** Deletes everything, including faults. */
  empty(): void
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
