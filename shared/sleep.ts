import { setTimeout } from 'node:timers/promises'

/** Waits, for the rare platform that shows what was written only after a while. */
export async function sleep(milliseconds: number): Promise<void> {
  if (milliseconds > 0) await setTimeout(milliseconds)
}
