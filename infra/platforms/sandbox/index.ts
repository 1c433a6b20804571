import { setMaxListeners } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createDatabricks, type Databricks } from '../databricks/index.ts'
import { createDynatrace, type Dynatrace } from '../dynatrace/index.ts'
import { createTool, type Tool } from '../generic-api/index.ts'
import { createGitHub, type GitHub } from '../github/index.ts'
import { createKeptn, type Keptn } from '../keptn/index.ts'
import { createSso, type Sso } from '../keptn/sso.ts'
import { createRundeck, type Rundeck } from '../rundeck/index.ts'
import { createServiceNow, type ServiceNow } from '../servicenow/index.ts'
import { createShop } from '../shop.ts'
import { createSlack, type Slack } from '../slack/index.ts'
import { createToxiproxy, type Toxiproxy } from '../toxiproxy/index.ts'
import { createUnleash, type Unleash } from '../unleash/index.ts'
import { createLists } from './admin-api.ts'
import { createFaults, type Faults } from './faults.ts'
import {
  type Answer,
  type Call,
  isForeignForm,
  isLocal,
  type Platform,
  readBody,
  send,
  sendInTime,
  type Target,
  targets,
} from './http.ts'
import { spoil } from './inject-fault.ts'
import { forgetOld } from './retention.ts'
import { type LoggedRequest, openStore } from './store.ts'

export interface SandboxOptions {
  /** A folder for `sandbox.db`, in which everything survives the death of the process. */
  state: string
  /** Where a click in the chat goes: the request URL that an app gives to Slack. Without it, nowhere. */
  clicksTo?: string
  /** Told once of every call in, but not to the shop, and once of every Keptn event, as soon as it is over. */
  observe?: (observation: SandboxObservation) => void
}

export interface SandboxObservation {
  at: string
  target: Target
  /** The HTTP method; `EVENT` for a Keptn event. */
  method: string
  /** The path below the target; the type of a Keptn event. */
  path: string
  /** Null where no answer went out, and for a Keptn event. */
  status: number | null
  note: string
}

export interface Sandbox {
  /** Answers any path below `/sandbox/`, and `/sandbox` itself; never rejects. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>
  /** Ends what hangs and closes the database. */
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
  /** Every call in so far but to the shop, oldest first. */
  requests(target?: Target): LoggedRequest[]
  /** Forgets everything, faults too. */
  empty(): void
}

/** In milliseconds. */
const forgetEvery = 60_000

/**
 * The platforms that stand in for the real ones while no account is there: GitHub's issues and Actions at
 * `/sandbox/github`, ServiceNow's incidents at `/sandbox/servicenow`, Unleash's flags at `/sandbox/unleash`, jobs of
 * Databricks at `/sandbox/databricks` and of Rundeck at `/sandbox/rundeck`, a chat in Slack at `/sandbox/slack`, Dynatrace's
 * SLOs, whose values are set there, at `/sandbox/dynatrace`, somebody's own tool at `/sandbox/tool`, Keptn's API at `/sandbox/keptn`, the SSO that gives tokens for
 * it at `/sandbox/sso`, a shop to send load to at `/sandbox/shop`, and Toxiproxy between the shop and its database at
 * `/sandbox/toxiproxy`. But for the last two they take only the credentials of `demo`; they can be made to fail
 * (`/sandbox/faults`), and show what they were asked to do (`/sandbox/issues`, `/sandbox/incidents`, `/sandbox/flags`,
 * `/sandbox/runs`, `/sandbox/toxics`, `/sandbox/messages`, `/sandbox/tickets`, `/sandbox/slos`, `/sandbox/reports`, `/sandbox/events`,
 * `/sandbox/requests`).
 * @throws when the state folder cannot be written
 */
export function createSandbox({ state, clicksTo, observe = () => undefined }: SandboxOptions): Sandbox {
  const store = openStore(state)
  const closing = new AbortController()
  // Every call that hangs listens, and a hundred may.
  setMaxListeners(0, closing.signal)
  forgetOld(store)
  const forgetting = setInterval(() => forgetOld(store), forgetEvery).unref()

  const faults = createFaults(store)
  const github = createGitHub(store)
  const serviceNow = createServiceNow(store)
  const unleash = createUnleash(store)
  const toxiproxy = createToxiproxy(store)
  const databricks = createDatabricks(store)
  const rundeck = createRundeck(store)
  const slack = createSlack(store, clicksTo)
  const dynatrace = createDynatrace(store)
  const tool = createTool(store)
  const sso = createSso(store)
  const keptn = createKeptn(store, sso, ({ at, via, event }) => {
    observe({ at, target: 'keptn', method: 'EVENT', path: event.type, status: null, note: `via ${via}` })
  })
  const platforms: Record<Target, Platform> = {
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

  const sandbox: Sandbox = {
    async handle(req, res) {
      try {
        await handle(req, res)
      } catch (error) {
        // A client that went away while it sent its body ends here as well; there is nobody to tell then.
        const message = error instanceof Error ? error.message : String(error)
        send(res, { status: 500, body: `The sandbox itself failed: ${message}\n` })
      }
    },
    close() {
      if (closing.signal.aborted) return
      closing.abort()
      clearInterval(forgetting)
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
    requests: (target) => store.requests(target),
    empty() {
      faults.remove()
      store.empty()
    },
  }
  const lists = createLists(sandbox)

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = URL.parse(req.url ?? '/', 'http://sandbox.invalid')
    const below = /^\/sandbox(?:\/([^/]*)(\/.*)?)?$/.exec(url?.pathname ?? '')
    if (!below) return void send(res, { status: 404, body: 'Only what is below /sandbox/ is here.\n' })
    const [, name = '', path = '/'] = below
    const { body, size } = await readBody(req)
    if (closing.signal.aborted) return void res.destroy()
    const call: Call = {
      method: req.method ?? 'GET',
      path,
      query: new URLSearchParams(url?.search),
      headers: req.headers,
      body,
      size,
      origin: `http://${req.headers.host ?? 'localhost'}`,
    }
    const target = targets.find((known) => known === name)
    const platform = target && platforms[target]
    const page = call.method === 'GET' ? platform?.page?.(call) : undefined
    const act = call.method === 'POST' ? platform?.actions?.[path] : undefined
    if (target && !page && !act) return platformCall(target, call, res)
    if (!isLocal(req) || (act && isForeignForm(call))) {
      return void send(res, { status: 403, body: 'The sandbox shows this to its own machine only.\n' })
    }
    send(res, act ? await act(call) : (page ?? lists(name, call)))
  }

  async function platformCall(target: Target, call: Call, res: ServerResponse): Promise<void> {
    const at = new Date().toISOString()
    const { method, path } = call
    const fault = faults.take(target, call)
    const platform = platforms[target]
    const seq = platform.unlisted
      ? undefined
      : store.requestBegan({ at, target, method, path, fault: fault?.kind ?? null })
    let note = ''
    const carryOut = (): Answer => {
      const answer = platform.answer(call)
      note = answer.note ?? ''
      return answer
    }

    const status = fault
      ? await spoil(fault, platform, call, res, carryOut, closing.signal)
      : await sendInTime(res, carryOut(), closing.signal)
    if (closing.signal.aborted || seq === undefined) return
    store.requestEnded(seq, status)
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
