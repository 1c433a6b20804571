import { Failure } from '../errors.ts'
import type { Category } from '../providers/category.ts'
import { redact } from '../redact.ts'
import { sleep } from '../sleep.ts'
import { type ApprovedRequest, requestFormOf, requestTextOf } from './approved-request.ts'
import type { Call } from './call.ts'
import { firstWriteOf } from './rehearse.ts'
import { optionsOf, withConnection } from './run-action.ts'

/** The first write of an action, as people see it before they decide. */
export interface Preview {
  /** In epoch milliseconds. */
  at: number
  /** The request, without headers. Undefined if nothing would be sent. */
  request?: string | undefined
  /** Undefined if nothing would be sent. */
  approved?: ApprovedRequest | undefined
}

/** Times with seconds differ then. */
const PAUSE_MS = 1_100

/**
 * Returns the first write that an action would send. Runs the action up to it twice, to find the parts that change by themselves.
 *
 * @param deadlineAt in epoch milliseconds
 * @throws Failure
 */
export async function previewAction(category: Category, call: Call, deadlineAt: number): Promise<Preview> {
  const options = { ...optionsOf(call, deadlineAt), isRetry: false, lastRunKey: call.lastRunKey }
  const read = () =>
    withConnection(category, call, (action, connection) => firstWriteOf(connection, action, call.input, options))
  const at = Date.now()
  const first = await read()
  if (first.write === undefined) return { at }
  await sleep(PAUSE_MS)
  const second = await read()
  const approved = second.write && requestFormOf(first.write, second.write)
  // People could not rely on what they see.
  if (!approved) throw new Failure('unavailable', 'What would be sent differs with each attempt.')
  return { at, request: redact(requestTextOf(first.write)), approved }
}
