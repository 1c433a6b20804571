import { setMaxListeners } from 'node:events'
import { engines, targetOf } from '../../engines/index.ts'
import { createEnginesPage } from '../../engines/page.ts'
import { type EngineHost, placeOf } from '../../engines/place.ts'
import { createEngineRuns } from '../../engines/runs.ts'
import { createDatabricks } from '../databricks/index.ts'
import { createDynatrace } from '../dynatrace/index.ts'
import { createTool } from '../generic-api/index.ts'
import { createGitHub } from '../github/index.ts'
import { createKeptn } from '../keptn/index.ts'
import { createSso } from '../keptn/sso.ts'
import { createRundeck } from '../rundeck/index.ts'
import { createServiceNow } from '../servicenow/index.ts'
import { createShop } from '../shop.ts'
import { createSlack } from '../slack/index.ts'
import { createToxiproxy } from '../toxiproxy/index.ts'
import { createUnleash } from '../unleash/index.ts'
import { createAdminApi } from './admin-api.ts'
import { createFaults } from './faults.ts'
import { type Platform, type PlatformTarget, send } from './http.ts'
import { createRequestHandler } from './request-handler.ts'
import { deleteOld } from './retention.ts'
import type { Sandbox, SandboxObservation } from './sandbox.ts'
import { openStore, type Store } from './store.ts'

export interface SandboxOptions {
  /** The folder of the database. */
  state: string
  /** Receives the button clicks in Slack: the request URL of the app. */
  interactivityUrl?: string
  /** The runtime of the engines. Without it, no engine receives answers. */
  engines?: EngineHost
  /** For tests: divides the durations of workflow runs and job runs. */
  timeScale?: number
  /** Called once for each completed request, except those to the shop, and once for each Keptn event. */
  observe?: (observation: SandboxObservation) => void
}

const CLEANUP_INTERVAL_MS = 60_000

/**
 * Creates the sandbox: fake platforms for the local runtime, each at `/sandbox/<target>`. They accept the credentials in
 * `demo` only; the shop and Toxiproxy need none. `/sandbox/faults` makes them fail, and the other lists of the admin API
 * show their records.
 *
 * @throws if the state folder is not writable
 */
export function createSandbox(options: SandboxOptions): Sandbox {
  const { state, engines: host, observe = () => undefined } = options
  const store = openStore(state)
  const closing = new AbortController()
  // Each pending request adds a listener.
  setMaxListeners(0, closing.signal)
  deleteOld(store)
  const cleanup = setInterval(() => deleteOld(store), CLEANUP_INTERVAL_MS).unref()

  const faults = createFaults(store)
  const engineRuns = createEngineRuns(store)
  const platforms = createPlatforms(store, options)
  const byTarget = targetsOf(platforms)
  byTarget.set('engines', createEnginesPage(engineRuns, faults))
  for (const engine of host ? engines : []) {
    const platform = host && engine.platform?.(engineRuns, placeOf(engine, host))
    if (platform) byTarget.set(targetOf(engine), platform)
  }

  const sandbox: Sandbox = {
    async handle(req, res) {
      try {
        await handle(req, res)
      } catch (error) {
        // This includes clients that disconnect while they send the body.
        const message = error instanceof Error ? error.message : String(error)
        send(res, { status: 500, body: `Sandbox error: ${message}\n` })
      }
    },
    close() {
      if (closing.signal.aborted) return
      closing.abort()
      clearInterval(cleanup)
      store.close()
    },
    ...platforms,
    faults,
    engineRuns,
    requests: (target) => store.requests(target),
    empty() {
      faults.remove()
      store.empty()
    },
  }
  const handle = createRequestHandler(byTarget, createAdminApi(sandbox), {
    faults,
    store,
    observe,
    closing: closing.signal,
  })
  return sandbox
}

function createPlatforms(store: Store, { interactivityUrl, timeScale = 1, observe }: SandboxOptions) {
  const sso = createSso(store)
  return {
    github: createGitHub(store, timeScale),
    serviceNow: createServiceNow(store),
    unleash: createUnleash(store),
    toxiproxy: createToxiproxy(store),
    databricks: createDatabricks(store, timeScale),
    rundeck: createRundeck(store, timeScale),
    slack: createSlack(store, interactivityUrl),
    dynatrace: createDynatrace(store),
    tool: createTool(store, timeScale),
    sso,
    keptn: createKeptn(store, sso, ({ at, via, event }) => {
      observe?.({ at, target: 'keptn', method: 'EVENT', path: event.type, status: null, note: `via ${via}` })
    }),
  }
}

function targetsOf({ serviceNow, ...others }: ReturnType<typeof createPlatforms>): Map<string, Platform> {
  const shop = createShop(() => others.toxiproxy.passage('shop-db'))
  const platforms: Record<PlatformTarget, Platform> = { ...others, servicenow: serviceNow, shop }
  return new Map(Object.entries(platforms))
}
