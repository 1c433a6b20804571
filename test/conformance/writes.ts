import { type Call as Request, requestLine } from '../../infra/platforms/loopback-server.ts'
import type { Call } from '../../shared/core/call.ts'
import type { CallRequest } from '../../shared/core/http/parse.ts'
import { type ActionResult, completed } from '../../shared/providers/action.ts'
import type { Category } from '../../shared/providers/category.ts'
import { clearSecrets } from '../../shared/redact.ts'
import { evaluated } from '../functions/slo/drive.ts'
import type { Platform, Target } from './platforms.ts'

/** The result of one call: how it ended and how often it wrote. */
export interface Observed {
  /** How each delivery of the event ended, as text. */
  ends: string[]
  /** Statuses of the requests that write. */
  writes: number[]
  /** The number of requests that write, including those without a response. */
  requests: number
  /** The body of the first of them. */
  sent: unknown
  /** The idempotency key. */
  key: string | undefined
  made: number | undefined
}

interface Options {
  mode: 'silent' | 'interactive'
  /** Replaces the body of the response to the first write. */
  body?: string
  /** Loses the response to the first write. */
  lost?: boolean
  /** Replaces the bodies of all responses to reads during the second attempt of a task. */
  readBody?: string
  /** More of the input. */
  input?: object
}

/** The parts of the lifecycle, which a test imports after it has set its environment. */
export interface Lifecycle {
  readCall: typeof import('../../shared/core/http/read-call.ts').readCall
  runSilently: typeof import('../../shared/core/silent/handler.ts').runSilently
  runUntilDeadline: typeof import('../../shared/core/task/run-until-deadline.ts').runUntilDeadline
  /** Stores the secret of a connection or an orchestrator. */
  store(name: string, secret: Record<string, unknown>): void
}

const caller = { name: 'tester', tokens: [], categories: ['*'] }
/** Long enough for every search on a slow machine. */
const PATIENCE_MS = 120_000
/** A task that waits for the end of its own run would be attempted until its deadline. */
const MAX_ATTEMPTS = 10
let calls = 0

/** Sends an event, twice if the call is silent, and replaces the response to the first write. */
export async function observe(
  lifecycle: Lifecycle,
  all: Category,
  provider: string,
  platform: Platform,
  { body, lost = false, readBody, mode, input = {} }: Options,
): Promise<Observed> {
  const category = withoutPolling(all)
  const target = await platform.start()
  const before = target.made?.() ?? 0
  const isWrite = (request: Request) => platform.writes.test(requestLine(request))
  const writes = target.server.replaceNext(isWrite, body)
  if (lost) target.server.loseNext(isWrite)
  const onAttempt = (attempt: number) => {
    if (readBody === undefined) return
    if (attempt === 2) target.server.failNext(200, readBody, { on: (request) => !isWrite(request), times: 99 })
    else if (attempt === 3) target.server.recover()
  }
  try {
    // As each invocation does. Otherwise, every text is compared with the secrets of all connections.
    clearSecrets()
    const name = `conformance-${++calls}`
    lifecycle.store('orchestrators/keptn', {
      type: 'keptn',
      baseUrl: 'https://keptn.example.com',
      token: 'a-keptn-token',
    })
    lifecycle.store(`connections/${category.name}/${name}`, { provider, ...target.connection })
    const replaced = { ...target, input: { ...target.input, ...input } }
    const sender = platform.delegates ? { ...caller, orchestrator: 'keptn' } : caller
    const call = await lifecycle.readCall(category, sender, requestOf(platform, replaced, name, mode))
    const deliver = mode === 'silent' ? silently : interactively
    const ends = [await deliver(lifecycle, category, call, platform, onAttempt)]
    // A task is not started twice for one event.
    if (mode === 'silent') ends.push(await deliver(lifecycle, category, call, platform))
    const sent = target.server.calls.find(isWrite)?.body
    const requests = target.server.calls.filter(isWrite).length
    return { ends, writes, requests, sent, key: call.id, made: target.made && target.made() - before }
  } finally {
    await target.server.close()
  }
}

/** Returns the category with silent calls that do not wait for started jobs, because no job ends here. */
function withoutPolling(category: Category): Category {
  const actions = Object.entries(category.actions).map(([name, action]): [string, typeof action] => [
    name,
    action.type === 'job' ? { ...action, job: { ...action.job, silent: 'answers' } } : action,
  ])
  return { ...category, actions: Object.fromEntries(actions) }
}

function requestOf({ action, delegates }: Platform, { input }: Target, connection: string, mode: string): CallRequest {
  const body = JSON.stringify({
    id: crypto.randomUUID(),
    type: `sh.keptn.event.conformance.${delegates ? 'triggered' : 'finished'}`,
    shkeptncontext: crypto.randomUUID(),
    data: { project: 'shop', stage: 'production', service: 'checkout', evaluation: evaluated },
    input,
  })
  const query = { connection: [connection], mode: [mode] }
  const categoryUrl = 'https://webhooks.example.com/v1/conformance'
  return { action, query, body, isBase64: false, headers: { 'content-type': 'application/json' }, categoryUrl }
}

async function silently({ runSilently }: Lifecycle, category: Category, call: Call): Promise<string> {
  const context = { awsRequestId: 'a-request', getRemainingTimeInMillis: () => PATIENCE_MS }
  return ended(runSilently(category, call, context).then(completed))
}

/** Runs the first step of a task as the durable SDK does: its result is saved as JSON. */
async function interactively(
  { runUntilDeadline }: Lifecycle,
  category: Category,
  call: Call,
  { repeatable }: Platform,
  onAttempt: (attempt: number) => void = () => {},
): Promise<string> {
  // biome-ignore lint/suspicious/noExplicitAny: the two operations that `runUntilDeadline` uses.
  const context: any = {
    async step(_name: string, run: (step: { attempt: number }) => Promise<unknown>, { retryStrategy }: Step) {
      for (let attempt = 1; ; attempt++) {
        onAttempt(attempt)
        try {
          return JSON.parse(JSON.stringify(await run({ attempt })))
        } catch (error) {
          const { shouldRetry } = retryStrategy(error, attempt)
          if (!repeatable || !shouldRetry || attempt === MAX_ATTEMPTS)
            throw new Error('The action is attempted again.', { cause: error })
        }
      }
    },
    async wait() {
      throw new Error('The action is attempted again, as if nothing had been written.')
    },
  }
  const deadline = { seconds: PATIENCE_MS / 1_000, at: Date.now() + PATIENCE_MS }
  return ended(runUntilDeadline(category, call, context, deadline))
}

interface Step {
  retryStrategy(error: unknown, attempt: number): { shouldRetry: boolean }
}

async function ended(result: Promise<ActionResult>): Promise<string> {
  try {
    const { type, outcome } = await result
    const { status, message, data } = outcome
    if ('id' in data && !isId(data['id'])) return `without an id: ${JSON.stringify(data)}`
    return type === 'started' ? 'succeeded: it is running' : `${status}: ${message}`
  } catch (error) {
    return `${(error as { kind?: string }).kind ?? 'bug'}: ${(error as Error).message}`
  }
}

function isId(id: unknown): boolean {
  return typeof id === 'string' && !/^\s*$|\b(?:null|undefined|NaN)\b|\[object/.test(id)
}
