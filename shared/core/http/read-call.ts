import { authorizeAction, authorizeCategory, type Caller } from '../../auth/callers.ts'
import { Failure } from '../../errors.ts'
import type { Category } from '../../providers/category.ts'
import type { Call } from '../call.ts'
import { authorize } from './authorize.ts'
import { type CallRequest, parse } from './parse.ts'
import { prepare } from './prepare.ts'
import { resolve } from './resolve.ts'

/**
 * Turns a request into the record of a call, and checks all of it: after this, a call can only fail at the platform.
 *
 * @throws Failure
 */
export async function readCall(category: Category, caller: Caller, request: CallRequest): Promise<Call> {
  authorizeCategory(caller, category.name)
  authorizeAction(caller, category.name, request.action)
  await limitRate(caller, category.name)
  const parsed = parse(category, request)
  const resolved = await resolve(category, caller, parsed)
  return prepare(category, authorize(category, resolved))
}

/**
 * Counts a call of a caller that has a limit.
 *
 * @throws Failure `limited`
 */
export async function limitRate({ name, callsPerMinute }: Caller, category: string): Promise<void> {
  if (callsPerMinute === undefined) return
  // Loaded when used: few callers have a limit.
  const { countCall } = await import('../../state/call-rate.ts')
  const { calls, secondsLeft } = await countCall(category, name, Date.now())
  if (calls <= callsPerMinute) return
  throw new Failure('limited', `The caller ${name} may send ${callsPerMinute} calls per minute to ${category}.`, {
    retryAfter: secondsLeft,
  })
}
