import { authorizeCategory, type Caller } from '../../auth/callers.ts'
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
  const parsed = parse(category, request)
  const resolved = await resolve(category, caller, parsed)
  return prepare(category, authorize(category, resolved))
}
