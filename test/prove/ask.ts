import { setTimeout as sleep } from 'node:timers/promises'

const mostTries = 3

/** Asks the runtime for what changes nothing, or is the same again: a connection that was closed at that moment is no answer. */
export async function ask(url: string, init?: RequestInit): Promise<Response> {
  for (let tries = 1; ; tries++) {
    try {
      return await fetch(url, init)
    } catch (error) {
      if (tries === mostTries) throw error
      await sleep(200)
    }
  }
}
