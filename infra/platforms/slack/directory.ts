/** Whom and what the Slack of the sandbox knows. */
export const team = { id: 'T0SANDBOX', name: 'Sandbox', domain: 'sandbox' }

/** The app whose token `demo` has; it is in both channels. */
export const app = { id: 'A0WEBHOOKS', botId: 'B0WEBHOOKS', userId: 'U0WEBHOOKS', name: 'webhooks' }

export interface Channel {
  id: string
  name: string
}

export const channels: readonly Channel[] = [
  { id: 'C0RELEASES', name: 'releases' },
  { id: 'C0OPERATIONS', name: 'operations' },
]

export interface Member {
  id: string
  name: string
  realName: string
  email: string
}

export const jane: Member = { id: 'U0JANE', name: 'jane', realName: 'Jane Doe', email: 'jane@example.com' }
export const people: readonly Member[] = [
  jane,
  { id: 'U0BEN', name: 'ben', realName: 'Ben Roe', email: 'ben@example.com' },
]
