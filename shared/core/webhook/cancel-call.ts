import { audit } from '../../audit.ts'
import { authorizeAction, type Caller } from '../../auth/callers.ts'
import { Failure } from '../../errors.ts'
import { actionNamesOf, type Category } from '../../providers/category.ts'
import { identifyCall } from '../call-id.ts'
import { cancelTask } from '../task/cancel.ts'
import { newestTaskOf } from '../task/gate.ts'
import type { TaskStatus } from '../task/task-status.ts'
import { invalidQuery } from './call-options.ts'
import { type CallRequest, parse } from './parse.ts'
import { resolve } from './resolve.ts'
import { guessRefusal } from './stored-credentials.ts'

/** Load this module with `import()`: calls do not need it. */

/**
 * Cancels the task of a call, which the same request identifies. Starts nothing.
 *
 * @returns the status. If it is not `running`, the task had ended and nothing was requested
 * @throws Failure
 */
export async function cancelCall(category: Category, caller: Caller, request: CallRequest): Promise<TaskStatus> {
  authorizeAction(caller, category.name, request.action, actionNamesOf(category, request.action))
  // Like a dry run, it leaves no trace of a guess at a platform. The task can still be canceled by its id.
  const refusal = guessRefusal(caller.name)
  if (refusal) throw refusal
  const parsed = await parse(category, request)
  const { mode } = parsed.options
  if (mode === 'silent')
    throw invalidQuery('mode', 'must be that of the call, interactive or gate: a silent call has no task')
  const resolved = await resolve(category, caller, { ...parsed, isCancel: true })
  const id = await identifyCall(category, resolved)
  if (id === undefined) throw new Error('A call with a task has an id.')
  const taskId = mode === 'gate' ? await newestTaskOf(category.name, id) : id
  audit.add({ taskId, connection: resolved.connection.name, eventId: resolved.answerable?.id })
  try {
    return await cancelTask(category, taskId, caller)
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'unknown') throw error
    throw new Failure(
      'unknown',
      `There is no task of this call. Send the same id or key, mode, connection and input as in the call to ${category.name}/${request.action}, as the same caller. Nothing was started or canceled.`,
    )
  }
}
