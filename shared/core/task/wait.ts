import { setImmediate } from 'node:timers/promises'
import type { DurableContext, DurablePromise } from '@aws/durable-execution-sdk-js'

/** The state that a check returns and the next one receives. JSON. */
export interface WaitState {
  /** Seconds until the next check. Undefined ends the wait. */
  nextPollIn?: number | undefined
}

/** How to wake a task that waits. */
export interface WakeUp {
  /** Completing this callback wakes the task. */
  callbackId: string
  /** How often the task was woken before. */
  round: number
}

export interface Checks<S extends WaitState> {
  initialState: S
  /**
   * Checks once. Saves a new wake-up first, so that nothing that happens after the check goes unnoticed. Must not throw.
   *
   * @param wakeUp undefined if the task cannot be woken
   */
  check(state: S, wakeUp: WakeUp | undefined): Promise<S>
  /** Checks for the first time after a wake-up, with the state that an earlier check has saved. Must not throw. */
  checkWhenWoken(state: S): Promise<S>
}

/** An execution may have 3,000 operations, and each wake-up takes about nine. */
const MAX_WAKE_UPS = 50
/** At once, and after 2, 5 and 10 seconds: until then, the task cannot be woken again. */
const CHECKS_WHEN_WOKEN = 4

/**
 * Checks repeatedly, at the times that the checks return. One durable operation, and one for each check.
 *
 * @param step the name of the operation
 */
export function waitUntilDone<S extends WaitState>(
  context: DurableContext,
  step: string,
  { initialState, check }: Pick<Checks<S>, 'initialState' | 'check'>,
): Promise<S> {
  return repeat(context, step, initialState, (state) => check(state, undefined))
}

/**
 * Checks repeatedly, at the times that the checks return and whenever the callback is completed. A wake-up has no content: a forged,
 * repeated, late or lost one does no harm.
 *
 * The callback races with the checks. AWS's `race` stores the winner, so that a replay takes the same branch; with a race of plain
 * promises, it might not. After a wake-up, the checks of that round remain in the background, until their next one ends them.
 *
 * @param step the name of the first checks, and the prefix of the other operations
 * @see https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-sdk.html
 */
export async function waitUntilDoneOrWoken<S extends WaitState>(
  context: DurableContext,
  step: string,
  { initialState, check, checkWhenWoken }: Checks<S>,
): Promise<S> {
  let state = initialState
  for (let round = 0; round < MAX_WAKE_UPS; round++) {
    const [woken, callbackId] = await context.createCallback(`${step}-wake-${round}`)
    let isOver = false
    const checked = repeat(context, round === 0 ? step : `${step}-${round}`, state, async (previous) => {
      // During a replay, this runs before the result of the race is read.
      await setImmediate()
      return isOver ? { ...previous, nextPollIn: undefined } : check(previous, { callbackId, round })
    })
    const ended = await raceOf(context, `${step}-race-${round}`, checked, woken)
    isOver = true
    if (ended) return ended
    const run = (previous: S, attempt: number) =>
      attempt === 1 ? checkWhenWoken(previous) : check(previous, undefined)
    state = await repeat(context, `${step}-woken-${round}`, state, run, CHECKS_WHEN_WOKEN)
    if (state.nextPollIn === undefined) return state
  }
  return waitUntilDone(context, `${step}-without-wake-ups`, { initialState: state, check })
}

/** @returns undefined if the callback was first. A callback that is failed wakes the task, too */
async function raceOf<S extends WaitState>(
  context: DurableContext,
  step: string,
  checked: DurablePromise<S>,
  woken: DurablePromise<string>,
): Promise<S | undefined> {
  try {
    const winner = await context.promise.race<S | string>(step, [checked, woken])
    return typeof winner === 'object' ? winner : undefined
  } catch {
    return undefined
  }
}

/** @param maxChecks ends the wait, although the last state has a time for the next check */
function repeat<S extends WaitState>(
  context: DurableContext,
  step: string,
  initialState: S,
  check: (state: S, attempt: number) => Promise<S>,
  maxChecks = Number.POSITIVE_INFINITY,
): DurablePromise<S> {
  return context.waitForCondition<S>(step, (state, { attempt }) => check(state, attempt), {
    initialState,
    waitStrategy: ({ nextPollIn }, attempt) =>
      nextPollIn === undefined || attempt >= maxChecks
        ? { shouldContinue: false }
        : { shouldContinue: true, delay: { seconds: nextPollIn } },
  })
}
