import type { IncomingMessage, ServerResponse } from 'node:http'
import { connectionPath } from '../../../shared/providers/connections.ts'
import { registerSecret } from '../../../shared/redact.ts'
import type { Sandbox } from '../../platforms/sandbox/index.ts'
import type { LocalCloud } from '../cloud/index.ts'
import type { RuntimeEvent } from '../runtime.ts'
import type { LocalSecrets } from '../secrets.ts'
import { detailOf, summaryOf } from './call-view.ts'
import { createChanges } from './changes.ts'
import { actionViews } from './examples.ts'
import { faultViews } from './fault-views.ts'
import { answerOf, inboundOf } from './inbound.ts'
import { Journal } from './journal.ts'
import { newestMade } from './latest-result.ts'
import { createLive } from './live.ts'
import { createRoutes } from './routes.ts'
import { send } from './send.ts'
import { createSequences } from './sequences.ts'

export { prefersPage, sendAsset } from './assets.ts'

interface ConsoleOptions {
  /** Where the runtime listens. */
  url: string
  cloud: LocalCloud
  sandbox: Pick<Sandbox, 'keptn'>
  secrets: LocalSecrets
  /** The token with which it calls the runtime. */
  token: () => string
}

/** The page on which people watch the local runtime, and what stands behind it. */
export interface Console {
  /** Answers what is below `/console/`. */
  handle(req: IncomingMessage, res: ServerResponse, path: string): unknown
  /** @param id of the request, under which the lines of its invocation are logged */
  received(id: string, req: IncomingMessage, body: Buffer | undefined): void
  answered(id: string, status: number, body: string): void
  observe(event: RuntimeEvent): void
  /** Somebody has switched something in the sandbox by hand. */
  touched(): void
  close(): void
}

/** Shows what comes in, what becomes of it, and what goes out; plays sequences and sends examples when asked to. */
export function createConsole({ url, cloud, sandbox, secrets, token }: ConsoleOptions): Console {
  const live = createLive()
  const changes = createChanges(
    live,
    (id) => {
      const entry = journal.entry(id)
      return entry && summaryOf(entry, cloud)
    },
    () => journal.hasDropped,
  )
  const journal: Journal = new Journal(cloud, changes)
  const sequences = createSequences(url, token, (view, line) => live.tell('sequence', { ...view, line }))
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
        has: (category, connection) => secrets.names().includes(connectionPath(category, connection)),
        made: (category, actions) => newestMade(journal, cloud, category, actions),
      }),
    async send(category, action, query, body) {
      const sent = await send(url, token(), category, action, query, body)
      return { ...sent, id: journal.newestOf(`/v1/${category}/${action}`)?.id }
    },
    faults: () => faultViews(),
    sequences: () => sequences.list(),
    play: (name) => sequences.play(name),
    stop: (name) => sequences.stop(name),
    watch: (res) => live.add(res),
  })

  return {
    handle(req, res, path) {
      registerSecret(token())
      rememberSecrets(secrets)
      return handle(req, res, path)
    },
    received: (id, req, body) => journal.received(id, inboundOf(req, body)),
    answered: (id, status, body) => journal.answered(id, answerOf(status, body), taskIn(status, body)),
    observe(event) {
      if (event.from === 'cloud') journal.observe(event)
      if (event.from === 'sandbox') changes.sandbox()
    },
    touched: () => changes.sandbox(),
    close() {
      changes.close()
      sequences.close()
      live.close()
    },
  }
}

function taskIn(status: number, body: string): string | undefined {
  return status === 202 ? (JSON.parse(body) as { taskId?: string }).taskId : undefined
}

/** So that they are masked, whoever has put one where it does not belong. */
function rememberSecrets(secrets: LocalSecrets): void {
  for (const name of secrets.names()) {
    try {
      JSON.parse(secrets.get(name) ?? 'null', (property, value) => {
        if (typeof value === 'string' && /(token|secret|password|key)$/i.test(property)) registerSecret(value)
        return value
      })
    } catch {
      // A secret that is no JSON is no use to a function: nobody can have sent it on.
    }
  }
}
