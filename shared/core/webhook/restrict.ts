import type { Caller } from '../../auth/callers.ts'
import { formatDuration } from '../../duration.ts'
import { Failure } from '../../errors.ts'
import { log } from '../../log.ts'
import type { CallOrigin } from '../../orchestrators/event/event.ts'
import { deployedPolicy } from '../../policy/deployed.ts'
import { evaluatePolicy, type PolicyRefusal, type Verdict } from '../../policy/evaluate.ts'
import type { PolicyCall, Requirement } from '../../policy/policy.ts'
import { describeTime } from '../../policy/time-zone.ts'
import { stateOfWindow } from '../../policy/window.ts'
import { type Category, namesOf } from '../../providers/category.ts'
import type { Call, Task } from '../call.ts'
import { maxDeadlineOf } from '../max-deadlines.ts'
import type { ResolvedCall } from './resolve.ts'

type Restrictions = Pick<Call, 'refusal' | 'requirements' | 'waitAtMost' | 'rules'>

/** How long a call may take. */
interface Times {
  /** In seconds. */
  deadline: number
  /** The maximum of the deadline and the wait for the policy together. */
  max: number
  /** The call has no task that could wait. */
  isSilent: boolean
}

/**
 * Evaluates the policy for a call that runs its action. A refusal is thrown only where something would start, so a repeat of a call
 * that was accepted gets its result, even if the policy has changed since.
 *
 * @param input completed
 * @param deadline in seconds
 */
export function restrict(category: Category, resolved: ResolvedCall, input: unknown, deadline: number): Restrictions {
  const { action, actionName, connection, caller, event, options, answerable } = resolved
  const call = {
    category: category.name,
    action: actionName,
    actionNames: namesOf(category, actionName),
    isStop: isStop(action),
    connection: connection.name,
    caller: { name: caller.name, isAgent: caller.agent ?? false },
    ...placeOf(event.data),
    input,
  }
  // The task may run for a limited time, and so may the step of the orchestrator that waits for it.
  const max = Math.min(maxDeadlineOf(category), answerable?.maxDeadline ?? Number.POSITIVE_INFINITY)
  return evaluate(call, { deadline, max, isSilent: options.mode === 'silent' })
}

/** Evaluates the policy for a task that is run again. Its requirements replace those of the first task. */
export function restrictRerun(category: Category, task: Task, caller: Caller): Restrictions {
  const action = category.actions[task.action]
  const call = {
    category: category.name,
    action: task.action,
    actionNames: namesOf(category, task.action),
    isStop: action !== undefined && isStop(action),
    connection: task.connection,
    caller: { name: caller.name, isAgent: caller.agent ?? false },
    ...placeOf(task.event),
    input: task.input,
  }
  return evaluate(call, { deadline: task.deadline, max: maxDeadlineOf(category), isSilent: false })
}

/** Returns whether an action only stops what another one has started. */
export function isStop(action: Pick<ResolvedCall['action'], 'kind' | 'type'>): boolean {
  return action.kind === 'job' && !('startsJob' in action && action.startsJob === true)
}

function placeOf({ project, stage, service }: CallOrigin): Pick<PolicyCall, 'project' | 'stage' | 'service'> {
  return { project, stage, service }
}

function evaluate(call: PolicyCall, times: Times): Restrictions {
  const policy = deployedPolicy()
  if (!policy) return {}
  const now = Date.now()
  const verdict = evaluatePolicy(policy, call, now)
  const { refusal, requirements, waitAtMost, matched } = verdict
  if (matched.length === 0) return {}
  const rules = matched.map(({ name }) => name)
  const effect = refusal ? refusal.type : requirements.length > 0 ? 'wait' : 'allowed'
  log.info('policy evaluated', { rules, effect, rule: refusal?.rule, enforced: policy.enforce })
  if (!policy.enforce) return { rules }
  if (refusal) return { rules, refusal: failureOf(refusal, verdict, now) }
  if (requirements.length === 0) return { rules }
  if (times.isSilent) return { rules, refusal: silentRefusal(requirements, now) }
  if (times.deadline + waitAtMost > times.max) return { rules, refusal: tooLong(times, waitAtMost) }
  return { rules, requirements, waitAtMost }
}

function failureOf({ rule, type, reason, opensAt }: PolicyRefusal, { matched }: Verdict, now: number): Failure {
  if (type === 'denied')
    return new Failure('forbidden', `The rule "${rule}" of the policy refuses this call: ${reason}`)
  const effect = matched.find(({ name }) => name === rule)?.effect
  const timeZone = effect?.type === 'window' ? effect.window.timeZone : 'UTC'
  return closed(rule, reason, opensAt, timeZone, now)
}

/** A silent call has no task that could wait: it is refused while a window is closed. */
function silentRefusal(requirements: readonly Requirement[], now: number): Failure | undefined {
  for (const { rule, window } of requirements) {
    const { isOpen, changesAt, reason } = stateOfWindow(window, now)
    if (!isOpen)
      return closed(
        rule,
        reason,
        changesAt,
        window.timeZone,
        now,
        'Send the call with mode=interactive: its task waits.',
      )
  }
  return undefined
}

function closed(
  rule: string,
  reason: string | undefined,
  opensAt: number | undefined,
  timeZone: string,
  now: number,
  hint = 'Send the call again then.',
): Failure {
  const opens = opensAt === undefined ? 'It does not open again' : `It opens on ${describeTime(opensAt, timeZone)}`
  const message = `The rule "${rule}" of the policy allows this call at another time${reason === undefined ? '' : ` (${reason})`}. ${opens}. ${hint}`
  return new Failure('closed', message, {
    retryAfter: opensAt === undefined ? undefined : Math.ceil((opensAt - now) / 1_000),
  })
}

function tooLong({ deadline, max }: Times, waitAtMost: number): Failure {
  return new Failure(
    'invalid',
    `The call may wait for ${formatDuration(waitAtMost)} and then run for ${formatDuration(deadline)}, but only ${formatDuration(max)} are possible. Send a shorter deadline, or shorten waitAtMost of the policy.`,
  )
}
