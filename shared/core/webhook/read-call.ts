import { authorizeAction, authorizeWrite, type Caller } from '../../auth/callers.ts'
import { Failure } from '../../errors.ts'
import { actionNamesOf, actionsOf, type Category } from '../../providers/category.ts'
import type { Call } from '../call.ts'
import { stopRefusalOf } from '../start-gate.ts'
import { type CallRequest, type ParsedCall, parse } from './parse.ts'
import { prepare, skipOf } from './prepare.ts'
import { type ResolvedCall, resolve } from './resolve.ts'
import { guessRefusal } from './stored-credentials.ts'

/**
 * Turns a request into the record of a call, and checks all of it: after this, a call can only fail at the platform, or be
 * refused because of a limit where something would start.
 *
 * @param caller may use the category
 * @throws Failure
 */
export async function readCall(category: Category, caller: Caller, request: CallRequest): Promise<Call> {
  authorizeAction(caller, category.name, request.action, actionNamesOf(category, request.action))
  const limit = await rateRefusal(caller, category.name)
  // Then all calls that start nothing get this answer: another one would show a caller who guesses credentials which guess is right.
  const guessing = guessRefusal(caller.name)
  try {
    const parsed = await parse(category, request)
    const resolved = await resolve(category, caller, parsed)
    if (!parsed.options.dryRun && resolved.action.effect !== 'reads') authorizeWrite(caller)
    checkMode(category, resolved)
    const call = await prepare(category, resolved)
    let found = limit ?? (isTraceless(category, parsed) ? guessing : undefined)
    found ??= await failureOf(resolved.verify())
    found ??= await request.signed?.replayRefusal()
    const refusal = found ?? call.refusal ?? (await stopRefusalOf(category, call))
    if (refusal) return { ...call, refusal: limit ?? guessing ?? refusal, repeatRefusal: guessing }
    return guessing ? { ...call, repeatRefusal: guessing } : call
  } catch (error) {
    throw limit ?? guessing ?? error
  }
}

/**
 * Checks that the call's action may run on its connection in its mode.
 *
 * @throws Failure `invalid`
 */
function checkMode(category: Category, call: ResolvedCall): void {
  const { action, actionName, requestedAction, connection, delegates, options } = call
  const { name, provider } = connection
  if (provider.kind !== action.kind) {
    const supported = actionsOf(category, provider)
    throw new Failure(
      'invalid',
      `The connection ${name} uses ${provider.title}, which supports ${supported.join(', ')}, but not ${actionName}. Select another one with "connection"`,
    )
  }
  if (options.mode !== 'silent') {
    if (!delegates || call.acceptsPlatformAnswers) return
    throw new Failure(
      'invalid',
      `The connection ${name} uses ${provider.title}, which sends the result of its jobs itself, but not to the orchestrator of the caller ${call.caller.name}. Select another one with "connection"`,
    )
  }
  // A dry run starts nothing, and may always be silent.
  if (action.type === 'approval' && !options.dryRun) throw needsInteractive(`${requestedAction} waits for a decision`)
  if (delegates)
    throw needsInteractive(
      `The connection ${name} uses ${provider.title}, which sends the finished event itself, and webhook-service would send another one`,
    )
}

function needsInteractive(reason: string): Failure {
  return new Failure('invalid', `${reason}. Call it with ?mode=interactive`, {
    errors: [{ path: 'mode', message: 'must be interactive' }],
  })
}

async function failureOf(check: Promise<void>): Promise<Failure | undefined> {
  try {
    await check
    return undefined
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
}

/** Whether a call leaves no trace at a platform: a dry run, or a call that does not run its action. */
function isTraceless({ actions }: Category, { requestedAction, event, options }: ParsedCall): boolean {
  return (
    options.dryRun || skipOf({ action: actions[requestedAction], event, options, acceptsSkips: true }) !== undefined
  )
}

/** Counts a call of a caller that has a limit. Returns why it may start nothing, if the caller has sent too many. */
export async function rateRefusal({ name, callsPerMinute }: Caller, category: string): Promise<Failure | undefined> {
  if (callsPerMinute === undefined) return undefined
  // Loaded when used: few callers have a limit.
  const { countCall } = await import('../../state/call-rate.ts')
  const { calls, secondsLeft } = await countCall(category, name, Date.now())
  if (calls <= callsPerMinute) return undefined
  return new Failure('limited', `The caller ${name} may send ${callsPerMinute} calls per minute to ${category}.`, {
    retryAfter: secondsLeft,
  })
}
