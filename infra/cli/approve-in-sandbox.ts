import { setTimeout as wait } from 'node:timers/promises'
import type { AcceptedTask } from '../keptn/task-status.ts'
import type { MessageSummary } from '../platforms/slack/shapes.ts'

interface ChatOptions {
  /** Where the local runtime is. */
  url: string
  /** Why the question is approved here, for people; where left out it waits for a click. */
  approveSince?: string | undefined
}

/** Who clicks where nobody does. */
const person = 'jane'
const pollMs = 500

/**
 * Looks for the question of a task in the sandbox's chat, and tells people where to click, or clicks. What was asked elsewhere
 * never comes there; it ends with the signal then.
 */
export function askedInChat({ url, approveSince }: ChatOptions) {
  const chat = `${url}/sandbox/slack`

  return async ({ taskId }: AcceptedTask, say: (text: string) => void, signal: AbortSignal): Promise<void> => {
    const message = await find(taskId, signal)
    if (!message || message.buttons.length === 0) return
    if (approveSince === undefined) return say(`waits for a click at ${chat}`)
    say(`clicks Approve at ${chat} as ${person}, since ${approveSince}`)
    const body = new URLSearchParams({ ts: message.ts, action: 'approve', user: person })
    const answer = await ask(`${chat}/click`, { method: 'POST', body, redirect: 'manual', signal })
    if (answer?.status !== 303) say(`the click got through to nobody (${answer?.status ?? 'no answer'}): click there`)
  }

  async function find(taskId: string, signal: AbortSignal): Promise<MessageSummary | undefined> {
    for (;;) {
      const answer = await ask(`${url}/sandbox/messages`, { signal })
      // A receiver on this machine need not be the local runtime.
      if (answer && !answer.ok) return undefined
      const messages = ((await answer?.json()) ?? []) as MessageSummary[]
      const found = messages.find(({ metadata }) => metadata?.event_payload['key'] === taskId)
      if (found) return found
      await wait(pollMs, undefined, { signal })
    }
  }
}

/** Undefined where nothing answers: it may have been stopped, and be started again. */
async function ask(url: string, init: RequestInit & { signal: AbortSignal }): Promise<Response | undefined> {
  try {
    return await fetch(url, init)
  } catch {
    init.signal.throwIfAborted()
    return undefined
  }
}
