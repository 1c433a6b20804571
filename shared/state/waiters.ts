import { itemKeys } from './item-keys.ts'
import { expiresIn, get, type Item, put, remove, update } from './table.ts'

/**
 * Stores how to wake tasks that wait. A run of a platform leads to the tasks that wait for it, and a task to its callback. A
 * wake-up carries neither a result nor a decision: the task reads the state itself.
 */

/** Longer than the maximum deadline. */
const TTL_SECONDS = 31 * 86_400
const TIMEOUT_MS = 2_000
/** The attributes of an item `wake#..` that name a task. A name of DynamoDB may contain any character. */
const TASK_PREFIX = 't_'

/** How to wake one task, and its state when it started to wait. */
export interface Waiter {
  callbackId: string
  /** When its execution was started, in epoch milliseconds, and how often it has been woken since. A newer waiter is never replaced. */
  startedAt: number
  round: number
  /** JSON that the task reads when it is woken. */
  state?: string | undefined
}

/**
 * Saves how to wake a task.
 *
 * @throws the error of DynamoDB
 */
export async function saveWaiter(category: string, taskId: string, waiter: Waiter): Promise<void> {
  const { startedAt, round } = waiter
  const item = { ...waiter, ...expiresIn(TTL_SECONDS) }
  await put(itemKeys.waiter(category, taskId), item, {
    condition: 'attribute_not_exists(id) OR startedAt < :startedAt OR (startedAt = :startedAt AND round <= :round)',
    values: { startedAt, round },
    timeoutMs: TIMEOUT_MS,
  })
}

/**
 * Reads how to wake a task.
 *
 * @returns undefined if it does not wait
 * @throws the error of DynamoDB
 */
export async function readWaiter(category: string, taskId: string): Promise<Waiter | undefined> {
  const { callbackId, startedAt, round, state } = (await get(itemKeys.waiter(category, taskId))) ?? {}
  if (typeof callbackId !== 'string') return undefined
  return {
    callbackId,
    startedAt: Number(startedAt),
    round: Number(round),
    state: typeof state === 'string' ? state : undefined,
  }
}

/** @throws the error of DynamoDB */
export async function removeWaiter(category: string, taskId: string): Promise<void> {
  await remove(itemKeys.waiter(category, taskId), { timeoutMs: TIMEOUT_MS })
}

/** A task, as it is stored in the item of a run. */
export interface WaitingTask {
  category: string
  taskId: string
}

/**
 * Saves that a task waits for a run. Several tasks may wait for one run.
 *
 * @param runId the id by which the notifications of the source name the run
 * @throws the error of DynamoDB
 */
export async function addWaitingTask(source: string, runId: string, { category, taskId }: WaitingTask): Promise<void> {
  await update(itemKeys.wake(source, runId), 'SET #task = :category, expiration = :expiration', {
    names: { task: `${TASK_PREFIX}${taskId}` },
    values: { category, ...expiresIn(TTL_SECONDS) },
    timeoutMs: TIMEOUT_MS,
  })
}

/** @throws the error of DynamoDB */
export async function removeWaitingTask(source: string, runId: string, taskId: string): Promise<void> {
  await update(itemKeys.wake(source, runId), 'REMOVE #task', {
    names: { task: `${TASK_PREFIX}${taskId}` },
    condition: 'attribute_exists(id)',
    timeoutMs: TIMEOUT_MS,
  })
}

/**
 * Returns the tasks that wait for a run.
 *
 * @throws the error of DynamoDB
 */
export async function readWaitingTasks(source: string, runId: string): Promise<WaitingTask[]> {
  const item: Item = (await get(itemKeys.wake(source, runId))) ?? {}
  return Object.entries(item).flatMap(([name, category]) =>
    name.startsWith(TASK_PREFIX) ? [{ category: String(category), taskId: name.slice(TASK_PREFIX.length) }] : [],
  )
}
