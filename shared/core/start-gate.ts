import { randomUUID } from 'node:crypto'
import { Failure, toSentence } from '../errors.ts'
import type { StartLimit } from '../policy/kinds/at-most.ts'
import { describeStop, failureOfStop, findStop, type StartingAction } from '../policy/kinds/stop.ts'
import type { WindowRequirement } from '../policy/kinds/window.ts'
import { mayStart, type StartDecision } from '../policy/may-start.ts'
import { isFree } from '../providers/action.ts'
import { actionNamesOf, type Category } from '../providers/category.ts'
import { sourceOfCaller } from '../source-name.ts'
import { type Call, hasTask } from './call.ts'
import { ruleInputOf } from './policy-facts.ts'
import { readStops } from './stops.ts'

/** Asks whether the action of a call may start now. Does not throw. */
export type StartCheck = () => Promise<Refused | { type: 'allowed' }>

/** An action that may not start. */
export type Refused = Exclude<StartDecision, { type: 'allowed' }>

/** Thrown in place of the first write of an action that may not start. */
export class NotStarted extends Error {
  readonly decision: Refused

  constructor(decision: Refused) {
    super(decision.why)
    this.decision = decision
  }

  /**
   * Returns the response to a call that no task can hold.
   *
   * @param mayHaveWritten whether an earlier attempt may have reached the platform
   */
  failureAfter(mayHaveWritten: boolean): Failure {
    const { type, why } = this.decision
    const before = mayHaveWritten ? MAY_HAVE_WRITTEN : 'Nothing was started.'
    const failure =
      type === 'stopped' ? failureOfStop(why, before) : new Failure('closed', `${toSentence(why)} ${before}`)
    return failure.withMayHaveWritten(mayHaveWritten)
  }
}

const MAY_HAVE_WRITTEN = 'An earlier attempt may have reached the platform: check it.'
/** A stop is in force everywhere after this time. */
export const MAX_STOP_AGE_MS = 5_000
/** Between the start of an attempt and its first write. */
const ATTEMPT_STOP_AGE_MS = 1_000
/** The policy of the acceptance is that of today for so long. */
const POLICY_AGE_MS = 60_000
/** Between the start of an attempt and its first write. */
const ATTEMPT_POLICY_AGE_MS = 5_000

/** The windows and limits that a task has waited for. They may have changed since. */
export interface Awaited {
  windows: readonly WindowRequirement[]
  limits: readonly StartLimit[]
  /** People have let the action start above these limits. It counts for the others. */
  raisedLimits: readonly StartLimit[]
  /** The closed windows that people have opened. */
  opened: readonly WindowRequirement[]
  /** When the task was started, in epoch milliseconds. Undefined for a silent call, which does not wait. */
  since: number | undefined
}

const NOTHING_AWAITED: Awaited = { windows: [], limits: [], raisedLimits: [], opened: [], since: undefined }

/** Returns an action as stops see it. Undefined for one that only reads or asks people: it always starts. */
export function startingActionOf(
  category: Category,
  { action: name, mappedName, connection, caller }: Pick<Call, 'action' | 'mappedName' | 'connection' | 'caller'>,
): StartingAction | undefined {
  const action = category.actions[name]
  if (!action || action.type === 'approval' || action.effect === 'reads') return undefined
  const actionNames = actionNamesOf(category, name)
  const mappingName = mappedName === undefined ? undefined : category.actionMapping?.name
  return { category: category.name, actionNames, mappingName, isFree: isFree(action), connection, caller }
}

/**
 * Returns the check of a call. An action that only reads or asks people always starts.
 *
 * @param awaited the windows and limits that its task has waited for
 * @param startId the id that limits count once. Defaults to that of the call
 */
export function startCheckOf(
  category: Category,
  call: Call,
  awaited: Awaited = NOTHING_AWAITED,
  startId = call.id ?? randomUUID(),
): StartCheck | undefined {
  const starting = call.dryRun ? undefined : startingActionOf(category, call)
  if (!starting) return undefined
  const maxAge = hasTask(call) ? ATTEMPT_STOP_AGE_MS : MAX_STOP_AGE_MS
  const windows = { refusing: call.startRules ?? [], awaited: awaited.windows }
  const askToday = todaysRulesFor(call, starting, awaited)
  const count = startCountFor(call, awaited, startId)
  return async () => {
    try {
      const decide = async (ms: number) => mayStart(starting, windows, await readStops(ms), Date.now())
      const known = await decide(maxAge)
      // People may have lifted the stop since it was read. A call that it refuses could be lost.
      const first = known.type === 'allowed' ? known : await decide(0)
      if (first.type !== 'allowed') return first
      const todays = await askToday()
      const counted = todays.type === 'allowed' ? await count() : todays
      // Both take time, in which people may have stopped the action, or a window may have closed.
      return counted.type === 'allowed' ? await decide(maxAge) : counted
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return { type: 'stopped', why: error.message.replace(/\.$/, '') }
    }
  }
}

/** Returns the question whether the policy of today lets the action start. One with the code of a later version answers it. */
function todaysRulesFor(
  { action: name, policyFacts, event: { project, stage, service }, input }: Call,
  action: StartingAction,
  { opened, since }: Awaited,
): () => Promise<StartDecision> {
  let answered: { at: number; decision: StartDecision } | undefined
  return async () => {
    const now = Date.now()
    // Payloads of earlier versions have no facts.
    if (!policyFacts || since === undefined || now - since < POLICY_AGE_MS) return { type: 'allowed' }
    if (answered && now - answered.at < ATTEMPT_POLICY_AGE_MS) return answered.decision
    const { askTodaysPolicy } = await import('./todays-policy.ts')
    const { isAgent, effect, sentInput } = policyFacts
    const place = { project, stage, service, input: ruleInputOf(input, sentInput) }
    const todays = await askTodaysPolicy({
      call: { ...action, actionNames: [...action.actionNames], action: name, isAgent, effect, ...place },
      opened: opened.map(({ rule }) => rule),
      openedWindows: opened.map(({ rule, window }) => ({ rule, window })),
    })
    // A window of a later policy has no requirement for which the task could wait: it is held.
    const decision = todays.type === 'closed' ? { ...todays, type: 'stopped' as const } : todays
    answered = { at: now, decision }
    return decision
  }
}

/** Returns the count of the start. Loaded when used: few calls have a limit. */
function startCountFor(
  { startLimits = [] }: Call,
  { limits, raisedLimits }: Awaited,
  id: string,
): () => Promise<StartDecision> {
  if (startLimits.length + limits.length + raisedLimits.length === 0) return async () => ({ type: 'allowed' })
  return async () =>
    (await import('./count-starts.ts')).countStarts(
      { refusing: startLimits, awaited: limits, raised: raisedLimits },
      id,
    )
}

/**
 * Returns why people let a call not even be accepted. Without such a stop, the task of a stopped call waits.
 *
 * A source never gets a task that waits: its queue keeps the alert, which may have ended when the stop is lifted. A silent call does not
 * wait, either: its response says that the action has started.
 */
export async function stopRefusalOf(
  category: Category,
  call: Pick<Call, 'mode' | 'needsCleanup' | 'dryRun' | 'skip' | 'action' | 'mappedName' | 'connection' | 'caller'>,
): Promise<Failure | undefined> {
  // Without a task, a call asks before its first write.
  const starting = !hasTask(call) || call.dryRun || call.skip ? undefined : startingActionOf(category, call)
  if (!starting) return undefined
  const waitsOutside = sourceOfCaller(call.caller) !== undefined || call.mode === 'silent'
  try {
    const find = async (maxAgeMs: number) => {
      const stops = await readStops(maxAgeMs)
      return findStop(
        stops.filter(({ refuse }) => refuse || waitsOutside),
        starting,
        Date.now(),
      )
    }
    const stop = (await find(MAX_STOP_AGE_MS)) && (await find(0))
    return stop && failureOfStop(describeStop(stop))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    // The task of another call waits until the stops can be read.
    return waitsOutside ? error : undefined
  }
}

/** Holds back the writes of one run of an action. */
export class StartGate {
  readonly #check: StartCheck
  #refused: NotStarted | undefined
  #hasWritten = false
  #asking: Promise<void> | undefined

  constructor(check: StartCheck) {
    this.#check = check
  }

  /**
   * Asks before an attempt: not everything that an action starts is a request to its platform.
   *
   * @throws NotStarted
   */
  async ask(): Promise<void> {
    const decision = await this.#check()
    if (decision.type !== 'allowed') this.#refused = new NotStarted(decision)
    this.requireOpen()
  }

  /**
   * Asks before the first write. Later writes complete the same change. If the platform has refused the first one, such as with 401, the
   * next one is the first.
   *
   * @param mayHaveWritten whether the client has sent a write before that was not refused
   * @throws NotStarted
   */
  readonly beforeWrite = async (mayHaveWritten: boolean): Promise<void> => {
    // The provider may have caught the error of an earlier write.
    this.requireOpen()
    if (mayHaveWritten) this.markWritten()
    if (this.#hasWritten) return
    // Two writes at the same time get one answer. Otherwise, only one of them could be held back.
    this.#asking ??= this.ask().finally(() => {
      this.#asking = undefined
    })
    await this.#asking
  }

  /**
   * Asks again between two changes of one action that do not depend on each other. The first one was made.
   *
   * @returns why the others may not be made
   */
  readonly mayContinue = async (): Promise<string | undefined> => {
    const decision = await this.#check()
    return decision.type === 'allowed' ? undefined : decision.why
  }

  /** Lets the next writes of the run pass, which has written with another client. */
  markWritten(): void {
    this.#hasWritten = true
  }

  /** @throws NotStarted if a write was held back */
  requireOpen(): void {
    if (this.#refused) throw this.#refused
  }
}
