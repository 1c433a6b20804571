import { createDatabricks } from '../databricks/index.ts'
import { createDynatrace } from '../dynatrace/index.ts'
import { createTool } from '../generic-api/index.ts'
import { createGitHub } from '../github/index.ts'
import { createKeptn } from '../keptn/index.ts'
import type { RecordedEvent } from '../keptn/recorded-event.ts'
import { createSso } from '../keptn/sso.ts'
import { createRundeck } from '../rundeck/index.ts'
import { createServiceNow } from '../servicenow/index.ts'
import { createShop } from '../shop.ts'
import { createSlack } from '../slack/index.ts'
import { createToxiproxy } from '../toxiproxy/index.ts'
import { createUnleash } from '../unleash/index.ts'
import type { Platform, PlatformTarget } from './http.ts'
import type { Store } from './store.ts'

interface PlatformOptions {
  /** Divides the durations of workflow runs and job runs. */
  timeScale: number
  /** Receives the button clicks in Slack. */
  interactivityUrl: string | undefined
  /** Called for each event that Keptn records. */
  recorded(event: RecordedEvent): void
}

export type Platforms = ReturnType<typeof createPlatforms>

/** Creates the platforms of the sandbox, by their targets. */
export function createPlatforms(store: Store, { timeScale, interactivityUrl, recorded }: PlatformOptions) {
  const toxiproxy = createToxiproxy(store)
  const sso = createSso(store)
  return {
    github: createGitHub(store, timeScale),
    servicenow: createServiceNow(store),
    unleash: createUnleash(store),
    keptn: createKeptn(store, sso, recorded),
    sso,
    shop: createShop(() => toxiproxy.passage('shop-db')),
    toxiproxy,
    databricks: createDatabricks(store, timeScale),
    rundeck: createRundeck(store, timeScale),
    slack: createSlack(store, interactivityUrl),
    dynatrace: createDynatrace(store),
    tool: createTool(store, timeScale),
  } satisfies Record<PlatformTarget, Platform>
}
