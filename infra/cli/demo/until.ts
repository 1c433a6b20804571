import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 500
const MAX_MS = 120_000

/**
 * Waits until something can be read.
 *
 * @param what for the error
 */
export async function until<T>(what: string, read: () => Promise<T | undefined>): Promise<T> {
  for (const startedAt = Date.now(); ; await sleep(POLL_MS)) {
    const found = await read()
    if (found !== undefined) return found
    if (Date.now() - startedAt > MAX_MS) throw new Error(`Waited ${MAX_MS / 1_000} s for ${what}.`)
  }
}
