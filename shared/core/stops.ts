import * as z from 'zod/mini'
import { readIdentityKey, readIdentityKeys } from '../auth/identity-key.ts'
import { Failure, serviceUnavailable } from '../errors.ts'
import { hmacHex, isSame } from '../hmac.ts'
import { log } from '../log.ts'
import { type Stop, stopSchema } from '../policy/kinds/stop.ts'
import { getStops, replaceStops, type StoredStops } from '../state/stops.ts'

const schema = z.array(stopSchema)
/** They share one item, which every start reads. */
const MAX_STOPS = 50
const MAX_CHANGES = 5

/** Stops that were read, and the start of that read. */
let known: { at: number; stops: readonly Stop[] } | undefined
/** The newest version that this process has read or written. */
let newestVersion = 0

/**
 * Returns all stops, also those that have ended by themselves.
 *
 * @param maxAgeMs how old they may be. A stop is in force everywhere after the longest such time
 * @throws Failure `unavailable`: it is not known what is stopped, so nothing may start
 */
export async function readStops(maxAgeMs = 0): Promise<readonly Stop[]> {
  const at = Date.now()
  if (known && known.at <= at && at - known.at < maxAgeMs) return known.stops
  try {
    const stored = await getStops()
    known = { at, stops: await verified(stored) }
    return known.stops
  } catch (error) {
    log.warn('stops not read', error as Error)
    throw serviceUnavailable(
      'The state table cannot be read, so it is not known whether people have stopped this call.',
    )
  }
}

/**
 * Changes the stops. Repeats the change if someone else changes them at the same time.
 *
 * @param change returns the new stops
 * @returns the new stops
 * @throws Failure `invalid` with too many stops, `misconfigured`, `unavailable`; the error of DynamoDB
 */
export async function changeStops(change: (stops: readonly Stop[]) => readonly Stop[]): Promise<readonly Stop[]> {
  for (let attempt = 1; attempt <= MAX_CHANGES; attempt++) {
    const stored = await getStops()
    const stops = change(await verified(stored))
    if (stops.length > MAX_STOPS)
      throw new Failure('invalid', `There are ${MAX_STOPS} stops already. Lift those that are no longer needed.`)
    const { version: before = 0 } = stored ?? {}
    // More than every earlier version, even if something else has replaced the item with an older one.
    const version = Math.max(Number.isSafeInteger(before) ? before + 1 : 0, Date.now())
    const json = JSON.stringify(stops)
    const seal = sealOf(version, json, await readIdentityKey())
    const isReplaced = await replaceStops({ version, stops: json, seal }, stored)
    known = undefined
    if (!isReplaced) continue
    newestVersion = version
    return stops
  }
  throw serviceUnavailable('Others change the stops at the same time. Try again.')
}

/**
 * Seals the stops with the current key, so that the previous one can be removed.
 *
 * @throws as `changeStops`
 */
export async function renewSeal(): Promise<void> {
  const stored = await getStops()
  if (stored === undefined) return
  const [, previousKey] = await readIdentityKeys(true)
  const { version, stops, seal } = stored
  if (previousKey !== undefined && isSame(seal, sealOf(version, stops, previousKey)))
    await changeStops((known) => known)
}

/**
 * A principal that may write the item, but not read the key, must not lift a stop without a trace. Its item stops everything. So does an
 * older one that it has put back, or an item that it has deleted, in each process that has seen a newer one: others cannot know that.
 */
async function verified(stored: StoredStops | undefined): Promise<readonly Stop[]> {
  if (stored === undefined && newestVersion === 0) return []
  const { version = 0, stops = '', seal = '' } = stored ?? {}
  for (const fresh of stored ? [false, true] : []) {
    const keys = await readIdentityKeys(fresh)
    if (version >= newestVersion && keys.some((key) => isSame(seal, sealOf(version, stops, key)))) {
      newestVersion = version
      return schema.parse(JSON.parse(stops))
    }
  }
  log.error('stops not verified: everything is stopped')
  return [UNVERIFIED]
}

/** In place of stops that cannot be verified. To lift it writes the item again, without the stops that it had. */
const UNVERIFIED: Stop = {
  id: 'unverified',
  reason: 'the item with the stops was changed by something else than webhooks stop and resume',
  by: 'this deployment',
  at: 0,
}

function sealOf(version: number, stops: string, key: string): string {
  return hmacHex(key, `stops ${version} ${stops}`)
}
