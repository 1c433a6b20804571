import {
  authorizeAction,
  authorizeCategory,
  authorizeConnection,
  type Caller,
  isRestricted,
} from '../../auth/callers.ts'
import { readIdentityKey } from '../../auth/identity-key.ts'
import { Failure } from '../../errors.ts'
import { DEFAULT_ORCHESTRATOR } from '../../orchestrators/index.ts'
import { actionNamesOf, type Category } from '../../providers/category.ts'
import type { Call, Task } from '../call.ts'
import { identifyFollowing } from '../call-id.ts'
import { stopRefusalOf } from '../start-gate.ts'
import type { startTask } from './start-execution.ts'
import { readTaskOf } from './status.ts'

/** The task that runs another one again. */
export interface Rerun {
  taskId: string
  /** The task had been run again before, and nothing was started. */
  duplicate: boolean
  rerunOf: string
}

/** A task, and why the policy refuses it. */
type Restricted = Task & Pick<Call, 'refusal'>

/**
 * Runs a task that did not pass again: a new task with the same action, connection and input. Its orchestrator has the result of
 * the first one, so the result of the new one can only be read.
 *
 * A task is run again once, so that a repeated request starts nothing: it returns the same new task, which can be run again
 * itself. The policy of today applies to the new task.
 *
 * @param start starts the new task
 * @throws Failure `unknown`, `forbidden`, `running`, `invalid`, `unavailable`
 */
export async function rerunTask(
  category: Category,
  taskId: string,
  caller: Caller,
  start: (task: Restricted) => ReturnType<typeof startTask>,
): Promise<Rerun> {
  const { status, task } = await readTaskOf(category.name, taskId, caller, { withEvents: false })
  if (task.caller !== caller.name)
    throw new Failure('forbidden', `The task was started by ${task.caller}. Only its caller may run it again.`)
  const action = task.mappedName ?? task.action
  authorizeCategory(caller, category.name)
  authorizeAction(caller, category.name, action, actionNamesOf(category, action))
  authorizeConnection(caller, category.name, task.connection)
  if (status.state === 'running')
    throw new Failure('running', 'The task is still running. Wait for its end, or cancel it.', { retryAfter: 5 })
  if (status.verdict === 'pass' || status.verdict === 'warning')
    throw new Failure('invalid', `The task ended with ${status.verdict}. Call the action to run it again.`)
  if (task.delegates)
    throw new Failure('invalid', 'The platform sends the result of this task itself. Call the action to run it again.')
  if (task.approvalOf)
    throw new Failure(
      'invalid',
      `This task only asked people for the task ${task.approvalOf.taskId}. Run that one again.`,
    )
  const again = { ...(await rerunOf(task, caller)), person: caller.person, email: caller.email }
  const restrictions = await restrictionsOf(category, again, caller)
  const refusal = restrictions.refusal ?? (await stopRefusalOf(category, again))
  return { ...(await start({ ...again, ...restrictions, refusal })), rerunOf: taskId }
}

/** Evaluates the policy of today. Loaded when used, as in `prepare`. */
async function restrictionsOf(category: Category, task: Task, caller: Caller): Promise<Partial<Restricted>> {
  if (!isRestricted(caller) || task.skip || task.dryRun) return {}
  const { restrictRerun } = await import('../webhook/restrict.ts')
  return restrictRerun(category, task, caller)
}

/** Returns the payload of the new task. It contains no address for the answer, and nothing of the policy. */
async function rerunOf(task: Task, caller: Caller): Promise<Task> {
  const {
    sealedReplyTo: _,
    needsHeartbeat: _1,
    needsPause: _2,
    isDetailed: _3,
    hasObservers: _4,
    operator: _5,
    ...others
  } = task
  const {
    requirements: _6,
    waitAtMost: _7,
    rules: _8,
    startRules: _9,
    startLimits: _10,
    policyDigest: _11,
    ...same
  } = others
  return {
    ...same,
    id: identifyFollowing(task.id, 'rerun', await readIdentityKey()),
    policyFacts: task.policyFacts && { ...task.policyFacts, isAgent: caller.agent === true },
    rerunOf: task.id,
    orchestrator: DEFAULT_ORCHESTRATOR,
    sendStarted: false,
    progress: false,
  }
}
