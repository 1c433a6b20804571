import { type Caller, isRestricted } from '../../auth/callers.ts'
import { formatDuration, parseDuration } from '../../duration.ts'
import { Failure } from '../../errors.ts'
import { log } from '../../log.ts'
import { type CallOrigin, originOf } from '../../orchestrators/event/event.ts'
import { DEFAULT_ORCHESTRATOR, loadOrchestrator } from '../../orchestrators/index.ts'
import type { AnswerableCall } from '../../orchestrators/orchestrator.ts'
import { turnsIn } from '../../policy/requirements.ts'
import { type CallContext, completeInput } from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import { settings } from '../../settings.ts'
import { sourceOf } from '../../sources/source-of.ts'
import type { ActionFields, AnswerFields, Call, CallerFields, WaitFields } from '../call.ts'
import { digestInput, identifyCall } from '../call-id.ts'
import { lastRunKey, withLastRun } from '../last-run.ts'
import { policyFactsOf } from '../policy-facts.ts'
import type { StopTarget } from '../run-of-task.ts'
import type { ResolvedCall } from './resolve.ts'
import type { restrict } from './restrict.ts'
import { completeWithoutCredentials } from './stored-credentials.ts'

/** A call with its complete input. */
interface Completed extends Pick<Call, 'input' | 'skip' | 'deadline'> {
  /** Sentences for the message of the outcome. */
  notes: string[]
}

/**
 * Completes the input of a call, checks it, and returns the record of the call.
 *
 * @throws Failure
 */
export async function prepare(category: Category, resolved: ResolvedCall): Promise<Call> {
  const { options, traceparent } = resolved
  const completed = await completeCall(category, resolved)
  const id = await identifyCall(category, resolved)
  const policy = completed.skip || options.dryRun ? undefined : await applyPolicy(category, resolved, completed)
  return {
    version: 1,
    id,
    mode: options.mode === 'silent' ? 'silent' : 'interactive',
    traceparent,
    auditEvents: settings.auditEventSource === undefined ? undefined : true,
    ...callerFieldsOf(resolved),
    ...(await actionFieldsOf(category, resolved, completed)),
    // Tasks that wait for the turn see the URL of the task that has it.
    ...(await answerFieldsOf(resolved, id, turnsIn(policy?.requirements).length > 0)),
    ...waitFieldsOf(category, resolved, completed),
    policyFacts: isSilent(resolved) || completed.skip ? undefined : policyFactsOf(resolved, completed.input),
    ...policy,
  }
}

function callerFieldsOf({ caller: { name, person, email, agent } }: ResolvedCall): CallerFields {
  return { caller: name, person, email, isOfAgent: agent }
}

async function actionFieldsOf(
  category: Category,
  resolved: ResolvedCall,
  { input, skip, notes }: Completed,
): Promise<ActionFields> {
  const { actionName: action, mappedName, caller, connection, startsJob, event } = resolved
  const { dryRun } = resolved.options
  return {
    category: category.name,
    action,
    mappedName,
    connection: connection.name,
    provider: String(connection.values['provider']),
    input,
    inputDigest: await digestInput(input),
    notes: notes.length > 0 && !skip ? notes : undefined,
    dryRun,
    skip,
    lastRunKey: startsJob && !dryRun ? await lastRunKey(category.name, caller, connection.name, event) : undefined,
    needsCleanup: needsCleanup(resolved) || undefined,
  }
}

/** @param needsUrl whether other tasks show the URL of this one */
async function answerFieldsOf(resolved: ResolvedCall, id: Call['id'], needsUrl: boolean): Promise<AnswerFields> {
  const { action, answerable, caller, categoryUrl, delegates, event, options } = resolved
  const { mode, answer, hold, invert, sendStarted, progress, labels } = options
  const {
    replyTo,
    isDetailed,
    hasObservers,
    answersRepeats,
    needsHeartbeat,
    needsPause,
    maxDeadline: _,
    maxProgress,
    ...origin
  }: CallOrigin & Partial<AnswerableCall> = answerable ?? originOf(event)
  const needsApiUrl =
    needsUrl || action.type === 'approval' || isDetailed || (needsCleanup(resolved) && mode === 'silent')
  return {
    orchestrator: mode === 'gate' ? DEFAULT_ORCHESTRATOR : caller.orchestrator,
    event: origin,
    gate: mode === 'gate' ? { form: answer, hold, invert } : undefined,
    answersRepeats,
    sendStarted,
    progress,
    maxProgress,
    labels,
    // Empty for a call without HTTP.
    apiUrl: needsApiUrl ? categoryUrl || undefined : undefined,
    isDetailed: isDetailed || undefined,
    hasObservers: hasObservers || undefined,
    sealedReplyTo: replyTo === undefined ? undefined : await seal(id, replyTo),
    needsHeartbeat: needsHeartbeat || undefined,
    needsPause: needsPause || undefined,
    delegates: delegates || undefined,
  }
}

/** Without what the policy requires. */
function waitFieldsOf({ name }: Category, resolved: ResolvedCall, { deadline }: Completed): WaitFields {
  const { action, connection, delegates, options } = resolved
  const waits = action.type !== 'immediate' && options.mode !== 'silent' && !delegates
  return { deadline, source: waits ? sourceOf(`${name}/${connection.name}`, connection.provider) : undefined }
}

/** Whether no task runs the action. */
function isSilent(resolved: ResolvedCall): boolean {
  return resolved.options.mode === 'silent' && !needsCleanup(resolved)
}

/** Whether the job that a call starts must not outlive its task. */
function needsCleanup({ startsJob, connection }: ResolvedCall): boolean {
  return startsJob && connection.provider.requiresTask === true
}

/** Loaded when used: many deployments have no policy. */
async function applyPolicy(
  category: Category,
  resolved: ResolvedCall,
  { input, deadline }: Completed,
): Promise<ReturnType<typeof restrict>> {
  if (!isRestricted(resolved.caller)) return {}
  return (await import('./restrict.ts')).restrict(category, resolved, input, deadline)
}

/** Completes the input of a call and checks it. Returns why the action does not run, if it does not, and notes for the message. */
async function completeCall(category: Category, resolved: ResolvedCall): Promise<Completed> {
  const { action, caller, connection, event, input, options, answerable, startsJob } = resolved
  const showsSequence = action.isNotification || action.type === 'approval'
  const notes: string[] = []
  const callContext: CallContext = {
    event,
    caller: caller.name,
    connection: connection.values,
    provider: connection.provider,
    sequenceUrl: showsSequence ? await sequenceUrlOf(caller, answerable ?? originOf(event)) : undefined,
    orchestrator: caller.orchestrator === DEFAULT_ORCHESTRATOR ? undefined : caller.orchestrator,
    silent: options.mode === 'silent',
    note: (sentence) => void notes.push(sentence),
  }
  const skip = skipOf(resolved)
  const isStop = action.kind === 'job' && !startsJob
  const named = isStop ? await withRunId(category, resolved, skip !== undefined) : { input }
  const sender = { category: category.name, caller: caller.name }
  const completed = await completeWithoutCredentials(sender, async () =>
    named.canceled ? named.input : completeInput(action, named.input, callContext),
  )
  const deadline = deadlineOf(resolved)
  if (options.deadline !== undefined && deadline < options.deadline)
    notes.push(`The deadline was reduced to ${formatDuration(deadline)}, which is the maximum of the orchestrator.`)
  if (!named.canceled) return { input: completed, skip, notes, deadline }
  return { input: completed, skip: { message: named.canceled, result: 'pass', isAutomatic: false }, notes, deadline }
}

/** Replaces the other names of a run in `input.id`: `last`, and the id of the task that has started it. */
async function withRunId(category: Category, resolved: ResolvedCall, isSkipped: boolean): Promise<StopTarget> {
  const { input, caller, connection, event, findRunOfTask } = resolved
  const named = await withLastRun(input, category.name, caller, connection.name, event)
  // It cancels a task that has not started its run yet.
  if (isSkipped) return { input: named }
  // The last run is one of the same caller.
  const mustBeTask = caller.agent === true && named === input
  if (!connection.provider.requiresTask && !mustBeTask) return { input: named }
  if (mustBeTask && !findRunOfTask)
    throw new Failure(
      'forbidden',
      'An agent stops only what it has started itself, and a durable function cannot check that. Call the webhook over HTTP.',
    )
  return (await findRunOfTask?.(named, category, { ...resolved, mustBeTask })) ?? { input: named }
}

/**
 * Encrypts the address for the answer.
 *
 * @throws Failure `misconfigured`, `unavailable`
 */
async function seal(id: string | undefined, replyTo: string): Promise<string> {
  if (id === undefined) throw new Error('An interactive call has an id.')
  const { sealAddress } = await import('../../auth/reply-address.ts')
  return sealAddress(id, replyTo)
}

/** Does not throw: a message without the link is better than none. */
async function sequenceUrlOf({ orchestrator }: Caller, origin: CallOrigin): Promise<string | undefined> {
  if (orchestrator === undefined || origin.context === undefined) return undefined
  try {
    return (await loadOrchestrator(orchestrator)).linkTo?.(origin)
  } catch (error) {
    log.warn('no link to the sequence', error as Error)
    return undefined
  }
}

/** Returns the deadline of a call, in seconds. The orchestrator may accept answers only for a limited time. */
function deadlineOf({ action, options, answerable }: ResolvedCall): number {
  const deadline = options.deadline ?? defaultDeadline() ?? action.deadline
  return Math.min(deadline, answerable?.maxDeadline ?? deadline)
}

/** Returns the deployment's default deadline, in seconds. */
function defaultDeadline(): number | undefined {
  return settings.deadline === undefined ? undefined : parseDuration(settings.deadline, 'WEBHOOKS_DEADLINE')
}

type SkippableCall = Pick<ResolvedCall, 'event' | 'options' | 'acceptsSkips'> & {
  action: ResolvedCall['action'] | undefined
}

/** Returns why the action of a call does not run: because of `when`, or because the event decides its approval. */
export function skipOf({ action, event, options: { when }, acceptsSkips }: SkippableCall): Call['skip'] {
  const { result } = event.data
  const decided = acceptsSkips && action?.type === 'approval' ? action.decideAutomatically(event) : undefined
  const isAutomatic = decided !== undefined
  if (!when || (result !== undefined && when.includes(result))) return decided && { ...decided, isAutomatic }
  const message = `Skipped: data.result is ${result ?? 'missing'}, and when is ${when.join(',')}`
  // Otherwise a warning would be a pass for the tasks that follow.
  const isWarning = result !== undefined && result !== 'pass'
  return { message, result: 'pass', ...(isWarning ? { isWarning } : {}), isAutomatic }
}
