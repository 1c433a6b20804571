import type { Served } from '../../infra/testing/loopback-server.ts'
import { type Call, taskOf } from '../../shared/core/call.ts'
import { runSilently } from '../../shared/core/silent/handler.ts'
import { runUntilDeadline } from '../../shared/core/task/retry-start.ts'
import { pollUntilDone } from '../../shared/core/task/wait-for-job.ts'
import { readCall } from '../../shared/core/webhook/read-call.ts'
import { type ActionResult, completed } from '../../shared/providers/action.ts'
import type { Category } from '../../shared/providers/category.ts'
import { clearSecrets } from '../../shared/redact.ts'
import { categoryOf } from './category-of.ts'
import { storeSecret } from './deployment.ts'
import type { Sample } from './http-samples.ts'

/** `waiting` is a silent call that waits for the end of its job, if its action does. */
export type Mode = 'silent' | 'waiting' | 'interactive'

/** The result of one call. */
export interface Ended {
  /** Status, result, message and data. Times and keys, which differ between calls, are replaced. */
  end: string
  /** How many of its writes the server accepted. */
  writes: number
}

/** A call to send, with the secret of its connection. */
interface Sent {
  category: Category
  action: string
  input: object
  connection: Record<string, unknown>
  mode: 'silent' | 'interactive'
  data?: object
  /** The orchestrator that receives the result. */
  orchestrator?: string
  /** The id of the event. Defaults to a new one. */
  id?: string
}

/** Long enough for every call on a slow machine. */
const PATIENCE_MS = 120_000
/** More than the refused polls that end a job. */
const MAX_POLLS = 8
/** How a call ends that would be attempted or polled until its deadline. */
const CONTINUES = 'continues'
/** Names of stored connections by their JSON. A connection with the same name is validated once. */
const connections = new Map<string, string>()

/** Stores the connection and reads the call as the webhook does. */
export async function receive(sent: Sent): Promise<Call> {
  const { category, action, input, connection, mode, data, orchestrator, id = crypto.randomUUID() } = sent
  // Each invocation does this, too. Otherwise, every text is compared with the secrets of all connections.
  clearSecrets()
  const text = JSON.stringify([category.name, connection])
  const name = connections.get(text) ?? `conformance-${connections.size}`
  connections.set(text, name)
  storeSecret(`connections/${category.name}/${name}`, connection)
  const body = {
    id,
    type: `sh.keptn.event.conformance.${orchestrator ? 'triggered' : 'finished'}`,
    shkeptncontext: id,
    data: { project: 'shop', stage: 'production', service: 'checkout', ...data },
    input,
  }
  const caller = { name: 'tester', tokens: [], categories: ['*'], ...(orchestrator ? { orchestrator } : {}) }
  return readCall(category, caller, {
    action,
    body: JSON.stringify(body),
    isBase64: false,
    headers: { 'content-type': 'application/json' },
    query: { connection: [name], mode: [mode] },
    categoryUrl: 'https://webhooks.example.com/v1/conformance',
  })
}

/** Sends the calls of a sample, one after the other. */
export async function sendCalls(
  { name, calls, isWrite = isDefaultWrite }: Sample,
  { server, connection }: { server: Served; connection: Record<string, unknown> },
  mode: Mode,
): Promise<Ended[]> {
  const category = categoryOf(name)
  const ended: Ended[] = []
  const statuses = server.replaceNext(isWrite)
  let firstId = 'unknown'
  for (const [action, given] of calls) {
    const input = JSON.parse(JSON.stringify(given).replace('$id', firstId))
    const end = await outcomeOf(async () => {
      const sent = { category, action, input, connection, mode: mode === 'interactive' ? mode : 'silent' } as const
      const result = await RUN[mode](category, await receive(sent))
      if (firstId === 'unknown') firstId = String(result.outcome.data['id'] ?? firstId)
      return result
    })
    const written = statuses.splice(0).filter((status) => status < 400).length
    ended.push({ end: end.replaceAll(server.url, 'URL'), writes: written })
  }
  return ended
}

const isDefaultWrite: NonNullable<Sample['isWrite']> = ({ method, path }) => method !== 'GET' && path !== '/auth/login'

/** Whether a call would have been attempted or polled until its deadline. */
export function continues({ end }: Ended): boolean {
  return end.includes(CONTINUES)
}

const RUN: Record<Mode, (category: Category, call: Call) => Promise<ActionResult>> = {
  silent: silently,
  waiting: waiting,
  interactive: interactively,
}

async function waiting(category: Category, call: Call): Promise<ActionResult> {
  const context = { awsRequestId: 'a-request', getRemainingTimeInMillis: () => PATIENCE_MS }
  return completed(await runSilently(category, call, context))
}

/** Runs a silent call that does not wait for the job that it starts. */
export async function silently(category: Category, call: Call): Promise<ActionResult> {
  const actions = Object.entries(category.actions).map(([name, action]): [string, typeof action] => [
    name,
    action.type === 'job' ? { ...action, job: { ...action.job, silent: 'answers' } } : action,
  ])
  return waiting({ ...category, actions: Object.fromEntries(actions) }, call)
}

/**
 * Runs a task and polls its job as the durable SDK does, without its pauses.
 *
 * @param onPoll called before each poll, with its number
 */
export async function interactively(
  category: Category,
  call: Call,
  onPoll?: (poll: number) => unknown,
): Promise<ActionResult> {
  const deadline = deadlineOf()
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
      poll: (state: S, context: { attempt: number }) => Promise<S>,
      { initialState, waitStrategy }: { initialState: S; waitStrategy(state: S): { shouldContinue: boolean } },
    ): Promise<S> {
      let state = initialState
      for (let polls = 0; polls < MAX_POLLS; polls++) {
        await onPoll?.(polls + 1)
        state = JSON.parse(JSON.stringify(await poll(state, { attempt: polls + 1 })))
        if (!waitStrategy(state).shouldContinue) return state
      }
      return state
    },
  }
  const result = await runUntilDeadline(category, call, context, deadline)
  if (result.type !== 'started') return result
  return pollUntilDone(category, taskOf(call), result, context, deadline, { reports: {} })
}

async function outcomeOf(run: () => Promise<ActionResult>): Promise<string> {
  try {
    const { type, outcome } = await run()
    const { status, result, message, data } = outcome
    return withoutRandom(`${type} ${status} ${result}: ${message} ${JSON.stringify(data)}`)
  } catch (error) {
    return withoutRandom(describeError(error))
  }
}

/** Returns the deadline of a task that is not interrupted. */
export function deadlineOf() {
  return { seconds: PATIENCE_MS / 1_000, at: Date.now() + PATIENCE_MS }
}

/** Describes an error. Only failures have a kind. */
export function describeError(error: unknown): string {
  return `${(error as { kind?: string }).kind ?? 'bug'}: ${(error as Error).message}`
}

function withoutRandom(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/[0-9a-f]{32,}/g, 'KEY')
    .replace(/conformance-\d+/g, 'NAME')
}
