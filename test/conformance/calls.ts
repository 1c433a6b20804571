import { categories } from '../../functions/index.ts'
import type { Served } from '../../infra/platforms/loopback-server.ts'
import type { Call } from '../../shared/core/call.ts'
import { type ActionResult, completed } from '../../shared/providers/action.ts'
import type { Category } from '../../shared/providers/category.ts'
import { clearSecrets } from '../../shared/redact.ts'
import { type Sample, writes } from './http-samples.ts'

/** `waiting` is a silent call that waits for the end of its job, if its action does. */
export type Mode = 'silent' | 'waiting' | 'interactive'

/** The parts of the lifecycle, which a test imports after it has set its environment. */
export interface Lifecycle {
  readCall: typeof import('../../shared/core/http/read-call.ts').readCall
  runSilently: typeof import('../../shared/core/silent/handler.ts').runSilently
  runUntilDeadline: typeof import('../../shared/core/task/run-until-deadline.ts').runUntilDeadline
  pollUntilDone: typeof import('../../shared/core/task/poll.ts').pollUntilDone
  /** Stores the secret of a connection. */
  store(name: string, secret: Record<string, unknown>): void
}

/** The result of one call. */
export interface Ended {
  /** Status, result, message and data. Times and keys, which differ between calls, are replaced. */
  end: string
  /** How many of its writes the server accepted. */
  writes: number
}

const caller = { name: 'tester', tokens: [], categories: ['*'] }
/** Long enough for every call on a slow machine. */
const PATIENCE_MS = 120_000
const MAX_POLLS = 20
/** How a call ends that would be attempted or polled until its deadline. */
const CONTINUES = 'continues'
let connections = 0

/** Sends the calls of a sample, one after the other. */
export async function sendCalls(
  lifecycle: Lifecycle,
  { name, calls, ...sample }: Sample,
  { server, connection }: { server: Served; connection: Record<string, unknown> },
  mode: Mode,
): Promise<Ended[]> {
  const category = categoryOf({ name })
  const connectionName = `wrong-${++connections}`
  lifecycle.store(`connections/${category.name}/${connectionName}`, connection)
  const ended: Ended[] = []
  const statuses = server.replaceNext((call) => writes({ name, calls, ...sample }, call))
  let firstId = 'unknown'
  for (const [action, input] of calls) {
    // As each invocation does. Otherwise, every text is compared with the secrets of all connections.
    clearSecrets()
    const body = JSON.stringify({
      id: crypto.randomUUID(),
      type: 'sh.keptn.event.conformance.finished',
      shkeptncontext: crypto.randomUUID(),
      data: { project: 'shop', stage: 'production', service: 'checkout' },
      input: JSON.parse(JSON.stringify(input).replace('$id', firstId)),
    })
    const end = await outcomeOf(async () => {
      const call = await lifecycle.readCall(category, caller, {
        ...{ action, body, isBase64: false, headers: { 'content-type': 'application/json' } },
        query: { connection: [connectionName], mode: [mode === 'interactive' ? mode : 'silent'] },
        categoryUrl: 'https://webhooks.example.com/v1/conformance',
      })
      const result = await RUN[mode](lifecycle, category, call)
      if (firstId === 'unknown') firstId = String(result.outcome.data['id'] ?? firstId)
      return result
    })
    const written = statuses.splice(0).filter((status) => status < 400).length
    ended.push({ end: end.replaceAll(server.url, 'URL'), writes: written })
  }
  return ended
}

/** Returns the category of a sample. */
export function categoryOf({ name }: Pick<Sample, 'name'>): Category {
  const [categoryName] = name.split('/')
  const category = categories.find((one) => one.name === categoryName)
  if (!category) throw new Error(`Unknown category ${categoryName}`)
  return category
}

/** Whether a call would have been attempted or polled until its deadline. */
export function continues({ end }: Ended): boolean {
  return end.includes(CONTINUES)
}

const RUN = { silent: silently, waiting: waiting, interactive: interactively }

async function waiting({ runSilently }: Lifecycle, category: Category, call: Call): Promise<ActionResult> {
  const context = { awsRequestId: 'a-request', getRemainingTimeInMillis: () => PATIENCE_MS }
  return completed(await runSilently(category, call, context))
}

async function silently(lifecycle: Lifecycle, category: Category, call: Call): Promise<ActionResult> {
  const actions = Object.entries(category.actions).map(([name, action]): [string, typeof action] => [
    name,
    action.type === 'job' ? { ...action, job: { ...action.job, silent: 'answers' } } : action,
  ])
  return waiting(lifecycle, { ...category, actions: Object.fromEntries(actions) }, call)
}

/** Runs a task and polls its job as the durable SDK does, without its pauses. */
async function interactively(
  { runUntilDeadline, pollUntilDone }: Lifecycle,
  category: Category,
  call: Call,
): Promise<ActionResult> {
  const deadline = { seconds: PATIENCE_MS / 1_000, at: Date.now() + PATIENCE_MS }
  // biome-ignore lint/suspicious/noExplicitAny: the operations that a task uses until its job ends.
  const context: any = {
    async step(_name: string, run: (step: { attempt: number }) => Promise<unknown>) {
      try {
        return JSON.parse(JSON.stringify(await run({ attempt: 1 })))
      } catch (error) {
        throw new Error(`${CONTINUES}: ${(error as Error).message}`, { cause: error })
      }
    },
    async wait() {
      throw new Error(CONTINUES)
    },
    async waitForCondition<S>(
      _name: string,
      poll: (state: S) => Promise<S>,
      { initialState, waitStrategy }: { initialState: S; waitStrategy(state: S): { shouldContinue: boolean } },
    ): Promise<S> {
      let state = initialState
      for (let polls = 0; polls < MAX_POLLS; polls++) {
        state = JSON.parse(JSON.stringify(await poll(state)))
        if (!waitStrategy(state).shouldContinue) return state
      }
      return state
    },
  }
  const result = await runUntilDeadline(category, call, context, deadline)
  if (result.type !== 'started') return result
  return completed(await pollUntilDone(category, call, result, context, deadline, {}))
}

async function outcomeOf(run: () => Promise<ActionResult>): Promise<string> {
  try {
    const { type, outcome } = await run()
    const { status, result, message, data } = outcome
    return withoutRandom(`${type} ${status} ${result}: ${message} ${JSON.stringify(data)}`)
  } catch (error) {
    return withoutRandom(`${(error as { kind?: string }).kind ?? 'bug'}: ${(error as Error).message}`)
  }
}

function withoutRandom(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/[0-9a-f]{32,}/g, 'KEY')
    .replace(/wrong-\d+/g, 'NAME')
}
