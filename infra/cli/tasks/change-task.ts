import { readRuntimeFile } from '../../local/runtime-file.ts'
import { callReceiver } from '../receiver/call-receiver.ts'
import { type Receiver, stateFolder } from '../receiver/receiver.ts'
import { pathOf, type TaskName } from './task-name.ts'

/**
 * Cancels a task, runs it again, or sends its answer again. The caller of a token may change its tasks only. Without a token, the
 * user is the operator of the local runtime, as in its console, and may change those of all callers.
 *
 * @param token as the user has passed it
 * @throws UsageError if the receiver does not respond; Failure `refused` by the local runtime
 */
export async function changeTask(
  receiver: Receiver,
  task: TaskName,
  operation: 'cancel' | 'rerun' | 'answer',
  token = process.env['WEBHOOKS_TOKEN'],
): Promise<{ status: number; body: unknown }> {
  const runtime = readRuntimeFile(stateFolder())
  if (token !== undefined || runtime?.url !== receiver.url)
    return callReceiver(receiver, `${pathOf(task)}/${operation}`, { method: 'POST' })
  const { operateOnRuntime } = await import('../../local/operator/operate-on-runtime.ts')
  return { status: 200, body: await operateOnRuntime(runtime.aws, { ...task, operation }) }
}
