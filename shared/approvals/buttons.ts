import type { SignedLink } from '../providers/provider.ts'
import type { Message } from '../text/message.ts'

/** Adds the buttons, and until when people may decide. */
export function withButtons(message: Message, { token, url, deadlineAt }: SignedLink): Message {
  const until = `${new Date(deadlineAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return {
    ...message,
    fields: [...message.fields, { name: 'Decide until', value: until }],
    buttons: [
      { decision: 'approve', label: 'Approve', token, url },
      { decision: 'reject', label: 'Reject', token, url },
    ],
  }
}
