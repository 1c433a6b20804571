import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { type Asked, describeFailure } from '../../approvals/request/check.ts'
import type { Decided } from '../../approvals/request/decided.ts'
import { endApprovals } from '../../approvals/request/end.ts'
import { Failure, isTransient, messageOf, toSentence } from '../../errors.ts'
import { log } from '../../log.ts'
import { errored } from '../../outcome.ts'
import type { Condition } from '../../policy/kinds/index.ts'
import { type Completed, completed, type Delegated } from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import { redact } from '../../redact.ts'
import { type Decision, ITS_TASK } from '../../state/approval-decision.ts'
import { removeWaiter, saveWaiter } from '../../state/waiters.ts'
import type { ApprovedRequest } from '../approved-request.ts'
import type { Task } from '../call.ts'
import { type Preview, previewAction } from '../preview.ts'
import { retriedStep } from '../retried-step.ts'
import { askingTasksOf, startAsking } from './ask.ts'
import { type CanceledState, canceledState, cancelerIn, cancelerOf } from './cancellation.ts'
import { canceledBeforeStart, notStarted, waitedFor } from './not-started.ts'
import type { Reports } from './poll.ts'
import { checkRequirement } from './requirement.ts'
import { startTimeOf } from './start-time.ts'
import { type WaitState, type WakeUp, waitUntilDoneOrWoken } from './wait.ts'

/** State that is checkpointed between two checks. */
interface RequireState extends WaitState, CanceledState {
  /** When all requirements were met, in epoch milliseconds. */
  metAt?: number | undefined
  /** Describes the wait for people. */
  waitsFor?: string | undefined
  /** People were asked, or are asked now, and have not decided. */
  asksPeople?: true | undefined
  /** The numbers of the requirements whose approval has to be requested now. */
  toAsk?: number[] | undefined
  /** With `toAsk`: when the task gives up, in epoch milliseconds. The finisher reads it, too. */
  asksUntil?: number | undefined
  /** Why the requirements can no longer be met. */
  endedBy?: string | undefined
  /** The approvals without a decision, when the wait ends. */
  open?: string[] | undefined
  /** The votes and decisions so far. */
  decisions?: Decided[] | undefined
  savedRound?: number | undefined
  /** How many more checks follow soon after a wake-up: until then, the next vote cannot wake the task. */
  soonChecks?: number | undefined
}

/** The request that people see, or why it is not known. */
type Shown = (Preview | { at: number; error: string }) & { effect?: string | undefined }

/** The end of the wait for the requirements of a task. */
export type Met = { decisions: Decided[] } & (
  | {
      /** In epoch milliseconds. */
      metAt: number
      /** The request that people have approved, if the first write must not differ from it. */
      approved: ApprovedRequest | undefined
    }
  | { metAt?: undefined; ended: Completed | Delegated }
)

/** The approvals that a task has asked for, by the number of the requirement. */
export type AskedPeople = Record<number, Asked>

/** A window opens at a time that is known. This is only for clocks that were changed. */
const MAX_INTERVAL_SECONDS = 12 * 3_600
/** So late is an action if the wake-up of a decision is lost. */
const MAX_APPROVAL_INTERVAL_SECONDS = 600
/**
 * A task that cannot be woken notices a request to cancel it with its next check, and heartbeats are sent with a check. Longer only if
 * the task may wait for more than 17 hours.
 */
const SHORT_INTERVAL_SECONDS = 60
/** An execution may have 3,000 operations, with the polls of the job that is started afterwards. */
const MAX_CHECKS = 1_000
/** As many as `wait.ts` makes after a wake-up. */
const SOON_CHECKS = 4
const SOON_SECONDS = 1
/** How long a table that cannot be read delays the end of a task. */
const TABLE_GRACE_MS = 3_600_000
const TABLE_PAUSE_SECONDS = 30
const MAX_PREVIEW_ATTEMPTS = 3
const MAX_ASK_ATTEMPTS = 20
const MAX_END_ATTEMPTS = 60

/**
 * Waits until the requirements of a task are all met at the same time. Asks people for the approvals among them.
 *
 * @param requirements of the payload
 * @param until when to give up, in epoch milliseconds
 * @param earlier the approvals that earlier waits of the task have asked for, to which new ones are added, and whether an attempt after
 * them may have written
 */
export async function meetRequirements(
  context: DurableContext,
  category: Category,
  task: Task,
  requirements: readonly Condition[],
  until: number,
  reports: Reports,
  earlier: Pick<RequireWait, 'asked' | 'mayHaveWritten'>,
): Promise<Met> {
  const wait: RequireWait = { task, requirements, until, reports, taskStartedAt: startTimeOf(context), ...earlier }
  const check = (state: RequireState, wakeUp: WakeUp | undefined) => checkOnce(wait, state, wakeUp)
  let shown: Shown | undefined
  // A window is usually open: then, this is the only operation.
  let state = await context.step('require', () => check({}, undefined))
  for (let round = 1; state.toAsk !== undefined || state.nextPollIn !== undefined; round++) {
    if (state.toAsk) {
      shown ??= {
        ...(await previewStep(context, category, task, until)),
        effect: category.actions[task.action]?.effect,
      }
      const error = await requestApprovals(context, wait, state.toAsk, shown)
      if (error !== undefined) {
        // A request without a response may have started the task that asks.
        await endStep(context, wait, async () => (await askingTasksOf(task)).map(({ id }) => id), byTask(error))
        return {
          decisions: state.decisions ?? [],
          ended: completed(errored(new Failure('platform', `Nothing was started: ${error}`))),
        }
      }
    }
    const again = round === 1 ? '' : `-again-${round}`
    state = await waitUntilDoneOrWoken<RequireState>(context, `require-wait${again}`, {
      initialState: { waitsFor: state.waitsFor, decisions: state.decisions },
      check,
      checkWhenWoken: (before) => check({ ...before, soonChecks: SOON_CHECKS }, undefined),
    })
  }
  const { open = [], decisions = [], metAt } = state
  if (open.length > 0) await endStep(context, wait, async () => open, endOf(state))
  if (metAt === undefined) return { decisions, ended: endedOf(state, wait) }
  const isFixed = requirements.some(({ ask }) => ask && !ask.mayChange)
  return { decisions, metAt, approved: isFixed && shown && 'approved' in shown ? shown.approved : undefined }
}

interface RequireWait {
  task: Task
  requirements: readonly Condition[]
  until: number
  reports: Reports
  taskStartedAt: number
  asked: AskedPeople
  mayHaveWritten: boolean
}

/** People are also asked if the request is not known: the action and its input are. */
function previewStep(context: DurableContext, category: Category, task: Task, until: number): Promise<Shown> {
  return retriedStep<Shown>(context, 'require-preview', () => previewAction(category, task, until), {
    maxAttempts: MAX_PREVIEW_ATTEMPTS,
    backoff: { min: 1, max: 10 },
    isRetryable: isTransient,
    giveUp: (error) => ({ at: Date.now(), error: redact(messageOf(error)) }),
  })
}

/** @returns why people could not be asked */
async function requestApprovals(
  context: DurableContext,
  { task, requirements, until, asked }: RequireWait,
  numbers: readonly number[],
  shown: Shown,
): Promise<string | undefined> {
  for (const number of numbers) {
    const { rule, ask } = requirements[number - 1] ?? {}
    if (!ask) continue
    const result = await retriedStep<{ id: string; at: number } | { error: string }>(
      context,
      `require-ask-${number}`,
      async () => ({ id: await startAsking(task, number, { rule, ask }, until, shown), at: Date.now() }),
      {
        maxAttempts: MAX_ASK_ATTEMPTS,
        backoff: { min: 1, max: 60 },
        isRetryable: (error) => Date.now() < until && !(error instanceof Failure && error.kind === 'misconfigured'),
        giveUp: (error) => ({ error: redact(messageOf(error)) }),
      },
    )
    if ('error' in result) return describeFailure(rule, result.error)
    asked[number] = { ...result, until }
  }
  return undefined
}

/** Saves how to wake the task, and checks all requirements. Does not throw. */
async function checkOnce(wait: RequireWait, state: RequireState, wakeUp: WakeUp | undefined): Promise<RequireState> {
  const { task, until, reports } = wait
  const savedRound = wakeUp && state.savedRound !== wakeUp.round ? await save(wait, wakeUp) : state.savedRound
  const next = await findNext(wait, state)
  const { changesAt, ...found } = next
  const { nextPollIn, toAsk, waitsFor } = found
  const isWaiting = nextPollIn !== undefined || toAsk !== undefined
  if (isWaiting && waitsFor !== undefined && waitsFor !== state.waitsFor) await reports.progress?.(waitsFor)
  if (nextPollIn === undefined) {
    if (savedRound !== undefined) await forget(task)
    return found
  }
  await reports.heartbeat?.()
  const now = Date.now()
  const isWakeable = wakeUp !== undefined && savedRound === wakeUp.round
  const shortest = Math.max(SHORT_INTERVAL_SECONDS, (until - wait.taskStartedAt) / 1_000 / MAX_CHECKS)
  const longest = Object.keys(wait.asked).length > 0 ? approvalInterval(wait, now) : MAX_INTERVAL_SECONDS
  const { soonChecks = 0 } = wakeUp ? {} : state
  const rarely = isWakeable && !reports.heartbeat ? longest : shortest
  const limit = soonChecks > 0 ? SOON_SECONDS : rarely
  // After the end, only a table that cannot be read is awaited.
  const end = now < until ? until : Number.POSITIVE_INFINITY
  const seconds = Math.ceil((Math.min(changesAt ?? end, end) - now) / 1_000)
  const pause = Math.max(1, Math.floor(Math.min(seconds, limit, nextPollIn)))
  return { ...found, savedRound, nextPollIn: pause, ...(soonChecks > 0 ? { soonChecks: soonChecks - 1 } : {}) }
}

/** As long as people have been asked: an early decision is rarely late, and a late one costs few checks. */
function approvalInterval({ asked }: RequireWait, now: number): number {
  const elapsed = (now - Math.min(...Object.values(asked).map(({ at }) => at))) / 1_000
  return Math.max(SHORT_INTERVAL_SECONDS, Math.min(elapsed, MAX_APPROVAL_INTERVAL_SECONDS))
}

/** Finds the next state. With `nextPollIn`, the longest time until the next check. Does not throw. */
async function findNext(
  { task, requirements, until, asked }: RequireWait,
  { waitsFor, asksPeople, decisions: known }: RequireState,
): Promise<RequireState & { changesAt?: number | undefined }> {
  const canceler = await cancelerOf(task)
  const now = Date.now()
  const ids = Object.values(asked).map(({ id }) => id)
  try {
    const states = await Promise.all(
      requirements.map((requirement, index) => checkRequirement(requirement, task.id, asked[index + 1], until, now)),
    )
    const decisions = states.flatMap(({ decided = [] }) => decided)
    // Their messages say that the task was canceled.
    if (canceler !== undefined) return { ...canceledState(canceler), decisions, open: ids }
    const open = states.flatMap(({ openId }) => openId ?? [])
    const endedBy = states.find((state) => state.endedBy !== undefined)?.endedBy
    if (endedBy !== undefined) return { endedBy, decisions, open }
    const waiting = states.filter(({ isMet }) => !isMet)
    if (waiting.length === 0) return { metAt: now, decisions, open }
    const toAsk = states.flatMap(({ mustAsk }, index) => (mustAsk ? [index + 1] : []))
    const described = waiting.map((state) => state.waitsFor).join('; ')
    const isUndecided = waiting.some(({ mustAsk, openId }) => mustAsk || openId !== undefined)
    if (now >= until) return { waitsFor: described, decisions, open }
    if (toAsk.length > 0) return { toAsk, asksUntil: until, waitsFor: described, decisions }
    const changes = waiting.flatMap(({ changesAt }) => changesAt ?? [])
    return {
      waitsFor: described,
      ...(isUndecided ? { asksPeople: true } : {}),
      decisions,
      changesAt: changes.length > 0 ? Math.min(...changes) : undefined,
      nextPollIn: MAX_INTERVAL_SECONDS,
    }
  } catch (error) {
    log.warn('requirements not checked', error as Error)
    const decisions = known
    if (canceler !== undefined) return { ...canceledState(canceler), decisions, open: ids }
    // The last vote may be in the table.
    if (now < until + TABLE_GRACE_MS)
      return {
        waitsFor,
        asksPeople,
        decisions,
        changesAt: now + TABLE_PAUSE_SECONDS * 1_000,
        nextPollIn: TABLE_PAUSE_SECONDS,
      }
    return { endedBy: `It is not known whether people have decided. ${redact(messageOf(error))}`, decisions, open: ids }
  }
}

/** Closes the messages of approvals that are still open. Gives up after an hour: their decisions have no effect. */
async function endStep(
  context: DurableContext,
  { asked, until }: RequireWait,
  openIds: () => Promise<readonly string[]>,
  decision: Omit<Decision, 'at'> | undefined,
): Promise<void> {
  await retriedStep<null>(
    context,
    'require-end',
    async () => {
      const deadlines = new Map(Object.values(asked).map((one) => [one.id, one.until]))
      const open = (await openIds()).map((id) => ({ id, until: deadlines.get(id) ?? until }))
      await endApprovals(open, decision && { ...decision, at: new Date().toISOString() })
      return null
    },
    { maxAttempts: MAX_END_ATTEMPTS, backoff: { min: 1, max: 60 }, giveUp: () => null },
  )
}

/** @returns undefined if no one decided in time */
function endOf(state: RequireState): Omit<Decision, 'at'> | undefined {
  const { endedBy, metAt } = state
  const canceler = cancelerIn(state)
  if (canceler !== undefined) return { decision: 'cancel', ...canceler }
  if (endedBy !== undefined) return byTask(endedBy)
  return metAt === undefined ? undefined : byTask('the action may start without it')
}

function byTask(reason: string): Omit<Decision, 'at'> {
  return { decision: 'cancel', by: ITS_TASK, reason }
}

function endedOf(
  state: RequireState,
  { task, until, taskStartedAt, mayHaveWritten }: RequireWait,
): Completed | Delegated {
  const { endedBy, waitsFor } = state
  const canceler = cancelerIn(state)
  if (canceler) return canceledBeforeStart(task, canceler, mayHaveWritten)
  if (endedBy === undefined) return waitedFor(task, until - taskStartedAt, waitsFor, mayHaveWritten)
  return notStarted(task, endedBy, mayHaveWritten, `Nothing was started: ${toSentence(endedBy)}`)
}

async function save({ task, taskStartedAt }: RequireWait, { callbackId, round }: WakeUp): Promise<number | undefined> {
  try {
    await saveWaiter(task.category, task.id, { callbackId, startedAt: taskStartedAt, round })
    return round
  } catch (error) {
    log.warn('wake-up not saved: the task notices a decision or a request to cancel it later', error as Error)
    return undefined
  }
}

async function forget({ category, id }: Task): Promise<void> {
  try {
    await removeWaiter(category, id)
  } catch (error) {
    log.warn('wake-up not deleted', error as Error)
  }
}
