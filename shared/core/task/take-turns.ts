import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { formatDuration } from '../../duration.ts'
import { serviceUnavailable, toSentence } from '../../errors.ts'
import { log } from '../../log.ts'
import { errored, passed } from '../../outcome.ts'
import type { TurnRequirement } from '../../policy/kinds/turn.ts'
import type { End, TurnTicket } from '../../policy/turns.ts'
import { type Completed, completed, type Delegated } from '../../providers/action.ts'
import type { Task } from '../call.ts'
import { retriedStep } from '../retried-step.ts'
import { aborted, cancelerIn } from './cancellation.ts'
import { checkAgain, placeAndCheck, type TurnState, type TurnWait } from './check-turn.ts'
import { leaveTurns, leftBy, nameOf, turns } from './leave-turns.ts'
import type { Held } from './retry-start.ts'
import { startTimeOf } from './start-time.ts'
import { waitUntilDoneOrWoken } from './wait.ts'

/** About five minutes. */
const TABLE_RETRIES = { maxAttempts: 10, backoff: { min: 1, max: 60 } }

/** The task has all turns since `heldAt`, in epoch milliseconds, or it does not run its action. */
type Taken =
  | { heldAt: number; notes: string[] }
  /** A window was closed in the meantime. */
  | 'closed'
  | { heldAt?: undefined; ended: Completed }

/**
 * Runs an action while its task has its turns. Gives them up directly after it: an orchestrator that is down must not keep a target busy.
 *
 * @param run gets the time since which the task has all turns, in epoch milliseconds. Must not throw
 * @returns `closed` if a window was closed while the task waited; `held` if the action may not start now
 */
export async function runInTurn(
  context: DurableContext,
  wait: TurnWait,
  run: (heldAt: number) => Promise<Completed | Delegated | Held>,
): Promise<Completed | Delegated | Held | 'closed'> {
  const tickets: TurnTicket[] = []
  const taken = await takeTurns(context, wait, tickets)
  if (taken === 'closed' || taken.heldAt === undefined) {
    await leaveTurns(context, wait.task, tickets, 'waited')
    return taken === 'closed' ? taken : taken.ended
  }
  const result = await run(taken.heldAt)
  if (result.type === 'held') {
    // A stop must not keep a target busy.
    await leaveTurns(context, wait.task, tickets, 'waited')
    return result
  }
  await leaveTurns(context, wait.task, tickets, endOf(result, wait.task))
  if (taken.notes.length === 0) return result
  const { outcome } = result
  return { ...result, outcome: { ...outcome, message: [toSentence(outcome.message), ...taken.notes].join(' ') } }
}

/** Takes the turns one after the other. A turn that is free takes two operations, and `leaveTurns` is the third. */
async function takeTurns(context: DurableContext, wait: TurnWait, tickets: TurnTicket[]): Promise<Taken> {
  const notes: string[] = []
  let heldAt = 0
  try {
    for (const turn of wait.requirements) {
      const last = await takeTurn(context, wait, turn, tickets)
      if (last.state === 'closed') return 'closed'
      if (last.heldAt === undefined) return { ended: endedOf(last, wait, turn, startTimeOf(context)) }
      heldAt = last.heldAt
      if (last.leftRunning !== undefined)
        notes.push(`When it started, a job of ${last.leftRunning} may still have been running for ${turn.target}.`)
    }
    return { heldAt, notes }
  } catch (error) {
    log.error('turn not taken', error as Error)
    return {
      ended: completed(
        errored(
          serviceUnavailable(
            'The state table is not available, so the task could not take its turn. Nothing was started.',
          ),
        ),
      ),
    }
  }
}

/** Takes numbers until the task has the turn, or stops waiting for it. */
async function takeTurn(
  context: DurableContext,
  wait: TurnWait,
  turn: TurnRequirement,
  tickets: TurnTicket[],
): Promise<TurnState> {
  const task = nameOf(wait.task)
  const taskStartedAt = startTimeOf(context)
  for (;;) {
    // A repeated step takes another number. The first one stays unused, and the other tasks skip it.
    const ticket = await retriedStep<TurnTicket>(
      context,
      'turn-number',
      async () => ({ key: turn.key, number: await turns.takeNumber(turn), task }),
      TABLE_RETRIES,
    )
    tickets.push(ticket)
    const target = { ...wait, turn, ticket, taskStartedAt }
    const first = await retriedStep(context, 'turn-place', () => placeAndCheck(target), TABLE_RETRIES)
    const last =
      first.state === 'waits'
        ? await waitUntilDoneOrWoken<TurnState>(context, 'turn-wait', {
            initialState: first,
            check: (state, wakeUp) => checkAgain(target, state, wakeUp),
            checkWhenWoken: (state) => checkAgain(target, state, undefined),
          })
        : first
    if (last.state !== 'passed') return last
    tickets.pop()
  }
}

function endOf({ outcome, ...result }: Completed | Delegated, task: Task): End {
  if (result.type === 'completed' && !result.mayStillRun) return 'ended'
  const [link] = Object.values(outcome.links)
  return link === undefined ? leftBy(task) : { leftRunning: link }
}

function endedOf(last: TurnState, { until }: TurnWait, turn: TurnRequirement, startedAt: number): Completed {
  const canceler = cancelerIn(last)
  if (canceler) return aborted(canceler, `Canceled by ${canceler.by} before anything was sent to the platform`)
  if (last.state === 'full')
    return failed(
      `Nothing was started: ${turn.queue} ${turn.queue === 1 ? 'task waits' : 'tasks wait'} for ${turn.target} already, and the rule "${turn.rule}" allows no more`,
    )
  if (last.state === 'fullForCaller')
    return failed(
      `Nothing was started: ${turn.perCaller} of the ${turn.queue} tasks that may wait for ${turn.target} are of this caller already, and the rule "${turn.rule}" allows no more of one caller`,
    )
  const waited = formatDuration(Math.round((until - startedAt) / 1_000))
  return failed(`Nothing was started: the call has waited for ${waited}. ${last.waitsFor ?? ''}`.trim())
}

function failed(message: string): Completed {
  return completed({ ...passed(message), result: 'fail' })
}
