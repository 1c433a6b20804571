import { type Caller, isRestricted } from '../../auth/callers.ts'
import { formatDuration, parseDuration } from '../../duration.ts'
import { log } from '../../log.ts'
import { type CallOrigin, originOf } from '../../orchestrators/event/event.ts'
import { DEFAULT_ORCHESTRATOR, loadOrchestrator } from '../../orchestrators/index.ts'
import type { AnswerableCall } from '../../orchestrators/orchestrator.ts'
import { turnsIn } from '../../policy/kinds/index.ts'
import { type CallContext, completeInput } from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import { settings } from '../../settings.ts'
import { sourceOf } from '../../sources/source-of.ts'
import type { Call } from '../call.ts'
import { identifyCall } from '../call-id.ts'
import { digestInput } from '../digest-input.ts'
import { lastRunKey, withLastRun } from '../last-run.ts'
import type { StopTarget } from '../run-of-task.ts'
import { sendsFinished } from './check-mode.ts'
import type { ResolvedCall } from './resolve.ts'
import type { restrict } from './restrict.ts'
import { skipOf } from './skip.ts'
import { completeWithoutCredentials } from './stored-credentials.ts'

/**
 * Completes the input of a call, checks it, and returns the record of the call.
 *
 * @throws Failure
 */
export async function prepare(category: Category, resolved: ResolvedCall): Promise<Call> {
  const { action, actionName, caller, connection, event, options, answerable } = resolved
  const { mode, dryRun, answer, hold, invert } = options
  const { provider, values } = connection
  const startsJob = isStart(action)
  const needsCleanup = startsJob && provider.requiresTask ? true : undefined
  const needsApiUrl = action.type === 'approval' || answerable?.isDetailed || (needsCleanup && mode === 'silent')
  const { input, skip, notes } = await completeCall(category, resolved)
  const deadline = deadlineOf(resolved)
  if (options.deadline !== undefined && deadline < options.deadline)
    notes.push(`The deadline was reduced to ${formatDuration(deadline)}, which is the maximum of the orchestrator.`)
  const delegates = startsJob && !dryRun && sendsFinished(connection) ? true : undefined
  const waits = action.type !== 'immediate' && mode !== 'silent' && !delegates
  const id = await identifyCall(category, resolved)
  const policy = skip || dryRun ? undefined : await applyPolicy(category, resolved, input, deadline)
  // Tasks that wait for the turn see the URL of the task that has it.
  const hasTurn = turnsIn(policy?.requirements).length > 0
  const {
    replyTo,
    isDetailed,
    hasObservers,
    answersRepeats,
    needsHeartbeat,
    maxDeadline: _,
    maxProgress,
    ...origin
  }: CallOrigin & Partial<AnswerableCall> = answerable ?? originOf(event)
  return {
    version: 1,
    id,
    category: category.name,
    caller: caller.name,
    person: caller.person,
    email: caller.email,
    orchestrator: mode === 'gate' ? DEFAULT_ORCHESTRATOR : caller.orchestrator,
    mode: mode === 'silent' ? 'silent' : 'interactive',
    answersRepeats,
    isOfAgent: caller.agent,
    gate: mode === 'gate' ? { form: answer, hold, invert } : undefined,
    event: origin,
    action: actionName,
    mappedName: resolved.mappedName,
    connection: connection.name,
    provider: String(values['provider']),
    input,
    notes: notes.length > 0 && !skip ? notes : undefined,
    dryRun,
    deadline,
    sendStarted: options.sendStarted,
    progress: options.progress,
    maxProgress,
    labels: options.labels,
    skip,
    // Empty for a call without HTTP.
    apiUrl: needsApiUrl || hasTurn ? resolved.categoryUrl || undefined : undefined,
    isDetailed: isDetailed || undefined,
    hasObservers: hasObservers || undefined,
    sealedReplyTo: replyTo === undefined ? undefined : await seal(id, replyTo),
    needsHeartbeat: needsHeartbeat ? true : undefined,
    source: waits ? sourceOf(`${category.name}/${connection.name}`, provider) : undefined,
    traceparent: resolved.traceparent,
    lastRunKey: startsJob && !dryRun ? await lastRunKey(category.name, caller, connection.name, event) : undefined,
    needsCleanup,
    delegates,
    inputDigest: await digestInput(input),
    auditEvents: settings.auditEventSource === undefined ? undefined : true,
    ...policy,
  }
}

/** Loaded when used: many deployments have no policy. */
async function applyPolicy(...call: Parameters<typeof restrict>): Promise<ReturnType<typeof restrict>> {
  const [, { caller }] = call
  return isRestricted(caller) ? (await import('./restrict.ts')).restrict(...call) : {}
}

/** Completes the input of a call and checks it. Returns why the action does not run, if it does not, and notes for the message. */
async function completeCall(
  category: Category,
  resolved: ResolvedCall,
): Promise<Pick<Call, 'input' | 'skip'> & { notes: string[] }> {
  const { action, caller, connection, event, input, options, answerable } = resolved
  const showsSequence = action.isNotification || action.type === 'approval'
  const notes: string[] = []
  const callContext: CallContext = {
    event,
    connection: connection.values,
    provider: connection.provider,
    sequenceUrl: showsSequence ? await sequenceUrlOf(caller, answerable ?? originOf(event)) : undefined,
    orchestrator: caller.orchestrator === DEFAULT_ORCHESTRATOR ? undefined : caller.orchestrator,
    silent: options.mode === 'silent',
    note: (sentence) => void notes.push(sentence),
  }
  const skip = skipOf(resolved)
  const isStop = action.kind === 'job' && !isStart(action)
  const named = isStop ? await withRunId(category, resolved, skip !== undefined) : { input }
  const sender = { category: category.name, caller: caller.name }
  const completed = await completeWithoutCredentials(sender, async () =>
    named.canceled ? named.input : completeInput(action, named.input, callContext),
  )
  if (!named.canceled) return { input: completed, skip, notes }
  return { input: completed, skip: { message: named.canceled, result: 'pass', isAutomatic: false }, notes }
}

function isStart(action: ResolvedCall['action']): boolean {
  return action.type === 'job' && action.startsJob === true
}

/** Replaces the other names of a run in `input.id`: `last`, and the id of the task that has started it. */
async function withRunId(category: Category, resolved: ResolvedCall, isSkipped: boolean): Promise<StopTarget> {
  const { input, caller, connection, event, findRunOfTask } = resolved
  const named = await withLastRun(input, category.name, caller, connection.name, event)
  // It cancels a task that has not started its run yet.
  if (isSkipped) return { input: named }
  return (connection.provider.requiresTask && (await findRunOfTask?.(named, category, resolved))) || { input: named }
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
