import type { ActionEffect } from '../../action-effect.ts'
import type { Caller } from '../../auth/callers.ts'
import { formatDuration } from '../../duration.ts'
import { Failure } from '../../errors.ts'
import { log } from '../../log.ts'
import type { CallOrigin } from '../../orchestrators/event/event.ts'
import type { PolicyCall, PolicyCaller } from '../../policy/call.ts'
import { deployedPolicy } from '../../policy/deployed.ts'
import { evaluateCaller, evaluatePolicy, type PolicyDecision } from '../../policy/evaluate.ts'
import { failureOf, type PolicyRefusal, refuseSilent } from '../../policy/kinds/index.ts'
import { refuseDelegatedTurn } from '../../policy/kinds/turn.ts'
import { limitsIn, turnsIn } from '../../policy/requirements.ts'
import { effectOf, isFree, isStop } from '../../providers/action.ts'
import { actionNamesOf, type Category } from '../../providers/category.ts'
import type { Call, Task } from '../call.ts'
import { maxDeadlineOf } from '../max-deadlines.ts'
import { ruleInputOf } from '../policy-facts.ts'
import type { ResolvedCall } from './resolve.ts'

type Restrictions = Partial<Pick<Call, 'deadline'>> &
  Pick<Call, 'refusal' | 'requirements' | 'startRules' | 'startLimits' | 'waitAtMost' | 'rules' | 'policyDigest'>

/** How long a call may take. */
interface Times {
  /** In seconds. */
  deadline: number
  /** The maximum of the deadline and the wait for the policy together. */
  max: number
  /** The call has no task that could wait. */
  isSilent: boolean
  /** The title of a platform that sends the result itself: the task does not know when its job ends. */
  delegatesTo?: string | undefined
}

/**
 * Evaluates the policy, and the caller's entry, for a call that runs its action. A refusal is thrown only where something would start, so a repeat of a call
 * that was accepted gets its result, even if the policy has changed since.
 *
 * @param completed the complete input, with the names that the provider's contract uses
 * @param deadline in seconds
 */
export function restrict(
  category: Category,
  resolved: ResolvedCall,
  completed: unknown,
  deadline: number,
): Restrictions {
  const { action, actionName, connection, caller, event, options, answerable } = resolved
  const effect = effectOf(action, connection.provider)
  const call = {
    category: category.name,
    action: actionName,
    actionNames: actionNamesOf(category, actionName),
    isFree: isFree(action),
    isStop: isStop(action),
    effect,
    connection: connection.name,
    caller: policyCallerOf(caller, effect),
    ...placeOf(event.data),
    input: ruleInputOf(completed, resolved.input),
  }
  // The task may run for a limited time, and so may the step of the orchestrator that waits for it.
  const max = Math.min(maxDeadlineOf(category), answerable?.maxDeadline ?? Number.POSITIVE_INFINITY)
  const delegatesTo = resolved.delegates ? connection.provider.title : undefined
  return evaluate(call, { deadline, max, isSilent: options.mode === 'silent', delegatesTo })
}

/** Evaluates the policy for a task that is run again. Its requirements replace those of the first task. */
export async function restrictRerun(category: Category, task: Task, caller: Caller): Promise<Restrictions> {
  const action = category.actions[task.action]
  const provider = await category.providers[task.provider]?.()
  const effect = action && provider && effectOf(action, provider)
  const call = {
    category: category.name,
    action: task.action,
    actionNames: actionNamesOf(category, task.action),
    isFree: action !== undefined && isFree(action),
    isStop: action !== undefined && isStop(action),
    effect,
    connection: task.connection,
    caller: policyCallerOf(caller, effect),
    ...placeOf(task.event),
    input: task.policyFacts ? ruleInputOf(task.input, task.policyFacts.sentInput) : task.ruleInput,
  }
  return evaluate(call, { deadline: task.deadline, max: maxDeadlineOf(category), isSilent: false })
}

/**
 * Returns the parts of a caller's entry that the policy needs. Writes of agents need an approval unless the entry says otherwise. An
 * action that only reads does not count as a write.
 */
function policyCallerOf(
  { name, agent = false, writes, owners = [], email }: Caller,
  effect: ActionEffect | undefined,
): PolicyCaller {
  const right = effect === 'reads' ? 'allow' : (writes ?? (agent ? 'approve' : 'allow'))
  // A person who has signed in is one of the people behind the call, and a program is not.
  return { name, isAgent: agent, writes: right, owners: email === undefined ? owners : [...owners, email] }
}

function placeOf({ project, stage, service }: CallOrigin): Pick<PolicyCall, 'project' | 'stage' | 'service'> {
  return { project, stage, service }
}

function evaluate(call: PolicyCall, times: Times): Restrictions {
  const deployed = deployedPolicy()
  const { enforce = true, rules = [], approval } = deployed?.policy ?? {}
  const policyDigest = deployed?.digest
  const now = Date.now()
  const decide = (ofRules: PolicyDecision) => decisionOf(evaluateCaller(ofRules, call, approval), call, times, now)
  const ofRules = evaluatePolicy({ rules }, call, now)
  const decision = decide(ofRules)
  const applied = enforce
    ? decision
    : decide({ matched: [], refusal: undefined, requirements: [], startRules: [], startLimits: [], waitAtMost: 0 })
  if (ofRules.matched.length === 0) return { ...applied.restrictions, policyDigest }
  const names = ofRules.matched.map(({ name }) => name)
  // The entry of the caller refuses a call even if the rules are only logged.
  const enforced = enforce || applied.restrictions.refusal !== undefined
  const { effect, rule } = enforced ? applied : decision
  const subject = {
    category: call.category,
    action: call.action,
    connection: call.connection,
    caller: call.caller.name,
  }
  log.info('policy evaluated', { ...subject, rules: names, effect, rule, enforced, policyDigest })
  return { ...applied.restrictions, rules: names, policyDigest }
}

/**
 * The effect of the policy on a call. `delegated`, `silent` and `tooLong`: the call is refused, because it would have to wait for a turn
 * although a platform sends its result, has no task that could wait, or could wait and run for too long.
 */
export type PolicyEffect = PolicyRefusal['type'] | 'delegated' | 'silent' | 'tooLong' | 'wait' | 'allowed'

interface Decision {
  effect: PolicyEffect
  /** The rule that refuses the call. Undefined for the entry of the caller. */
  rule?: string | undefined
  restrictions: Restrictions
}

function decisionOf(verdict: PolicyDecision, call: PolicyCall, times: Times, now: number): Decision {
  const { matched, refusal, requirements, waitAtMost, runAtMost = times.deadline } = verdict
  const deadline = Math.min(times.deadline, runAtMost)
  const refused = (effect: PolicyEffect, rule: string | undefined, failure: Failure): Decision => ({
    effect,
    rule,
    restrictions: { refusal: failure },
  })
  if (refusal) return refused(refusal.type, refusal.rule, failureOf(refusal, call.caller.name, now))
  const atStart = {
    ...(verdict.startRules.length > 0 && { startRules: verdict.startRules }),
    ...(verdict.startLimits.length > 0 && { startLimits: verdict.startLimits }),
  }
  if (requirements.length === 0) return { effect: 'allowed', restrictions: atStart }
  const [turn] = turnsIn(requirements)
  if (turn && times.delegatesTo !== undefined)
    return refused('delegated', turn.rule, refuseDelegatedTurn(turn, times.delegatesTo))
  if (times.isSilent) {
    for (const requirement of requirements) {
      const failure = refuseSilent(requirement, now)
      if (failure) return refused('silent', requirement.rule, failure)
    }
    const startLimits = [...verdict.startLimits, ...limitsIn(requirements)]
    return { effect: 'allowed', restrictions: { ...atStart, ...(startLimits.length > 0 && { startLimits }) } }
  }
  if (deadline + waitAtMost > times.max) {
    const longest = matched.find(
      ({ name, effect }) =>
        'waitAtMost' in effect &&
        effect.waitAtMost === waitAtMost &&
        requirements.some((requirement) => requirement.rule === name),
    )
    return refused('tooLong', longest?.name, tooLong({ ...times, deadline }, waitAtMost))
  }
  return { effect: 'wait', restrictions: { requirements, ...atStart, waitAtMost, deadline } }
}

function tooLong({ deadline, max }: Times, waitAtMost: number): Failure {
  return new Failure(
    'invalid',
    `The call may wait for ${formatDuration(waitAtMost)} and then run for ${formatDuration(deadline)}, but only ${formatDuration(max)} are possible. Send a shorter deadline, or shorten waitAtMost of the policy.`,
  )
}
