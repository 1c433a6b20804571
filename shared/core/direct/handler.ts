import type { Context } from 'aws-lambda'
import { callerNamed } from '../../auth/callers.ts'
import { Failure, type FailureKind, invalidInput, kindOf } from '../../errors.ts'
import { log } from '../../log.ts'
import type { Outcome } from '../../outcome.ts'
import type { Category } from '../../providers/category.ts'
import { clearSecrets, redact } from '../../redact.ts'
import { setTraceparent } from '../../traceparent.ts'
import type { Call } from '../call.ts'
import { QUERY_ONLY } from '../http/options.ts'
import { readCall } from '../http/read-call.ts'
import { runSilently } from '../silent/handler.ts'
import { startTask } from '../task/start.ts'

/** The payload of an invocation without HTTP: the fields of a call's body, its action, and the options of its query. */
export type DirectCall = Record<string, unknown>

/** The outcome of a silent call, or the id of the task of an interactive call. */
export type DirectResult = Outcome | { taskId: string; duplicate: boolean }

/** The caller of payloads that name none. */
const DEFAULT_CALLER = 'direct'

/** The names of errors, so that a state machine can retry or catch them. */
export const ERROR_NAMES: Record<FailureKind, string> = {
  invalid: 'Webhooks.Invalid',
  unknown: 'Webhooks.Invalid',
  method: 'Webhooks.Invalid',
  large: 'Webhooks.Invalid',
  media: 'Webhooks.Invalid',
  unauthenticated: 'Webhooks.Forbidden',
  forbidden: 'Webhooks.Forbidden',
  limited: 'Webhooks.Unavailable',
  running: 'Webhooks.Unavailable',
  unavailable: 'Webhooks.Unavailable',
  platform: 'Webhooks.Unavailable',
  timeout: 'Webhooks.Unavailable',
  deadline: 'Webhooks.Unavailable',
  refused: 'Webhooks.Refused',
  credentials: 'Webhooks.Refused',
  doubtful: 'Webhooks.OutcomeUnknown',
  misconfigured: 'Webhooks.Misconfigured',
}

/**
 * Handles an invocation of a webhook function by a state machine, an EventBridge rule, a schedule or another function. IAM
 * authenticates it: a principal that may invoke the function can act as any of the callers.
 *
 * @example
 * { "action": "open-issue", "id": "order-7", "input": { "title": "Checkout is slow" } }
 * @example
 * { "action": "start-test", "caller": "releases", "taskToken.$": "$$.Task.Token", "input": { "target": "checkout" } }
 * @throws Error with one of the names above
 */
export async function handleDirectCall(
  category: Category,
  payload: DirectCall,
  context: Context,
): Promise<DirectResult> {
  const startedAt = Date.now()
  clearSecrets()
  setTraceparent(undefined)
  try {
    const result = await runDirectCall(category, payload, context)
    logCall(context, startedAt)
    return result
  } catch (error) {
    if (!(error instanceof Failure)) log.error('internal error', error as Error)
    const thrown = directError(error)
    logCall(context, startedAt, { kind: kindOf(error), reason: thrown.message })
    throw thrown
  }
}

async function runDirectCall(category: Category, payload: DirectCall, context: Context): Promise<DirectResult> {
  const call = await readDirectCall(category, payload)
  const { caller, action, connection, provider, mode, event } = call
  log.appendKeys({ caller, action, connection, provider, mode, eventId: event.id, context: event.context })
  if (mode === 'silent') return runSilently(category, call, context)
  const started = await startTask(call, () => context.getRemainingTimeInMillis())
  log.appendKeys(started)
  return started
}

async function readDirectCall(category: Category, payload: DirectCall): Promise<Call> {
  const { action, caller = DEFAULT_CALLER, ...rest } = payload
  if (typeof action !== 'string')
    throw invalidInput('action', `is required: one of ${Object.keys(category.actions).join(', ')}`)
  if (typeof caller !== 'string') throw invalidInput('caller', 'must be the name of an entry of the secret callers')
  if (category.actions[action]?.type === 'approval')
    throw new Failure('invalid', `${action} needs the URL of the API for its pages. Call it over HTTP.`)
  // A state that waits for its token would wait for a silent call without end.
  const { mode = rest['taskToken'] === undefined ? 'silent' : 'interactive' } = rest
  if (mode === 'gate' || (mode === 'silent' && rest['taskToken'] !== undefined))
    throw invalidInput(
      'mode',
      rest['taskToken'] === undefined ? 'must be silent or interactive' : 'must be interactive',
    )
  const isOption = ([name]: [string, unknown]) => QUERY_ONLY.some((option) => option === name)
  const { true: options = [], false: body = [] } = Object.groupBy(Object.entries({ ...rest, mode }), (field) =>
    isOption(field) ? 'true' : 'false',
  )
  return readCall(category, await callerNamed(caller), {
    action,
    query: Object.fromEntries(options.map(([name, value]) => [name, [String(value)]])),
    body: JSON.stringify(Object.fromEntries(body)),
    isBase64: false,
    contentType: 'application/json',
    categoryUrl: '',
  })
}

/** Returns the error that Lambda reports to the invoker. A state machine sees its name. */
function directError(error: unknown): Error {
  const failure = error instanceof Failure ? error : undefined
  const message = failure?.message ?? 'An internal error occurred. The log of the function contains the details.'
  const name = failure
    ? failure.mayHaveWritten
      ? ERROR_NAMES.doubtful
      : ERROR_NAMES[failure.kind]
    : 'Webhooks.Internal'
  const thrown = new Error(redact(message))
  thrown.name = name
  // It would name files of the function.
  thrown.stack = `${name}: ${thrown.message}`
  return thrown
}

function logCall({ awsRequestId: requestId }: Context, startedAt: number, failure: object = {}): void {
  log.info('direct call', { ms: Date.now() - startedAt, requestId, ...failure })
  log.resetKeys()
}
