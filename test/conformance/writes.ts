import type { Call as Request } from '../../infra/platforms/loopback-server.ts'
import type { Call, CallRequest } from '../../shared/core/http/parse.ts'
import type { Outcome } from '../../shared/outcome.ts'
import type { Category } from '../../shared/providers/category.ts'
import { evaluated } from '../functions/slo/drive.ts'
import { type Platform, requestLine, type Target } from './platforms.ts'

/** Bodies of a success that no platform sends in answer to a write. */
export const unexpectedBodies: Record<string, string> = {
  'an empty object': '{}',
  'no body': '',
  'a web page': '<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>',
  'another shape': '{"welcome":"This is not what you asked for.","items":"none","id":null}',
  'very deep JSON': `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
}

/** What one call came to: how it ended, and how many times it was written. */
export interface Observed {
  /** How each delivery of the event ended, in words. */
  ends: string[]
  /** Statuses of the requests that write. */
  writes: number[]
  /** The body of the first of them. */
  sent: unknown
  /** The key of the call. */
  key: string | undefined
  made: number | undefined
}

interface Options {
  mode: 'silent' | 'interactive'
  /** Replaces the body of the answer to the first write. */
  body?: string
  /** Loses the answer to the first write. */
  lost?: boolean
  /** More of the input. */
  input?: object
}

/** The parts of the lifecycle that a test loads once its environment is there. */
export interface Lifecycle {
  parseCall: typeof import('../../shared/core/http/parse.ts').parseCall
  runSilently: typeof import('../../shared/core/silent/handler.ts').runSilently
  begin: typeof import('../../shared/core/task/start-job.ts').startJob
  /** Stores the secret of a connection. */
  store(name: string, secret: Record<string, unknown>): void
}

const caller = { name: 'tester', tokens: [], categories: ['*'] }
/** Long enough for every look-up on a slow machine, in milliseconds. */
const PATIENCE_MS = 120_000
let calls = 0

/** Sends an event to a platform, twice if silently, and gives another answer to its first write. */
export async function observe(
  lifecycle: Lifecycle,
  all: Category,
  provider: string,
  platform: Platform,
  { body, lost = false, mode, input = {} }: Options,
): Promise<Observed> {
  const category = unattended(all)
  const target = await platform.start()
  const before = target.made?.() ?? 0
  const isWrite = (request: Request) => platform.writes.test(requestLine(request))
  const writes = target.server.replaceNext(isWrite, body)
  if (lost) target.server.loseNext(isWrite)
  try {
    const name = `conformance-${++calls}`
    lifecycle.store(`connections/${category.name}/${name}`, { provider, ...target.connection })
    const whole = { ...target, input: { ...target.input, ...input } }
    const call = await lifecycle.parseCall(category, caller, requestOf(platform, whole, name, mode))
    const deliver = mode === 'silent' ? silently : interactively
    const ends = [await deliver(lifecycle, category, call, platform)]
    // A task is not started twice for one event.
    if (mode === 'silent') ends.push(await deliver(lifecycle, category, call, platform))
    const sent = target.server.calls.find(isWrite)?.body
    return { ends, writes, sent, key: call.request.idempotencyKey, made: target.made && target.made() - before }
  } finally {
    await target.server.close()
  }
}

/** The category with no call that waits for the end of what it has started: nothing here ends. */
function unattended(category: Category): Category {
  const actions = Object.entries(category.actions).map(([name, action]): [string, typeof action] => [
    name,
    action.type === 'job' ? { ...action, job: { ...action.job, silent: 'answers' } } : action,
  ])
  return { ...category, actions: Object.fromEntries(actions) }
}

function requestOf({ action }: Platform, { input }: Target, connection: string, mode: string): CallRequest {
  const body = JSON.stringify({
    id: crypto.randomUUID(),
    type: 'sh.keptn.event.conformance.triggered',
    shkeptncontext: crypto.randomUUID(),
    data: { project: 'shop', stage: 'production', service: 'checkout', evaluation: evaluated },
    input,
  })
  const query = { connection: [connection], mode: [mode] }
  const address = 'https://webhooks.example.com/v1/conformance'
  return { action, query, body, isBase64: false, contentType: 'application/json', address }
}

async function silently({ runSilently }: Lifecycle, category: Category, call: Call): Promise<string> {
  const context = { awsRequestId: 'a-request', getRemainingTimeInMillis: () => PATIENCE_MS }
  return ended(runSilently(category, call, context))
}

/** Runs the first step of a task as the durable SDK does: each result and error survives as JSON. */
async function interactively(
  { begin }: Lifecycle,
  category: Category,
  { request }: Call,
  { repeatable }: Platform,
): Promise<string> {
  // biome-ignore lint/suspicious/noExplicitAny: the two operations that `begin` uses.
  const context: any = {
    async step(_name: string, run: (step: { attempt: number }) => Promise<unknown>, { retryStrategy }: Step) {
      for (let attempt = 1; ; attempt++) {
        try {
          return JSON.parse(JSON.stringify(await run({ attempt })))
        } catch (error) {
          const { shouldRetry } = retryStrategy(error, attempt)
          if (!repeatable || !shouldRetry) throw new Error('The action is tried again.', { cause: error })
        }
      }
    },
    async wait() {
      throw new Error('The action is tried again, as if nothing had been written.')
    },
  }
  const deadline = { deadline: PATIENCE_MS / 1_000, deadlineAt: Date.now() + PATIENCE_MS }
  return ended(begin(category, request, context, deadline))
}

interface Step {
  retryStrategy(error: unknown, attempt: number): { shouldRetry: boolean }
}

async function ended(result: Promise<object>): Promise<string> {
  try {
    const done = await result
    const { status, message, data } = ('outcome' in done ? done.outcome : done) as Outcome
    if ('id' in data && !isId(data['id'])) return `without an id: ${JSON.stringify(data)}`
    return 'job' in done ? 'succeeded: it goes on' : `${status}: ${message}`
  } catch (error) {
    return `${(error as { kind?: string }).kind ?? 'bug'}: ${(error as Error).message}`
  }
}

function isId(id: unknown): boolean {
  return typeof id === 'string' && !/^\s*$|\b(?:null|undefined|NaN)\b|\[object/.test(id)
}
