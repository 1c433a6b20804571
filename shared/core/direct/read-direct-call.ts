import { authorizeCategory, type Caller, callerNamed } from '../../auth/callers.ts'
import { Failure, type FailureKind, invalidInput } from '../../errors.ts'
import { actionNames, type Category } from '../../providers/category.ts'
import { redact } from '../../redact.ts'
import type { Call } from '../call.ts'
import type { FindRunOfTask } from '../find-run-of-task.ts'
import { QUERY_ONLY } from '../webhook/call-options.ts'
import { readCall } from '../webhook/read-call.ts'

/** The payload of an invocation without HTTP: the fields of a call's body, its action, and the options of its query. */
export type DirectCall = Record<string, unknown>

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
  stopped: 'Webhooks.Stopped',
  closed: 'Webhooks.Refused',
  credentials: 'Webhooks.Refused',
  unconfirmed: 'Webhooks.OutcomeUnknown',
  misconfigured: 'Webhooks.Misconfigured',
}

interface ReadOptions {
  hasOrchestrator?: boolean
  findRunOfTask?: FindRunOfTask
  readCaller?: (() => Promise<Caller>) | undefined
}

/**
 * Reads the payload of an invocation without HTTP.
 *
 * @param options.hasOrchestrator whether the orchestrator of the caller gets the answer
 * @param options.findRunOfTask undefined if tasks cannot be read here
 * @param options.readCaller reads the caller; undefined for the one that the payload names
 * @throws Failure
 */
export async function readDirectCall(
  category: Category,
  payload: DirectCall,
  { hasOrchestrator = true, findRunOfTask, readCaller }: ReadOptions = {},
): Promise<Call> {
  const { action, caller = DEFAULT_CALLER, ...rest } = payload
  if (typeof action !== 'string')
    throw invalidInput('action', `is required: one of ${actionNames(category).join(', ')}`)
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
  const { orchestrator, ...named } = await (readCaller ?? (() => callerNamed(caller)))()
  authorizeCategory(named, category.name)
  return readCall(category, hasOrchestrator ? { ...named, orchestrator } : named, {
    action,
    query: Object.fromEntries(options.map(([name, value]) => [name, [String(value)]])),
    body: JSON.stringify(Object.fromEntries(body)),
    isBase64: false,
    headers: {},
    categoryUrl: '',
    findRunOfTask,
  })
}

/**
 * Returns the name and the message of an error for the invoker. The message contains no secret and, for a bug, no detail.
 */
export function describeError(error: unknown): { name: string; message: string } {
  if (!(error instanceof Failure))
    return {
      name: 'Webhooks.Internal',
      message: 'An internal error occurred. The log of the function contains the details.',
    }
  const kind = error.mayHaveWritten ? 'unconfirmed' : error.kind
  return { name: ERROR_NAMES[kind], message: redact(error.message) }
}
