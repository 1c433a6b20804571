import { log } from '../log.ts'
import { type End, GONE, type Holder, SKIPPED, type Turn, type TurnPlace, type TurnTable } from '../policy/turns.ts'
import { itemKeys } from './item-keys.ts'
import { expiresIn, get, type Item, putIfAbsent, update } from './table.ts'

/** Longer than the maximum deadline. */
const PLACE_TTL_SECONDS = 31 * 86_400
/** Longer than any place exists: with the item, the numbers would start again. Each write renews it. */
const TURN_TTL_SECONDS = 3 * PLACE_TTL_SECONDS
const TIMEOUT_MS = 5_000

const REMOVED_HOLDER = 'holder, holderCaller, holderLink, leaseEnd, isConfirmed'
const MOVE_ON = 'SET serving = serving + :one, expiration = :expiration'

/**
 * The items of the turns in the state table. Each method throws the error of DynamoDB.
 *
 * @param wake wakes a task that waits. Must not throw
 */
export function turnTable(wake: TurnTable['wake']): TurnTable {
  return {
    async takeNumber({ key, target, rule }) {
      const turn = await update(
        itemKeys.turn(key),
        'ADD taken :one SET serving = if_not_exists(serving, :one), target = :target, ruleName = :rule, expiration = :expiration',
        { values: { one: 1, target, rule, ...expiresIn(TURN_TTL_SECONDS) }, timeoutMs: TIMEOUT_MS },
      )
      return Number(turn?.['taken'])
    },
    putPlace: (key, number, task, place) =>
      putIfAbsent(
        itemKeys.turn(key, number),
        { ...(place === GONE ? { task: GONE } : place), ...expiresIn(PLACE_TTL_SECONDS) },
        { condition: 'task = :task', values: { task }, timeoutMs: TIMEOUT_MS },
      ),
    skip: (key, number) =>
      putIfAbsent(
        itemKeys.turn(key, number),
        { task: SKIPPED, ...expiresIn(PLACE_TTL_SECONDS) },
        { timeoutMs: TIMEOUT_MS },
      ),
    async readTurn(key) {
      const item = await get(itemKeys.turn(key))
      return item && turnIn(item)
    },
    async readPlace(key, number) {
      const item = await get(itemKeys.turn(key, number))
      return item && placeIn(item)
    },
    grant: (key, serving, { task, caller, link, until, isConfirmed }) =>
      change(
        key,
        `SET holder = :task, holderCaller = :caller, leaseEnd = :until, isConfirmed = :isConfirmed, expiration = :expiration${link === undefined ? ' REMOVE holderLink' : ', holderLink = :link'}`,
        'serving = :serving AND attribute_not_exists(holder)',
        { serving, task, caller, link, until, isConfirmed },
      ),
    renew: (key, task, until) =>
      change(key, 'SET leaseEnd = :until, isConfirmed = :isConfirmed, expiration = :expiration', 'holder = :task', {
        task,
        until,
        isConfirmed: true,
      }),
    pass: (key, serving) =>
      change(key, MOVE_ON, 'serving = :serving AND attribute_not_exists(holder)', { serving, one: 1 }),
    async expire(key, { task, until, isConfirmed, link = task }) {
      const turn = await change(
        key,
        `${MOVE_ON}${isConfirmed ? ', leftRunning = :link' : ''} REMOVE ${REMOVED_HOLDER}`,
        'holder = :task AND leaseEnd = :until',
        { task, until, one: 1, ...(isConfirmed ? { link } : {}) },
      )
      if (turn && isConfirmed) log.warn('turn ended with its lease', { turnExpired: true, turnOf: task })
      return turn
    },
    release: (key, task, end) => release(key, task, end),
    wake,
  }
}

function release(key: string, task: string, end: End): Promise<Turn | undefined> {
  const { leftRunning, by } = typeof end === 'object' ? end : {}
  const set = [
    ...(leftRunning === undefined ? [] : ['leftRunning = :leftRunning']),
    ...(by === undefined ? [] : ['releasedTask = :task', 'releasedBy = :by']),
  ]
  const removed = [
    REMOVED_HOLDER,
    ...(end === 'ended' ? ['leftRunning'] : []),
    ...(end === 'waited' || by !== undefined ? [] : ['releasedTask', 'releasedBy']),
  ]
  const expression = `${[MOVE_ON, ...set].join(', ')} REMOVE ${removed.join(', ')}`
  return change(key, expression, 'holder = :task', { task, one: 1, leftRunning, by })
}

async function change(key: string, expression: string, condition: string, values: Item): Promise<Turn | undefined> {
  const item = await update(itemKeys.turn(key), expression, {
    condition,
    values: { ...values, ...expiresIn(TURN_TTL_SECONDS) },
    timeoutMs: TIMEOUT_MS,
  })
  return item && turnIn(item)
}

/** Reads the item of a turn. */
export function turnIn({ taken, serving, leftRunning, releasedTask, releasedBy, ...item }: Item): Turn {
  return {
    next: Number(taken),
    serving: Number(serving),
    holder: holderIn(item),
    leftRunning: leftRunning === undefined ? undefined : String(leftRunning),
    released: releasedTask === undefined ? undefined : { task: String(releasedTask), by: String(releasedBy) },
  }
}

function holderIn({ holder, holderCaller, holderLink, leaseEnd, isConfirmed }: Item): Holder | undefined {
  if (holder === undefined) return undefined
  return {
    task: String(holder),
    caller: String(holderCaller),
    link: holderLink === undefined ? undefined : String(holderLink),
    until: Number(leaseEnd),
    isConfirmed: isConfirmed === true,
  }
}

/** Reads the item of a number. */
export function placeIn({ task, caller = '', link, deadline = 0 }: Item): TurnPlace {
  return {
    task: String(task),
    caller: String(caller),
    link: link === undefined ? undefined : String(link),
    deadline: Number(deadline),
  }
}
