import { composeRequest, type ShownRequest } from '../../approvals/request/compose.ts'
import { readIdentityKey } from '../../auth/identity-key.ts'
import { startExecution } from '../../aws/lambda.ts'
import { Failure } from '../../errors.ts'
import { DEFAULT_ORCHESTRATOR } from '../../orchestrators/index.ts'
import type { Ask } from '../../policy/kinds/approval.ts'
import { conditionsIn } from '../../policy/requirements.ts'
import { redactDeep } from '../../redact.ts'
import { settings } from '../../settings.ts'
import { NOTIFICATION, type Task } from '../call.ts'
import { identifyFollowing } from '../call-id.ts'
import { payloadOf } from './payload.ts'

const ACTION = 'ask-approval'

/**
 * Starts the execution of `notification` that asks people. It is started once: its name follows from the task and the number.
 *
 * @param number of the requirement in the payload, from 1
 * @param until when the task gives up, in epoch milliseconds
 * @returns the id of the asking task, which is also that of its approval
 * @throws Failure; the error of Lambda
 */
export async function startAsking(
  task: Task,
  number: number,
  { rule, ask }: { rule?: string | undefined; ask: Ask },
  until: number,
  shown: ShownRequest,
): Promise<string> {
  const id = identifyFollowing(task.id, `ask-${number}`, await readIdentityKey())
  const asking: Task = {
    version: 1,
    id,
    category: NOTIFICATION,
    caller: task.caller,
    orchestrator: DEFAULT_ORCHESTRATOR,
    mode: 'interactive',
    event: task.event,
    action: ACTION,
    connection: ask.connection,
    provider: NOTIFICATION,
    input: composeRequest(task, rule, ask, shown),
    dryRun: false,
    deadline: Math.max(1, Math.ceil((until - Date.now()) / 1_000)),
    sendStarted: false,
    progress: false,
    labels: false,
    traceparent: task.traceparent,
    approvalOf: { category: task.category, taskId: task.id, count: ask.count, until },
  }
  try {
    const payload = await payloadOf(redactDeep(asking))
    await startExecution({ functionName: askingFunction(), executionName: id, payload })
  } catch (error) {
    // An earlier attempt, with an earlier time, has started it.
    if ((error as Error).name !== 'DurableExecutionAlreadyStartedException') throw error
  }
  return id
}

function askingFunction(): string {
  const name = settings.askingFunction
  if (name !== undefined) return name
  throw new Failure('misconfigured', 'Approvals are asked by the category notification, which is not deployed.')
}

/** Returns the ids of the asking tasks of all requirements with an approval, and the numbers of these. */
export async function askingTasksOf({ id, requirements }: Task): Promise<{ id: string; number: number }[]> {
  const key = await readIdentityKey()
  return conditionsIn(requirements).flatMap(({ ask }, index) =>
    ask ? [{ id: identifyFollowing(id, `ask-${index + 1}`, key), number: index + 1 }] : [],
  )
}
