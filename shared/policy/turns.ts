/**
 * One at a time: tasks take turns for a target. Each takes a number and a place, and the turn goes from number to number.
 *
 * A turn is a lease: Lambda retries a task that crashes for days, and a lock would block its target for as long. The lease covers the
 * deadline of the action and the longest stop of its job, so two live tasks never act at the same time. Each task that checks moves the
 * turn on, and reads no other execution. Each write changes one item, under a condition on what was read. See docs/adr/0012-turns-are-leases.md.
 */

/** The state of the turns for a target. */
export interface Turn {
  /** The number that was taken last. */
  next: number
  /** The number that has the turn, or gets it next. */
  serving: number
  /** Undefined while no one has the turn. */
  holder?: Holder | undefined
  /** The link to a job that a lost task may have left running. */
  leftRunning?: string | undefined
  /** The last task from which an operator took the turn. The next task writes the audit line. */
  released?: Released | undefined
}

export interface Released {
  task: string
  /** The operator. */
  by: string
}

/** A task, as people see it. */
interface Participant {
  /** `<category>/<task id>`. */
  task: string
  caller: string
  /** The URL of its status. */
  link?: string | undefined
}

export interface Holder extends Participant {
  /** When its lease ends, in epoch milliseconds. */
  until: number
  /** Whether it knows that it has the turn, and may have started its action. */
  isConfirmed: boolean
}

/** The item of a number. */
export interface TurnPlace extends Participant {
  /** When the task gives up waiting, in epoch milliseconds. */
  deadline: number
}

/** The task of a place if none waits: it has left, or another task has passed its number before it was stored. */
export const GONE = 'gone'
export const SKIPPED = 'skipped'

/** The operations on the items. Each changes one item, and returns undefined, or false, if its condition is not met. */
export interface TurnTable {
  takeNumber(target: TurnQueue): Promise<number>
  /** Stores the place of a task, or that it is gone, unless another task has skipped the number. */
  putPlace(key: string, number: number, task: string, place: TurnPlace | typeof GONE): Promise<boolean>
  /** Blocks a number that has no place. */
  skip(key: string, number: number): Promise<boolean>
  readTurn(key: string): Promise<Turn | undefined>
  readPlace(key: string, number: number): Promise<TurnPlace | undefined>
  /** Gives the turn to a task, if no one has it and the number is served as read. */
  grant(key: string, serving: number, holder: Holder): Promise<Turn | undefined>
  /** Extends the lease of a task that has checked it, and still has the turn. */
  renew(key: string, task: string, until: number): Promise<Turn | undefined>
  /** Moves on if no one has the turn and the number is served as read. */
  pass(key: string, serving: number): Promise<Turn | undefined>
  /** Ends a lease that is as read, and records that its holder may have left a job running, if it has checked. */
  expire(key: string, holder: Holder): Promise<Turn | undefined>
  /** Moves on if the task has the turn. */
  release(key: string, task: string, end: End): Promise<Turn | undefined>
  /** Wakes a task that waits. Does not throw: a lost wake-up only delays. */
  wake(task: string): Promise<void>
}

/** A target of a rule. */
export interface TurnQueue {
  /** Digest of the rule and of what the target consists of. */
  key: string
  /** For people. */
  target: string
  rule: string
}

/**
 * How a task has left: `waited` if it did not start its action, else `ended`, or the link to what it may have left running, which
 * the next task reports. With `by`, an operator has taken the turn from it.
 */
export type End = 'waited' | 'ended' | { leftRunning: string; by?: string }

/** A task and its number. */
export interface TurnTicket {
  key: string
  number: number
  task: string
}

/** The result of a check. */
export type Standing =
  | ({ state: 'held'; until: number } & Pick<Turn, 'leftRunning' | 'released'>)
  /** Another task has moved on past the number: the task takes a new one. */
  | { state: 'passed' }
  | { state: 'waits'; turn: Turn }

/** How long a task that gets the turn from another one may take to check that. */
const GRANT_MS = 5 * 60_000
/** The clocks of two environments differ by at most this time. */
export const CLOCK_MARGIN_MS = 5_000

/**
 * Checks whether a task has the turn, and moves the turn on if it can.
 *
 * @param leaseMs how long the task needs the turn: much longer than `GRANT_MS`
 * @param now returns epoch milliseconds
 */
export async function checkTurn(
  table: TurnTable,
  { key, number, task }: TurnTicket,
  leaseMs: number,
  now: () => number,
): Promise<Standing> {
  const turn = await advance(table, key, now, { task, leaseMs })
  if (turn?.holder?.task === task) {
    const { until, isConfirmed } = turn.holder
    // It has granted itself the turn, now or in an earlier attempt of the same step.
    const isHeld = isConfirmed && until > now() + GRANT_MS
    const held = isHeld ? turn : await table.renew(key, task, now() + leaseMs)
    if (!held?.holder) return { state: 'passed' }
    return { state: 'held', until: held.holder.until, leftRunning: held.leftRunning, released: held.released }
  }
  return turn === undefined || turn.serving > number ? { state: 'passed' } : { state: 'waits', turn }
}

/**
 * Gives up the turn, or the place of a task that waits, and moves the turn on. Repeating it does no harm.
 *
 * @returns whether the task had the turn
 */
export async function leave(
  table: TurnTable,
  { key, number, task }: Omit<TurnTicket, 'number'> & { number?: number | undefined },
  end: End,
  now: () => number,
): Promise<boolean> {
  let turn = await table.release(key, task, end)
  if (!turn && number !== undefined) {
    await table.putPlace(key, number, task, GONE)
    // It may have got the turn in the meantime.
    turn = await table.release(key, task, end)
  }
  await advance(table, key, now, undefined, turn)
  return turn !== undefined
}

/** How many tasks may wait for a target. */
export interface QueueLimit {
  queue: number
  /** How many of them may be of one caller. */
  perCaller?: number | undefined
}

/**
 * Returns whether as many tasks as a queue may have wait before a number, in all or of the caller.
 *
 * @param turn as the task has read it
 */
export async function isFull(
  table: TurnTable,
  { key, number }: TurnTicket,
  { serving }: Turn,
  { queue, perCaller = queue }: QueueLimit,
  caller: string,
  now: number,
): Promise<'no' | 'full' | 'fullForCaller'> {
  if (number - serving <= Math.min(queue, perCaller)) return 'no'
  let [waiting, own] = [0, 0]
  for (let other = serving + 1; other < number && waiting < queue; other++) {
    const place = await table.readPlace(key, other)
    if (placeStatusOf(place, now) === 'left') continue
    waiting++
    if (place?.caller === caller) own++
  }
  if (waiting >= queue) return 'full'
  return own >= perCaller ? 'fullForCaller' : 'no'
}

/** Moves the turn on as far as possible. Returns its state. */
async function advance(
  table: TurnTable,
  key: string,
  now: () => number,
  self?: { task: string; leaseMs: number },
  known?: Turn,
): Promise<Turn | undefined> {
  for (let turn = known ?? (await table.readTurn(key)); ; ) {
    const move = turn && moveOf(turn, now())
    if (turn === undefined || move === 'stay') return turn
    if (move === 'expire') turn = (turn.holder && (await table.expire(key, turn.holder))) ?? (await table.readTurn(key))
    else {
      const next = await offer(table, key, turn, now, self)
      if (next.isTaken) return next.turn
      turn = next.turn ?? (await table.readTurn(key))
    }
  }
}

/** Offers the turn to the number that is served. */
async function offer(
  table: TurnTable,
  key: string,
  { serving }: Turn,
  now: () => number,
  self: { task: string; leaseMs: number } | undefined,
): Promise<{ isTaken?: boolean; turn: Turn | undefined }> {
  const place = await table.readPlace(key, serving)
  const status = placeStatusOf(place, now())
  // Its task was killed, or is slow: then it takes a new number.
  if (status === 'missing' && !(await table.skip(key, serving))) return { turn: undefined }
  if (place === undefined || status !== 'waiting') return { turn: await table.pass(key, serving) }
  const { deadline: _, ...participant } = place
  const isSelf = place.task === self?.task
  const until = now() + (isSelf ? self.leaseMs : GRANT_MS)
  const turn = await table.grant(key, serving, { ...participant, until, isConfirmed: isSelf })
  if (!turn || isSelf) return { isTaken: turn !== undefined, turn }
  await table.wake(place.task)
  // It may have left between the two: then it has not seen that it got the turn.
  if (placeStatusOf(await table.readPlace(key, serving), now()) === 'waiting') return { isTaken: true, turn }
  return { turn: await table.release(key, place.task, 'waited') }
}

/** Decides what happens to a turn: nothing, its lease ends, or the number that is served is offered the turn. */
function moveOf({ holder, serving, next }: Turn, now: number): 'stay' | 'expire' | 'offer' {
  if (holder) return now < holder.until + CLOCK_MARGIN_MS ? 'stay' : 'expire'
  return serving > next ? 'stay' : 'offer'
}

/** Decides whether the turn can be offered to a place. */
export function placeStatusOf(place: TurnPlace | undefined, now: number): 'missing' | 'left' | 'waiting' {
  if (place === undefined) return 'missing'
  const hasLeft = place.task === GONE || place.task === SKIPPED || now > place.deadline + CLOCK_MARGIN_MS
  return hasLeft ? 'left' : 'waiting'
}
