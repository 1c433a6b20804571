import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { Policy } from '../../../shared/policy/policy.ts'
import type { EventsFile } from '../../../shared/sources/events-file.ts'
import type { Sandbox } from '../../sandbox/platforms/sandbox/sandbox.ts'
import type { LocalCloud } from '../cloud/index.ts'
import { stopsOfRuntime } from '../operator/operate-stops.ts'
import type { RuntimeEvent } from '../runtime-event.ts'
import type { LocalSecrets } from '../secrets.ts'
import { actionViews } from './action-views.ts'
import { type AlertsApi, createAlertsApi } from './alerts/alerts-api.ts'
import { codeOf } from './as-code/index.ts'
import { callList } from './call-list.ts'
import { createCallOperator } from './call-operator.ts'
import { CallStore } from './call-store.ts'
import { detailOf, withAsking } from './call-view.ts'
import { cliCommands } from './cli-commands.ts'
import { createEventStream, type EventStream } from './event-stream.ts'
import { describeFaults } from './fault-descriptions.ts'
import { inboundOf, responseOf } from './inbound.ts'
import { Journal } from './journal.ts'
import { latestResultId } from './latest-result.ts'
import { overviewOf } from './overview.ts'
import { PolicyDecisions } from './policy-decisions.ts'
import { policyView } from './policy-view.ts'
import { createRoutes, type ReadApi } from './routes.ts'
import { createSequences } from './sequences.ts'
import { sourceViews } from './source-views.ts'
import { stopViews } from './stop-views.ts'
import { turnLanes } from './turn-lanes.ts'
import { createContext, type LocalContext } from './view-context.ts'

export { prefersPage, sendAsset } from './assets.ts'

interface ConsoleOptions {
  /** URL of the runtime. */
  url: string
  /** Folder of all persistent data. */
  state: string
  cloud: LocalCloud
  sandbox: Pick<Sandbox, 'keptn'>
  secrets: LocalSecrets
  /** Returns the tokens for calls to the runtime. The first one is for calls that the console makes. */
  tokens: () => [string, ...string[]]
  /** The contents of `events.yaml`, or the sources of the sandbox, if there are any. */
  declared: EventsFile | undefined
  /** The path of `events.yaml`. Undefined for the sources of the sandbox. */
  eventsFile: string | undefined
  /** The rules that restrict calls, if there are any. */
  policy: Policy | undefined
}

/** The response of a webhook. */
interface SentResponse {
  statusCode: number
  headers?: Record<string, string | number | boolean> | undefined
  body: string
}

/** The web page that shows the local runtime, with its API. */
export interface Console {
  /** Handles requests below `/console/`. */
  handle(req: IncomingMessage, res: ServerResponse, path: string): unknown
  /** @param id of the request, which also identifies the log lines of its invocation */
  received(id: string, req: IncomingMessage, body: Buffer | undefined): void
  responded(id: string, response: SentResponse): void
  /** Must be called for each notification of a source that was verified. */
  notified(source: string, req: IncomingMessage, body: Buffer): void
  observe(event: RuntimeEvent): void
  /** Must be called if the user has changed the sandbox. */
  sandboxChanged(): void
  close(): void
}

/** The sandbox may change several times within milliseconds, and notifications arrive in a storm. */
const BATCH_MS = 200

/** Creates the console, which shows calls with their outcome, runs sequences and sends examples. */
export function createConsole(options: ConsoleOptions): Console {
  const { url, state, cloud, secrets, tokens } = options
  const token = () => tokens()[0]
  const stream = createEventStream()
  const store = new CallStore(join(state, 'console.db'))
  const context = createContext(cloud, secrets, tokens)
  context.refresh()
  const journal = new Journal(context, store, (changed, removed) => {
    if (stream.hasPages) stream.send('calls', { changed, removed })
  })
  const operator = createCallOperator(url, token, { context, store, journal })
  const sequences = createSequences(url, token, store, (view, line) => stream.send('sequence', { ...view, line }))
  const sandboxChanges = createChanges(stream, 'sandbox')
  const alerts = createAlertsApi({ state, cloud, declared: options.declared, file: options.eventsFile })
  const alertChanges = createChanges(stream, 'alerts')
  const stopChanges = createChanges(stream, 'stops')
  const decisions = new PolicyDecisions(Date.now())
  let isClosed = false
  const handle = createRoutes(createReads(stream, journal, { store, context, decisions, alerts, options }), operator, {
    actions: () =>
      actionViews({
        connections: context.connectionsOf,
        latestId: (category, actions) => latestResultId(store, context, category, actions),
      }),
    send: (category, action, query, body) => operator.send({ category, action, query, body }),
    code: (category, action, query, body) => codeOf(url, { category, action, query, body }),
    tryRules: (tried) => alerts.try(tried),
    faults: () => describeFaults(),
    commands: async () => cliCommands(state, store),
    sequences: () => sequences.list(),
    run: (name) => sequences.run(name),
    stop: (name) => sequences.stop(name),
  })

  return {
    handle(req, res, path) {
      context.refresh()
      return handle(req, res, path)
    },
    received(id, req, body) {
      context.refresh()
      journal.received(id, inboundOf(req, body))
    },
    responded(id, response) {
      const taskId = taskIdIn(response)
      if (taskId !== undefined) decisions.assign(id, taskId)
      journal.responded(id, responseOf(response.statusCode, response.body), taskId)
    },
    notified(source, req, body) {
      context.refresh()
      alerts.add(source, req, body)
      alertChanges.add()
    },
    observe(event) {
      if (event.from === 'cloud' && event.kind === 'request') context.refresh()
      if (event.from === 'cloud' && event.kind === 'log')
        decisions.addLine(randomUUID(), event.line, event.at, event.requestId ?? event.execution)
      if (event.from === 'cloud' && event.kind === 'log' && alerts.addLine(event.at, event.line)) alertChanges.add()
      if (event.from === 'cloud' && event.kind === 'log' && /"audit":"(?:stop|resume)"/.test(event.line))
        stopChanges.add()
      if (event.from === 'cloud') journal.observe(event)
      if (event.from === 'sandbox') sandboxChanges.add()
    },
    sandboxChanged: sandboxChanges.add,
    close() {
      if (isClosed) return
      isClosed = true
      sandboxChanges.close()
      alertChanges.close()
      stopChanges.close()
      alerts.close()
      sequences.close()
      stream.close()
      journal.close()
      store.close()
    },
  }
}

/** Reports changes to the pages, in batches. */
function createChanges(stream: EventStream, event: 'sandbox' | 'alerts' | 'stops') {
  let timer: NodeJS.Timeout | undefined
  return {
    add() {
      if (!stream.hasPages) return
      timer ??= setTimeout(() => {
        timer = undefined
        stream.send(event, {})
      }, BATCH_MS).unref()
    },
    close: () => clearTimeout(timer),
  }
}

function createReads(
  stream: EventStream,
  journal: Journal,
  {
    store,
    context,
    decisions,
    alerts,
    options,
  }: {
    store: CallStore
    context: LocalContext
    decisions: PolicyDecisions
    alerts: AlertsApi
    options: ConsoleOptions
  },
): ReadApi {
  const { cloud, sandbox, declared, policy } = options
  return {
    calls(query) {
      journal.flush()
      return callList(store, query, Date.now())
    },
    call(id) {
      const record = journal.record(id)
      journal.flush()
      return record && withAsking(detailOf(record, context, sandbox.keptn.events()), store)
    },
    async overview(ms) {
      journal.flush()
      const sources = declared && (await sourceViews(cloud, declared))
      return { ...overviewOf(store, ms, Date.now()), sources }
    },
    async policy() {
      journal.flush()
      const lanes = await turnLanes(cloud, policy)
      return { ...policyView({ policy }, store, decisions, Date.now()), lanes }
    },
    alerts: (query) => alerts.view(query.get('source') ?? undefined),
    notification: (id) => alerts.detail(Number(id)),
    stops: () => stopViews(stopsOfRuntime({ endpoint: cloud.endpoint, ...cloud.credentials })),
    openStream: (res) => stream.add(res),
  }
}

/** Returns the task that a call has started or found. Gates and silent calls name it in a header. */
function taskIdIn({ statusCode, headers, body }: SentResponse): string | undefined {
  if (statusCode === 202) return (JSON.parse(body) as { taskId?: string }).taskId
  const id = headers?.['x-task-id']
  return id === undefined ? undefined : String(id)
}
