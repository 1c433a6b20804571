export const team = { id: 'T0SANDBOX', name: 'Sandbox', domain: 'sandbox' }

/** The app that owns the token. */
export const app = { id: 'A0WEBHOOKS', botId: 'B0WEBHOOKS', userId: 'U0WEBHOOKS', name: 'webhooks' }

export interface Channel {
  id: string
  name: string
  /** Whether the app is not a member. */
  isForeign?: boolean
  isArchived?: boolean
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
  /** Defaults to the team of the workspace. */
  teamId?: string
  isEmailConfirmed?: boolean | undefined
  enterprise?: string | undefined
}

export const jane: Member = { id: 'U0JANE', name: 'jane', realName: 'Jane Doe', email: 'jane@example.com' }
export const people: readonly Member[] = [
  jane,
  { id: 'U0BEN', name: 'ben', realName: 'Ben Roe', email: 'ben@example.com' },
]
