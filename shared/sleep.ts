import { setTimeout } from 'node:timers/promises'

/** Waits between two attempts or polls. */
export async function sleep(milliseconds: number): Promise<void> {
  if (milliseconds > 0) await setTimeout(milliseconds)
}
