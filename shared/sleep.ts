import { setTimeout } from 'node:timers/promises'

/** Waits, for platforms that show a change only after a moment. */
export async function sleep(milliseconds: number): Promise<void> {
  if (milliseconds > 0) await setTimeout(milliseconds)
}
