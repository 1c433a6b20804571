import type { IncomingMessage, ServerResponse } from 'node:http'
import { connectionPath } from '../../../shared/providers/connections.ts'
import { registerSecret } from '../../../shared/redact.ts'
import type { Sandbox } from '../../platforms/sandbox/index.ts'
import type { LocalCloud } from '../cloud/index.ts'
import type { RuntimeEvent } from '../runtime.ts'
import type { LocalSecrets } from '../secrets.ts'
import { actionViews } from './action-views.ts'
import { detailOf, summaryOf } from './call-view.ts'
import { createChangeNotifier } from './change-notifier.ts'
import { createEventStream } from './event-stream.ts'
import { describeFaults } from './fault-descriptions.ts'
import { inboundOf, responseOf } from './inbound.ts'
import { Journal } from './journal.ts'
import { latestResultId } from './latest-result.ts'
import { createRoutes } from './routes.ts'
import { send } from './send.ts'
import { createSequences } from './sequences.ts'

export { prefersPage, sendAsset } from './assets.ts'

interface ConsoleOptions {
  /** URL of the runtime. */
  url: string
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

/** Creates the console, which shows calls with their outcome, runs sequences and sends examples. */
export function createConsole({ url, cloud, sandbox, secrets, token }: ConsoleOptions): Console {
  const stream = createEventStream()
  const changes = createChangeNotifier(
    stream,
    (id) => {
      const entry = journal.entry(id)
      return entry && summaryOf(entry, cloud)
    },
    () => journal.hasDropped,
  )
  const journal: Journal = new Journal(cloud, changes)
  const sequences = createSequences(url, token, (view, line) => stream.send('sequence', { ...view, line }))
  const handle = createRoutes({
    calls: () => ({
      calls: journal.entries().map((entry) => summaryOf(entry, cloud)),
      hasDropped: journal.hasDropped,
    }),
    call(id) {
      const entry = journal.entry(id)
      return entry && detailOf(entry, cloud, sandbox.keptn.events())
    },
    actions: () =>
      actionViews({
        hasConnection: (category, connection) => secrets.names().includes(connectionPath(category, connection)),
        latestId: (category, actions) => latestResultId(journal, cloud, category, actions),
      }),
    async send(category, action, query, body) {
      const sent = await send(url, token(), category, action, query, body)
      return { ...sent, id: journal.latestOf(`/v1/${category}/${action}`)?.id }
    },
    faults: () => describeFaults(),
    sequences: () => sequences.list(),
    run: (name) => sequences.run(name),
    stop: (name) => sequences.stop(name),
    openStream: (res) => stream.add(res),
  })

  return {
    handle(req, res, path) {
      registerSecret(token())
      registerSecrets(secrets)
      return handle(req, res, path)
    },
    received: (id, req, body) => journal.received(id, inboundOf(req, body)),
    responded: (id, response) =>
      journal.responded(id, responseOf(response.statusCode, response.body), taskIdIn(response)),
    observe(event) {
      if (event.from === 'cloud') journal.observe(event)
      if (event.from === 'sandbox') changes.sandboxChanged()
    },
    sandboxChanged: () => changes.sandboxChanged(),
    close() {
      changes.close()
      sequences.close()
      stream.close()
    },
  }
}

/** Returns the task that a call has started or found. Gates name it in a header. */
function taskIdIn({ statusCode, headers, body }: SentResponse): string | undefined {
  if (statusCode === 202) return (JSON.parse(body) as { taskId?: string }).taskId
  const id = headers?.['x-task-id']
  return id === undefined ? undefined : String(id)
}

/** Registers all secrets, so that they are masked everywhere. */
function registerSecrets(secrets: LocalSecrets): void {
  for (const name of secrets.names()) {
    try {
      JSON.parse(secrets.get(name) ?? 'null', (property, value) => {
        if (typeof value === 'string' && /(token|secret|password|key)$/i.test(property)) registerSecret(value)
        return value
      })
    } catch {
      // Functions cannot use a secret that is not JSON, so it does not appear anywhere.
    }
  }
}
