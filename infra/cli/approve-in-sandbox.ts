import { setTimeout as sleep } from 'node:timers/promises'
import type { AcceptedTask } from '../sandbox/keptn/task-status.ts'
import type { MessageSummary } from '../sandbox/platforms/slack/responses.ts'

interface ApprovalOptions {
  /** URL of the local runtime. */
  url: string
  /** Why requests are approved automatically, for the output. If undefined, the user has to click. */
  autoApproveReason?: string | undefined
}

const APPROVER = 'jane'
const POLL_MS = 500
/** Slack waits for a response for three seconds, and a person then presses the button again. */
const MAX_PRESSES = 10

/**
 * Returns a function that finds a task's approval request in the sandbox's Slack and approves it, or prints where to
 * click. A task that requests no approval there is polled until the signal aborts.
 */
export function approveInSandbox({ url, autoApproveReason }: ApprovalOptions) {
  const slackUrl = `${url}/sandbox/slack`

  return async ({ taskId }: AcceptedTask, print: (text: string) => void, signal: AbortSignal): Promise<void> => {
    const message = await findRequest(taskId, signal)
    if (!message || message.buttons.length === 0) return
    if (autoApproveReason === undefined) return print(`waits for a click at ${slackUrl}`)
    print(`clicks Approve at ${slackUrl} as ${APPROVER}, because ${autoApproveReason}`)
    const body = new URLSearchParams({ ts: message.ts, action: 'approve', user: APPROVER })
    for (let attempt = 1; ; attempt++) {
      const response = await tryFetch(`${slackUrl}/click`, { method: 'POST', body, redirect: 'manual', signal })
      // 409: an earlier press has arrived, although Slack got no response in time.
      if (response?.status === 303 || (response?.status === 409 && attempt > 1)) return
      if ((response && response.status !== 502) || attempt === MAX_PRESSES)
        return print(`could not click Approve (${response?.status ?? 'no response'}): click it yourself`)
      await sleep(POLL_MS, undefined, { signal })
    }
  }

  async function findRequest(taskId: string, signal: AbortSignal): Promise<MessageSummary | undefined> {
    for (;;) {
      const response = await tryFetch(`${url}/sandbox/messages`, { signal })
      // A receiver on this machine need not be the local runtime.
      if (response && !response.ok) return undefined
      const messages = ((await response?.json()) ?? []) as MessageSummary[]
      const found = messages.find(({ metadata }) => metadata?.event_payload['key'] === taskId)
      if (found) return found
      await sleep(POLL_MS, undefined, { signal })
    }
  }
}

/** Returns undefined if there is no response: the runtime may be restarting. */
async function tryFetch(url: string, init: RequestInit & { signal: AbortSignal }): Promise<Response | undefined> {
  try {
    return await fetch(url, init)
  } catch {
    init.signal.throwIfAborted()
    return undefined
  }
}
