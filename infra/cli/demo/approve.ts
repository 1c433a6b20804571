import type { MessageSummary } from '../../sandbox/platforms/slack/responses.ts'
import { isInteractive, promptForChoice } from '../terminal/prompts.ts'
import type { DemoRuntime } from './demo-runtime.ts'
import { until } from './until.ts'

const APPROVER = 'jane'

/** Returns the lines of a message. Omits links and the request to the platform, which are long. */
function linesOf({ text }: MessageSummary): string[] {
  return text.split('\n').filter((line) => !/^(?:$|<http|Request as of |\{)/.test(line))
}

/** Returns how many approvals have been requested. */
export async function countApprovals(runtime: DemoRuntime): Promise<number> {
  const messages = await runtime.list<MessageSummary[]>('sandbox/messages')
  // A second click is answered in a message that only this person sees.
  return messages.filter(({ thread, ephemeral }) => thread === null && ephemeral === null).length
}

/** Lets the person at the terminal decide. Without a terminal, the demonstration approves. */
async function decide(): Promise<'approve' | 'reject'> {
  if (!isInteractive()) return 'approve'
  const options = [
    { value: 'approve', label: 'Approve' },
    { value: 'reject', label: 'Reject' },
  ]
  return (await promptForChoice(`Approve it, as ${APPROVER}?`, options)) === 'approve' ? 'approve' : 'reject'
}

/** Lets the person decide, and clicks the button in the chat of the sandbox. Saves the decision in `runtime.decision`. */
export async function approveOrReject(runtime: DemoRuntime, print: (line: string) => void): Promise<void> {
  const request = await until('the request in the chat', async () => {
    const messages = await runtime.list<MessageSummary[]>('sandbox/messages')
    return messages.find(({ buttons }) => buttons.length > 0)
  })
  print(`chat     ${request.channel}: ${linesOf(request).join('\n         ')}`)
  const action = await decide()
  runtime.decision = action
  print(`person   ${APPROVER} clicks ${action === 'approve' ? 'Approve' : 'Reject'}`)
  const body = new URLSearchParams({ ts: request.ts, action, user: APPROVER })
  const press = () => fetch(`${runtime.url}/sandbox/slack/click`, { method: 'POST', body, redirect: 'manual' })
  // If the app responds too late, the chat reports an error, and the button is gone (409) if the app has got it anyway.
  await until('a response to the click', async () => ([303, 409].includes((await press()).status) ? true : undefined))
}
