import { setTimeout as sleep } from 'node:timers/promises'

const MAX_ATTEMPTS = 3

/** Sends an idempotent request to the runtime. Retries if the connection is closed. */
export async function ask(url: string, init?: RequestInit): Promise<Response> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await fetch(url, init)
    } catch (error) {
      if (attempts === MAX_ATTEMPTS) throw error
      await sleep(200)
    }
  }
}
