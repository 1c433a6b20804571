import { authorizeAction, authorizeWrite, type Caller } from '../../auth/callers.ts'
import { Failure } from '../../errors.ts'
import { actionNamesOf, type Category } from '../../providers/category.ts'
import type { Call } from '../call.ts'
import { checkMode } from './check-mode.ts'
import { type CallRequest, type ParsedCall, parse } from './parse.ts'
import { prepare } from './prepare.ts'
import { resolve } from './resolve.ts'
import { skipOf } from './skip.ts'
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
    const call = await prepare(category, checkMode(category, resolved))
    let found = limit ?? (isTraceless(category, parsed) ? guessing : undefined)
    found ??= await failureOf(resolved.verify())
    found ??= await request.signed?.replayRefusal()
    const refusal = found ?? call.refusal
    if (refusal) return { ...call, refusal: limit ?? guessing ?? refusal, repeatRefusal: guessing }
    return guessing ? { ...call, repeatRefusal: guessing } : call
  } catch (error) {
    throw limit ?? guessing ?? error
  }
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
