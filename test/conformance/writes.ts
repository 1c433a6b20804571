import { type Call as Request, requestLine } from '../../infra/testing/loopback-server.ts'
import type { Call } from '../../shared/core/call.ts'
import { startCheckOf } from '../../shared/core/start-gate.ts'
import { changeStops } from '../../shared/core/stops.ts'
import { type Held, runUntilDeadline } from '../../shared/core/task/retry-start.ts'
import type { WindowRequirement } from '../../shared/policy/kinds/window.ts'
import type { ActionResult } from '../../shared/providers/action.ts'
import type { Category } from '../../shared/providers/category.ts'
import { evaluated } from '../functions/slo/drive.ts'
import { deadlineOf, describeError, receive, silently } from './calls.ts'
import { categoryOf } from './category-of.ts'
import { storeSecret } from './deployment.ts'
import type { WriteRow } from './row.ts'

/** The result of one call: how it ended and how often it wrote. */
export interface Observed {
  /** How each delivery of the event ended, as text. */
  ends: string[]
  /** Statuses of the requests that write. */
  writes: number[]
  /** The number of requests that write, including those without a response. */
  requests: number
  /** Whether a request that only reads followed the first write. */
  searches: boolean
  /** The body of the first write. */
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
  /** Forbids the start of the action. A silent call that runs does not see a new stop. */
  forbiddenBy?: 'stop' | 'window'
}

/** A freeze that lasts longer than the tests exist. */
const CLOSED: WindowRequirement = {
  type: 'window',
  rule: 'year end',
  window: { timeZone: 'UTC', freezes: [{ from: '2000-01-01', to: '2999-01-01', reason: 'Closing' }] },
}
const STOP = { id: 'incident', reason: 'bad release', by: 'jane@example.com', at: 0 }

/** Ends a task that would retry until its deadline, because its platform is busy with the run of the first attempt. */
const MAX_ATTEMPTS = 10

/**
 * Sends an event to a provider, such as `ci-cd/jenkins`, twice if the call is silent, and replaces the response to the first write. With
 * `forbiddenBy`, the action may not start: from the beginning, or from its first write if the response to that is lost.
 */
export async function observe(
  path: string,
  platform: WriteRow,
  { body, lost = false, readBody, mode, input = {}, forbiddenBy }: Options,
): Promise<Observed> {
  const category = categoryOf(path)
  const [, provider] = path.split('/')
  const target = await platform.start()
  const before = target.made?.() ?? 0
  const isWrite = (request: Request) => platform.writes.test(requestLine(request))
  const writes = target.server.replaceNext(isWrite, body)
  const startRules: WindowRequirement[] = []
  if (lost)
    target.server.loseNext((request) => {
      if (isWrite(request) && forbiddenBy === 'window') startRules.push(CLOSED)
      return isWrite(request)
    })
  else if (forbiddenBy === 'window') startRules.push(CLOSED)
  const onAttempt = async (attempt: number) => {
    if (forbiddenBy === 'stop' && attempt === (lost ? 2 : 1)) await changeStops(() => [STOP])
    if (readBody === undefined) return
    if (attempt === 2) target.server.failNext(200, readBody, { on: (request) => !isWrite(request), times: 99 })
    else if (attempt === 3) target.server.recover()
  }
  try {
    const keptn = { type: 'keptn', baseUrl: 'https://keptn.example.com', token: 'a-keptn-token' }
    storeSecret('orchestrators/keptn', keptn)
    const received = await receive({
      category,
      action: platform.action,
      mode,
      data: { evaluation: evaluated },
      connection: { provider, ...target.connection },
      input: { ...target.input, ...input },
      ...(platform.delegates ? { orchestrator: 'keptn' } : {}),
    })
    const call = { ...received, startRules }
    if (forbiddenBy === 'stop' && mode === 'silent') await changeStops(() => [STOP])
    const deliver = () =>
      mode === 'silent' ? ended(silently(category, call)) : ended(interactively(category, call, platform, onAttempt))
    const ends = [await deliver()]
    // A task is not started twice for one event.
    if (mode === 'silent') ends.push(await deliver())
    const { calls } = target.server
    const searches = calls.slice(calls.findIndex(isWrite)).some((request) => !isWrite(request))
    return {
      ends,
      writes,
      searches,
      key: call.id,
      made: target.made && target.made() - before,
      requests: calls.filter(isWrite).length,
      sent: calls.find(isWrite)?.body,
    }
  } finally {
    if (forbiddenBy === 'stop') await changeStops(() => [])
    await target.server.close()
  }
}

/** Runs the first step of a task as the durable SDK does: its result is saved as JSON. */
async function interactively(
  category: Category,
  call: Call,
  { repeatable }: WriteRow,
  onAttempt: (attempt: number) => Promise<void>,
): Promise<ActionResult | Held> {
  // biome-ignore lint/suspicious/noExplicitAny: the two operations that `runUntilDeadline` uses.
  const context: any = {
    async step(_name: string, run: (step: { attempt: number }) => Promise<unknown>, { retryStrategy }: Step) {
      for (let attempt = 1; ; attempt++) {
        await onAttempt(attempt)
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
  return runUntilDeadline(category, call, context, deadlineOf(), { mayStart: startCheckOf(category, call) })
}

interface Step {
  retryStrategy(error: unknown, attempt: number): { shouldRetry: boolean }
}

async function ended(running: Promise<ActionResult | Held>): Promise<string> {
  try {
    const result = await running
    if (result.type === 'held') return `held: ${result.why}${result.mayHaveWritten ? '. It may have written' : ''}`
    const { type, outcome } = result
    const { status, message, data } = outcome
    if ('id' in data && !isId(data['id'])) return `without an id: ${JSON.stringify(data)}`
    return type === 'started' ? 'succeeded: it is running' : `${status}: ${message}`
  } catch (error) {
    return describeError(error)
  }
}

function isId(id: unknown): boolean {
  return typeof id === 'string' && !/^\s*$|\b(?:null|undefined|NaN)\b|\[object/.test(id)
}
