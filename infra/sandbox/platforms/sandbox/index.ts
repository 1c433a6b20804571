import { setMaxListeners } from 'node:events'
import { engines, targetOf } from '../../engines/index.ts'
import { createEnginesPage } from '../../engines/page.ts'
import { type EngineHost, placeOf } from '../../engines/place.ts'
import { createEngineRuns } from '../../engines/runs.ts'
import { createAdminApi } from './admin-api.ts'
import { createFaults } from './faults.ts'
import { type Platform, send } from './http.ts'
import { startNotifier } from './notifications/notifier.ts'
import { createPlatforms } from './platforms.ts'
import { createRequestHandler } from './request-handler.ts'
import type { LoggedRequest, Sandbox, SandboxObservation } from './sandbox.ts'
import { openStore } from './store.ts'

export interface SandboxOptions {
  /** The folder of the database. */
  state: string
  /** Receives the button clicks in Slack: the request URL of the app. */
  interactivityUrl?: string
  /** The runtime of the engines. Without it, no engine receives answers. */
  engines?: EngineHost
  /** Whether the platforms notify that runtime of their runs. */
  notifies?: boolean
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
  const { state, interactivityUrl, engines: host, notifies = false, timeScale = 1, observe = () => undefined } = options
  const store = openStore(state)
  const closing = new AbortController()
  // Each pending request adds a listener.
  setMaxListeners(0, closing.signal)
  store.deleteOld()
  const cleanup = setInterval(() => store.deleteOld(), CLEANUP_INTERVAL_MS).unref()

  const faults = createFaults(store)
  const engineRuns = createEngineRuns(store)
  const requests = store.collection<LoggedRequest>('requests')
  const platforms = createPlatforms(store, {
    timeScale,
    interactivityUrl,
    recorded: ({ at, via, event }) =>
      observe({ at, target: 'keptn', method: 'EVENT', path: event.type, status: null, note: `via ${via}` }),
  })
  const notifications =
    host && notifies ? startNotifier(store, platforms, { faults, host, timeScale, closing: closing.signal }) : () => []
  const byTarget = new Map<string, Platform>(Object.entries(platforms))
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
    notifications,
    requests: (target) => requests.list().filter((request) => target === undefined || request.target === target),
    empty: store.empty,
  }
  const handle = createRequestHandler(byTarget, createAdminApi(sandbox), {
    faults,
    requests,
    observe,
    closing: closing.signal,
  })
  return sandbox
}
