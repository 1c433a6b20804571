import { audit } from '../../audit.ts'
import { log } from '../../log.ts'
import type { TurnRequirement } from '../../policy/kinds/turn.ts'
import { CLOCK_MARGIN_MS, checkTurn, isFull, type Released, type Turn, type TurnTicket } from '../../policy/turns.ts'
import { removeWaiter, saveWaiter } from '../../state/waiters.ts'
import type { Task } from '../call.ts'
import { type CanceledState, canceledState, cancelerOf } from './cancellation.ts'
import { linkOf, turns } from './leave-turns.ts'
import type { Reports } from './poll.ts'
import { maxStopMs } from './stop.ts'
import type { WaitState, WakeUp } from './wait.ts'

/** The wait of a task for its turns. */
export interface TurnWait {
  task: Task
  /** The turns in the payload, in the order in which they are taken. */
  requirements: readonly TurnRequirement[]
  /** When to give up, in epoch milliseconds. */
  until: number
  /** Whether the windows of the task are open: a task leaves the queue while one is closed. */
  isAllowed: (now: number) => boolean
  reports: Reports
}

/** The turn for which a task waits now. */
export interface TurnTarget extends TurnWait {
  turn: TurnRequirement
  ticket: TurnTicket
  taskStartedAt: number
}

/** State that is checkpointed between two checks of one turn. */
export interface TurnState extends WaitState, CanceledState {
  state: 'held' | 'passed' | 'waits' | 'canceled' | 'late' | 'full' | 'fullForCaller' | 'closed'
  heldAt?: number | undefined
  leftRunning?: string | undefined
  /** Describes the wait for people. */
  waitsFor?: string | undefined
  reportedAt?: number | undefined
  savedRound?: number | undefined
}

/** A lost wake-up is noticed before the turn goes to the next task. */
const CHECK_SECONDS = 120
/** Heartbeats are sent with a check. */
const HEARTBEAT_SECONDS = 60
const RETRY_SECONDS = 10
/** An execution may have 3,000 operations. */
const MAX_CHECKS = 1_000
const PROGRESS_INTERVAL_MS = 60_000
const now = () => Date.now()

/**
 * Stores the place of a task in the queue, and checks the turn.
 *
 * @throws the error of DynamoDB
 */
export async function placeAndCheck(target: TurnTarget): Promise<TurnState> {
  const { task, ticket, until } = target
  const place = { task: ticket.task, caller: task.caller, link: linkOf(task), deadline: until }
  if (!(await turns.putPlace(ticket.key, ticket.number, ticket.task, place))) return { state: 'passed' }
  const { state, turn } = await checkOnce(target, { state: 'waits' }, undefined)
  const full = turn ? await isFull(turns, ticket, turn, target.turn, task.caller, Date.now()) : 'no'
  return full === 'no' ? state : { state: full }
}

/** Writes the audit line of an operator who has taken the turn from a task: no function has received the request. */
function auditRelease({ task, by }: Released): void {
  const [category = '', taskId] = task.split('/')
  audit.start({ operation: 'release', category, taskId, outcome: 'accepted', by })
  audit.write(undefined)
}

/** Saves how to wake the task, and checks the turn. Does not throw. */
export async function checkAgain(
  target: TurnTarget,
  previous: TurnState,
  wakeUp: WakeUp | undefined,
): Promise<TurnState> {
  const savedRound = wakeUp && previous.savedRound !== wakeUp.round ? await save(target, wakeUp) : previous.savedRound
  const known = { ...previous, savedRound }
  let checked: TurnState
  try {
    checked = (await checkOnce(target, known, wakeUp)).state
  } catch (error) {
    log.warn('turn not checked', error as Error)
    checked = { ...known, nextPollIn: RETRY_SECONDS }
  }
  if (checked.nextPollIn === undefined && savedRound !== undefined) await forget(target)
  return checked
}

/**
 * Checks the turn, unless the task has to stop waiting for it.
 *
 * @throws the error of DynamoDB
 */
async function checkOnce(
  target: TurnTarget,
  previous: TurnState,
  wakeUp: WakeUp | undefined,
): Promise<{ state: TurnState; turn?: Turn }> {
  const { task, ticket, until, isAllowed, reports } = target
  const canceler = await cancelerOf(task)
  if (canceler !== undefined) return { state: { state: 'canceled', ...canceledState(canceler) } }
  if (!isAllowed(Date.now())) return { state: { state: 'closed' } }
  const { savedRound, waitsFor } = previous
  const leaseMs = leaseOf(target, Date.now())
  const standing = await checkTurn(turns, ticket, leaseMs, now)
  if (standing.state === 'held') {
    const { until: leaseEnd, leftRunning, released } = standing
    if (released) auditRelease(released)
    return { state: { state: 'held', heldAt: heldAtOf(leaseEnd, leaseMs), leftRunning } }
  }
  if (standing.state === 'passed') return { state: { state: 'passed' } }
  if (Date.now() >= until) return { state: { state: 'late', waitsFor } }
  const description = describe(target, standing.turn)
  const reportedAt = await report(target, previous, description)
  await reports.heartbeat?.()
  const isWakeable = wakeUp !== undefined && savedRound === wakeUp.round
  const nextPollIn = secondsToNextCheck(target, standing.turn, isWakeable)
  return { state: { state: 'waits', waitsFor: description, reportedAt, savedRound, nextPollIn }, turn: standing.turn }
}

/**
 * The lease of the last turn covers the action and the longest stop of its job. That of a turn that is held while the task waits for the
 * next one also covers this wait.
 */
export function leaseOf({ task, requirements, turn, until }: Leased, time: number): number {
  const isLast = turn === requirements.at(-1)
  const waitMs = isLast ? 0 : Math.max(0, until - time)
  return waitMs + task.deadline * 1_000 + maxStopMs(task)
}

/** The parts of a target on which its lease depends. */
interface Leased extends Pick<TurnTarget, 'requirements' | 'turn' | 'until'> {
  task: Pick<Task, 'deadline' | 'needsCleanup'>
}

/** Returns from when the deadline counts: from the start of the lease, even if the step that took the turn is repeated. */
export function heldAtOf(leaseEnd: number, leaseMs: number): number {
  return leaseEnd - leaseMs
}

/** Checks again when the lease of the holder ends, at the end of the wait, or earlier: the wake-up may be lost. */
function secondsToNextCheck({ until, reports }: TurnTarget, { holder }: Turn, isWakeable: boolean): number {
  const time = Date.now()
  const leaseEnd = (holder?.until ?? time) + CLOCK_MARGIN_MS + 1_000
  const limit = reports.heartbeat || !isWakeable ? HEARTBEAT_SECONDS : CHECK_SECONDS
  const seconds = Math.min(Math.ceil((Math.min(leaseEnd, until) - time) / 1_000), limit)
  return Math.max(1, seconds, Math.ceil((until - time) / 1_000 / MAX_CHECKS))
}

/** @returns when the description was reported last */
async function report({ reports }: TurnTarget, previous: TurnState, description: string): Promise<number | undefined> {
  const { waitsFor, reportedAt } = previous
  const interval = Math.max(PROGRESS_INTERVAL_MS, reports.progressIntervalMs ?? 0)
  if (!reports.progress || description === waitsFor || Date.now() - (reportedAt ?? 0) < interval) return reportedAt
  await reports.progress(description)
  return Date.now()
}

function describe({ turn, ticket }: TurnTarget, { holder, serving }: Turn): string {
  const before = ticket.number - serving - 1
  const tasks = before > 0 ? `. Up to ${before} ${before === 1 ? 'task waits' : 'tasks wait'} before this one` : ''
  const held = holder
    ? `. The task ${holder.link ?? holder.task} of ${holder.caller} has it until ${timeOf(holder.until)} at the latest`
    : ''
  return `Waits for its turn for ${turn.target} (${turn.rule})${held}${tasks}`
}

function timeOf(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

async function save({ task, taskStartedAt }: TurnTarget, { callbackId, round }: WakeUp): Promise<number | undefined> {
  try {
    await saveWaiter(task.category, task.id, { callbackId, startedAt: taskStartedAt, round })
    return round
  } catch (error) {
    log.warn('wake-up not saved: the task checks its turn more often', error as Error)
    return undefined
  }
}

async function forget({ task: { category, id } }: TurnTarget): Promise<void> {
  try {
    await removeWaiter(category, id)
  } catch (error) {
    log.warn('wake-up not deleted', error as Error)
  }
}
