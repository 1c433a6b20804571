import type { MessageSummary } from '../../sandbox/platforms/slack/responses.ts'
import { until } from './until.ts'

const APPROVER = 'jane'

/** Clicks the button in the chat of the sandbox. */
export async function approve(url: string, print: (line: string) => void): Promise<void> {
  const request = await until('the request in the chat', async () => {
    const messages = (await (await fetch(`${url}/sandbox/messages`)).json()) as MessageSummary[]
    return messages.find(({ buttons }) => buttons.length > 0)
  })
  print(`chat     ${request.channel}: ${request.text}`)
  const body = new URLSearchParams({ ts: request.ts, action: 'approve', user: APPROVER })
  await fetch(`${url}/sandbox/slack/click`, { method: 'POST', body, redirect: 'manual' })
  print(`person   ${APPROVER} clicks Approve`)
}
