import { serviceUnavailable } from '../errors.ts'
import { itemKeys } from './item-keys.ts'
import { expiresIn, get, update } from './table.ts'

/** Longer than Lambda keeps an execution, which may run for a month. */
const TTL_SECONDS = 60 * 86_400

/**
 * Reads the number of the newest task of a gate: 0 for the first one.
 *
 * @throws Failure `unavailable`
 */
export async function readGateRun(category: string, gateId: string): Promise<number> {
  const item = await orUnavailable(get(itemKeys.gate(category, gateId)))
  return Number(item?.['run'] ?? 0)
}

/**
 * Increments the number, unless another call has done so.
 *
 * @throws Failure `unavailable`
 */
export async function nextGateRun(category: string, gateId: string, current: number): Promise<number> {
  const updated = await orUnavailable(
    update(itemKeys.gate(category, gateId), 'SET #run = :next, expiration = :expiration', {
      condition: current === 0 ? 'attribute_not_exists(id)' : '#run = :current',
      values: { next: current + 1, ...expiresIn(TTL_SECONDS), ...(current === 0 ? {} : { current }) },
    }),
  )
  return updated ? current + 1 : readGateRun(category, gateId)
}

async function orUnavailable<T>(sent: Promise<T>): Promise<T> {
  try {
    return await sent
  } catch (cause) {
    throw serviceUnavailable('The state of the gate cannot be read now. Send the call again.', {
      after: 5,
      cause,
    })
  }
}
