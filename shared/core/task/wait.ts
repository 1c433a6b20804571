import { setImmediate } from 'node:timers/promises'
import type { DurableContext, DurablePromise } from '@aws/durable-execution-sdk-js'

/** What a look returns, and what the next one gets. JSON. */
export interface LookState {
  /** Seconds until the next look. Undefined ends the wait. */
  nextPollIn?: number | undefined
}

/** How a look can be woken. */
export interface WakeUp {
  /** Completing it wakes the task. */
  callbackId: string
  /** How often the task has been woken. */
  round: number
}

export interface Looks<S extends LookState> {
  initialState: S
  /**
   * Looks once. Saves the wake-up first, if it is new, so that nothing that happens after the look stays unnoticed. Must not throw.
   *
   * @param wakeUp undefined if the task cannot be woken
   */
  look(state: S, wakeUp: WakeUp | undefined): Promise<S>
  /** Looks for the first time after a wake-up, with the state that an earlier look has saved. Must not throw. */
  lookWhenWoken(state: S): Promise<S>
}

/** An execution may have 3,000 operations, and each wake-up costs about nine. */
const MAX_WAKE_UPS = 50
/** After a wake-up, the task looks at once and after 2, 5 and 10 seconds. Only then can it be woken again. */
const LOOKS_WHEN_WOKEN = 4

/**
 * Looks again and again, at the times that the looks return. One durable operation, and one for each look.
 *
 * @param step the name of the operation
 */
export function lookUntilDone<S extends LookState>(
  context: DurableContext,
  step: string,
  { initialState, look }: Pick<Looks<S>, 'initialState' | 'look'>,
): Promise<S> {
  return repeat(context, step, initialState, (state) => look(state, undefined))
}

/**
 * Looks again and again, at the times that the looks return and whenever somebody completes the callback. A wake-up carries nothing: a
 * forged, repeated, late or lost one does no harm.
 *
 * The callback and the looks race. AWS's `race` stores who has won, so that a replay takes the same way; a race of plain promises would
 * not be deterministic. The looks that have lost go on in the background until the next one ends them.
 *
 * @param step the name of the first looks, and the prefix of the other operations
 * @see https://docs.aws.amazon.com/lambda/latest/dg/durable-basic-concepts.html
 */
export async function lookUntilDoneOrWoken<S extends LookState>(
  context: DurableContext,
  step: string,
  { initialState, look, lookWhenWoken }: Looks<S>,
): Promise<S> {
  let state = initialState
  for (let round = 0; round < MAX_WAKE_UPS; round++) {
    const [woken, callbackId] = await context.createCallback(`${step}-wake-${round}`)
    let isOver = false
    const looked = repeat(context, round === 0 ? step : `${step}-${round}`, state, async (previous) => {
      // A replay runs this look before it reaches the result of the race.
      await setImmediate()
      return isOver ? { ...previous, nextPollIn: undefined } : look(previous, { callbackId, round })
    })
    const ended = await raceOf(context, `${step}-race-${round}`, looked, woken)
    isOver = true
    if (ended) return ended
    state = await repeat(
      context,
      `${step}-woken-${round}`,
      state,
      (previous, attempt) => (attempt === 1 ? lookWhenWoken(previous) : look(previous, undefined)),
      LOOKS_WHEN_WOKEN,
    )
    if (state.nextPollIn === undefined) return state
  }
  return lookUntilDone(context, `${step}-without-wake-ups`, { initialState: state, look })
}

/** @returns undefined if the callback was first. A callback that somebody fails wakes the task, too */
async function raceOf<S extends LookState>(
  context: DurableContext,
  step: string,
  looked: DurablePromise<S>,
  woken: DurablePromise<string>,
): Promise<S | undefined> {
  try {
    const winner = await context.promise.race<S | string>(step, [looked, woken])
    return typeof winner === 'object' ? winner : undefined
  } catch {
    return undefined
  }
}

/** @param maxLooks ends the wait, although the last state has a time for the next look */
function repeat<S extends LookState>(
  context: DurableContext,
  step: string,
  initialState: S,
  look: (state: S, attempt: number) => Promise<S>,
  maxLooks = Number.POSITIVE_INFINITY,
): DurablePromise<S> {
  return context.waitForCondition<S>(step, (state, { attempt }) => look(state, attempt), {
    initialState,
    waitStrategy: ({ nextPollIn }, attempt) =>
      nextPollIn === undefined || attempt >= maxLooks
        ? { shouldContinue: false }
        : { shouldContinue: true, delay: { seconds: nextPollIn } },
  })
}
