import { setMaxListeners } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
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
import {
  type Answer,
  type Call,
  isForeignForm,
  isLocal,
  type Platform,
  type PlatformTarget,
  readBody,
  send,
  sendInTime,
  type Target,
} from './http.ts'
import { injectFault } from './inject-fault.ts'
import { deleteOld } from './retention.ts'
import type { Sandbox, SandboxObservation } from './sandbox.ts'
import { openStore } from './store.ts'

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
  const { state, interactivityUrl, timeScale = 1, observe = () => undefined } = options
  const store = openStore(state)
  const closing = new AbortController()
  // Each pending request adds a listener.
  setMaxListeners(0, closing.signal)
  deleteOld(store)
  const cleanup = setInterval(() => deleteOld(store), CLEANUP_INTERVAL_MS).unref()

  const faults = createFaults(store)
  const github = createGitHub(store, timeScale)
  const serviceNow = createServiceNow(store)
  const unleash = createUnleash(store)
  const toxiproxy = createToxiproxy(store)
  const databricks = createDatabricks(store, timeScale)
  const rundeck = createRundeck(store, timeScale)
  const slack = createSlack(store, interactivityUrl)
  const dynatrace = createDynatrace(store)
  const tool = createTool(store, timeScale)
  const sso = createSso(store)
  const keptn = createKeptn(store, sso, ({ at, via, event }) => {
    observe({ at, target: 'keptn', method: 'EVENT', path: event.type, status: null, note: `via ${via}` })
  })
  const engineRuns = createEngineRuns(store)
  const platforms: Record<PlatformTarget, Platform> = {
    github,
    servicenow: serviceNow,
    unleash,
    keptn,
    sso,
    shop: createShop(() => toxiproxy.passage('shop-db')),
    toxiproxy,
    databricks,
    rundeck,
    slack,
    dynatrace,
    tool,
  }
  const byTarget = new Map<string, Platform>(Object.entries(platforms))
  byTarget.set('engines', createEnginesPage(engineRuns, faults))
  const { engines: host } = options
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
    faults,
    github,
    serviceNow,
    unleash,
    toxiproxy,
    databricks,
    rundeck,
    slack,
    dynatrace,
    tool,
    keptn,
    sso,
    engineRuns,
    requests: (target) => store.requests(target),
    empty() {
      faults.remove()
      store.empty()
    },
  }
  const adminApi = createAdminApi(sandbox)

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = URL.parse(req.url ?? '/', 'http://sandbox.invalid')
    const parsed = /^\/sandbox(?:\/(engines\/[^/]+|[^/]*)(\/.*)?)?$/.exec(url?.pathname ?? '')
    if (!parsed) return void send(res, { status: 404, body: 'Not found. The sandbox responds below /sandbox/ only.\n' })
    const [, name = '', path = '/'] = parsed
    const { body, size } = await readBody(req)
    if (closing.signal.aborted) return void res.destroy()
    const call: Call = {
      method: req.method ?? 'GET',
      path,
      query: new URLSearchParams(url?.search),
      headers: req.headers,
      body,
      size,
      root: `http://${req.headers.host ?? 'localhost'}/sandbox/${name}`,
    }
    const platform = byTarget.get(name)
    const page = call.method === 'GET' ? platform?.page?.(call) : undefined
    const act = call.method === 'POST' ? platform?.actions?.[path] : undefined
    if (platform && !page && !act) return platformCall(name as Target, platform, call, res)
    if (!isLocal(req) || (act && isForeignForm(call))) {
      return void send(res, {
        status: 403,
        body: 'Forbidden. The sandbox accepts this request from its own machine only.\n',
      })
    }
    send(res, act ? await act(call) : (page ?? adminApi(name, call)))
  }

  async function platformCall(target: Target, platform: Platform, call: Call, res: ServerResponse): Promise<void> {
    const at = new Date().toISOString()
    const { method } = call
    const path = platform.shownPath?.(call.path) ?? call.path
    const fault = faults.take(target, call)
    const seq = platform.unlisted
      ? undefined
      : store.requestReceived({ at, target, method, path, fault: fault?.kind ?? null })
    let note = ''
    const carryOut = (): Answer => {
      const answer = platform.answer(call)
      note = answer.note ?? ''
      return answer
    }

    const status = fault
      ? await injectFault(fault, platform, call, res, carryOut, closing.signal)
      : await sendInTime(res, carryOut(), closing.signal)
    if (closing.signal.aborted || seq === undefined) return
    store.requestAnswered(seq, status)
    observe({
      at,
      target,
      method,
      path,
      status,
      note: [fault && `fault ${fault.kind}`, note].filter(Boolean).join(': '),
    })
  }

  return sandbox
}
