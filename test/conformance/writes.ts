import { type Call as Request, requestLine } from '../../infra/testing/loopback-server.ts'
import type { Call } from '../../shared/core/call.ts'
import { runUntilDeadline } from '../../shared/core/task/retry-start.ts'
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
}

/** Ends a task that would retry until its deadline, because its platform is busy with the run of the first attempt. */
const MAX_ATTEMPTS = 10

/** Sends an event to a provider, such as `ci-cd/jenkins`, twice if the call is silent, and replaces the response to the first write. */
export async function observe(
  path: string,
  platform: WriteRow,
  { body, lost = false, readBody, mode, input = {} }: Options,
): Promise<Observed> {
  const category = categoryOf(path)
  const [, provider] = path.split('/')
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
    const keptn = { type: 'keptn', baseUrl: 'https://keptn.example.com', token: 'a-keptn-token' }
    storeSecret('orchestrators/keptn', keptn)
    const call = await receive({
      category,
      action: platform.action,
      mode,
      data: { evaluation: evaluated },
      connection: { provider, ...target.connection },
      input: { ...target.input, ...input },
      ...(platform.delegates ? { orchestrator: 'keptn' } : {}),
    })
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
    await target.server.close()
  }
}

/** Runs the first step of a task as the durable SDK does: its result is saved as JSON. */
async function interactively(
  category: Category,
  call: Call,
  { repeatable }: WriteRow,
  onAttempt: (attempt: number) => void,
): Promise<ActionResult> {
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
  return runUntilDeadline(category, call, context, deadlineOf())
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
    return describeError(error)
  }
}

function isId(id: unknown): boolean {
  return typeof id === 'string' && !/^\s*$|\b(?:null|undefined|NaN)\b|\[object/.test(id)
}
