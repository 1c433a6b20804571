import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Failure } from '../../../shared/errors.ts'
import { DEFAULT_ORCHESTRATOR } from '../../../shared/orchestrators/index.ts'
import { connectionPath } from '../../../shared/providers/connections.ts'
import { registerSecret } from '../../../shared/redact.ts'
import { settings } from '../../../shared/settings.ts'
import type { Sandbox } from '../../sandbox/platforms/sandbox/sandbox.ts'
import type { LocalCloud } from '../cloud/index.ts'
import { operateOnRuntime } from '../operator/operate-on-runtime.ts'
import type { TaskOperation } from '../operator/operate-on-task.ts'
import type { RuntimeEvent } from '../runtime-event.ts'
import type { LocalSecrets } from '../secrets.ts'
import { actionViews } from './action-views.ts'
import { codeOf } from './as-code/index.ts'
import { callList } from './call-list.ts'
import type { CallRecord } from './call-record.ts'
import { CallStore } from './call-store.ts'
import type { ViewContext } from './call-summary.ts'
import { detailOf, summaryOf } from './call-view.ts'
import { cliCommands } from './cli-commands.ts'
import { engineTitle } from './engine-title.ts'
import { createEventStream } from './event-stream.ts'
import { describeFaults } from './fault-descriptions.ts'
import { inboundOf, responseOf } from './inbound.ts'
import { Journal } from './journal.ts'
import { latestResultId } from './latest-result.ts'
import { overviewOf } from './overview.ts'
import { ProviderTitles } from './provider-titles.ts'
import { type Rerun, rerunOf } from './rerun.ts'
import { createRoutes, type OperatorApi } from './routes.ts'
import { send } from './send.ts'
import { createSequences } from './sequences.ts'

export { prefersPage, sendAsset } from './assets.ts'

interface ConsoleOptions {
  /** URL of the runtime. */
  url: string
  /** Folder of all persistent data. */
  state: string
  cloud: LocalCloud
  sandbox: Pick<Sandbox, 'keptn'>
  secrets: LocalSecrets
  /** Returns the token for calls to the runtime. */
  token: () => string
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
  observe(event: RuntimeEvent): void
  /** Must be called if the user has changed the sandbox. */
  sandboxChanged(): void
  close(): void
}

/** The sandbox may change several times within milliseconds. */
const SANDBOX_BATCH_MS = 200

/** Creates the console, which shows calls with their outcome, runs sequences and sends examples. */
export function createConsole({ url, state, cloud, sandbox, secrets, token }: ConsoleOptions): Console {
  const stream = createEventStream()
  const store = new CallStore(join(state, 'console.db'))
  const titles = new ProviderTitles()
  const context: ViewContext & { cloud: LocalCloud } = {
    cloud,
    providerOf: (category, connection) => textIn(secrets.get(connectionPath(category, connection)), 'provider'),
    titleOf: (category, provider) => titles.titleOf(category, provider),
    orchestratorOf(caller) {
      const all = jsonIn(secrets.get(`${settings.secretPrefix}/callers`) ?? '')
      return textIn(JSON.stringify(all[caller]), 'orchestrator') || DEFAULT_ORCHESTRATOR
    },
    engineOf(orchestrator) {
      const type = textIn(secrets.get(`${settings.secretPrefix}/orchestrators/${orchestrator}`), 'type') || orchestrator
      return engineTitle(type)
    },
  }
  let version: string | undefined
  /** Registers the secrets, which are masked before a call is stored or sent to a page. */
  const registerAll = () => {
    if (secrets.version() === version) return
    version = secrets.version()
    registerSecrets(secrets)
    registerSecret(token())
    void loadTitles(secrets, titles)
  }
  registerAll()
  const journal = new Journal(context, store, (changed, removed) => {
    if (stream.hasPages) stream.send('calls', { changed, removed })
  })
  const sequences = createSequences(url, token, store, (view, line) => stream.send('sequence', { ...view, line }))
  let sandboxTimer: NodeJS.Timeout | undefined
  let isClosed = false
  const sandboxChanged = () => {
    if (!stream.hasPages) return
    sandboxTimer ??= setTimeout(() => {
      sandboxTimer = undefined
      stream.send('sandbox', {})
    }, SANDBOX_BATCH_MS).unref()
  }

  /** Sends a call, and returns the id under which the console shows it. */
  async function sendCall(category: string, action: string, query: string, body: unknown, origin?: string) {
    const sent = await send(url, token(), { category, action, query, body, origin })
    journal.flush()
    const { taskId } = jsonIn(sent.body)
    const [latest] = store.list({ fields: { category: [category], action: [action] } }, 0, 1)
    return { ...sent, id: typeof taskId === 'string' ? taskId : latest?.id }
  }

  function operate(category: string, taskId: string, operation: TaskOperation): Promise<object> {
    const { endpoint, dynamodb, credentials } = cloud
    return operateOnRuntime({ endpoint, dynamodb, ...credentials }, { category, taskId, operation })
  }

  /** Sends the request of a call again. If it cannot be repeated, the task is run again with its input. */
  async function runAgain(record: CallRecord) {
    let again: Rerun
    try {
      again = rerunOf(record.requests[0])
    } catch (error) {
      const { category, verdict, endedAt } = summaryOf(record, context)
      const hasPassed = verdict === 'pass' || verdict === 'warning'
      if (!(error instanceof Failure) || record.arn === undefined || endedAt === undefined || hasPassed) throw error
      const started = await operate(category, record.id, 'rerun')
      return { status: 202, body: '', id: (started as { taskId: string }).taskId }
    }
    return sendCall(again.category, again.action, again.query, again.body, record.id)
  }

  const reads = {
    calls(query: URLSearchParams) {
      journal.flush()
      return callList(store, query, Date.now())
    },
    call(id: string) {
      const record = recordOf(id)
      return record && detailOf(record, context, sandbox.keptn.events())
    },
    overview(ms: number) {
      journal.flush()
      return overviewOf(store, ms, Date.now())
    },
    openStream: (res: ServerResponse) => stream.add(res),
  }
  const operator: OperatorApi = {
    async act(id, what) {
      const record = recordOf(id)
      if (!record) return undefined
      if (what === 'rerun') return runAgain(record)
      const { category, verdict, endedAt } = summaryOf(record, context)
      if (record.arn === undefined) throw new Failure('invalid', 'Only interactive calls have a task.')
      if (what === 'try') {
        if (verdict !== 'retrying') throw new Failure('invalid', 'This call does not wait for its next attempt.')
        cloud.skipWait(record.arn)
        return { status: 202, body: '' }
      }
      if (what === 'cancel' && endedAt !== undefined) throw new Failure('invalid', 'This call has ended.')
      await operate(category, record.id, what)
      return { status: 202, body: '' }
    },
  }
  const handle = createRoutes(reads, operator, {
    actions: () =>
      actionViews({
        connections: connectionsOf,
        latestId: (category, actions) => latestResultId(store, context, category, actions),
      }),
    send: (category, action, query, body) => sendCall(category, action, query, body),
    code: (category, action, query, body) => codeOf(url, { category, action, query, body }),
    faults: () => describeFaults(),
    commands: () => cliCommands(state, store),
    sequences: () => sequences.list(),
    run: (name) => sequences.run(name),
    stop: (name) => sequences.stop(name),
  })

  function connectionsOf(category: string) {
    const folder = connectionPath(category, '')
    const names = secrets.names().filter((name) => name.startsWith(folder))
    return names.map((path) => {
      const name = path.slice(folder.length)
      return { name, provider: context.providerOf(category, name) }
    })
  }

  /** Finds a call by its id or a unique start of it. */
  function recordOf(id: string) {
    journal.flush()
    const complete = store.completeId(id)
    return journal.record(id) ?? (complete === undefined ? undefined : journal.record(complete))
  }

  return {
    handle(req, res, path) {
      registerAll()
      return handle(req, res, path)
    },
    received(id, req, body) {
      registerAll()
      journal.received(id, inboundOf(req, body))
    },
    responded: (id, response) =>
      journal.responded(id, responseOf(response.statusCode, response.body), taskIdIn(response)),
    observe(event) {
      if (event.from === 'cloud' && event.kind === 'request') registerAll()
      if (event.from === 'cloud') journal.observe(event)
      if (event.from === 'sandbox') sandboxChanged()
    },
    sandboxChanged,
    close() {
      if (isClosed) return
      isClosed = true
      clearTimeout(sandboxTimer)
      sequences.close()
      stream.close()
      journal.close()
      store.close()
    },
  }
}

function textIn(secret: string | undefined, field: string): string {
  const value = jsonIn(secret ?? '')[field]
  return typeof value === 'string' ? value : ''
}

function jsonIn(text: string): Record<string, unknown> {
  try {
    return (JSON.parse(text) ?? {}) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** Returns the task that a call has started or found. Gates and silent calls name it in a header. */
function taskIdIn({ statusCode, headers, body }: SentResponse): string | undefined {
  if (statusCode === 202) return (JSON.parse(body) as { taskId?: string }).taskId
  const id = headers?.['x-task-id']
  return id === undefined ? undefined : String(id)
}

/** Loads the titles of the providers of all connections. A provider that does not load has none: a call that uses it shows why. */
async function loadTitles(secrets: LocalSecrets, titles: ProviderTitles): Promise<void> {
  const prefix = connectionPath('', '').slice(0, -1)
  const names = secrets.names().filter((name) => name.startsWith(prefix))
  await Promise.allSettled(
    names.map((name) =>
      titles.load(name.slice(prefix.length).split('/', 1)[0] ?? '', textIn(secrets.get(name), 'provider')),
    ),
  )
}

/** Registers all secrets, so that they are masked everywhere. */
function registerSecrets(secrets: LocalSecrets): void {
  for (const name of secrets.names()) {
    try {
      JSON.parse(secrets.get(name) ?? 'null', (property, value) => {
        if (typeof value === 'string' && /(token|secret|password|key)$/i.test(property)) registerSecret(value)
        // All values of these are secret.
        if (property === 'secrets' || property === 'secretHeaders')
          Object.values(value).map(String).forEach(registerSecret)
        return value
      })
    } catch {
      // Functions cannot use a secret that is not JSON, so it does not appear anywhere.
    }
  }
}
