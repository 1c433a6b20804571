import type { Message } from '../text/message.ts'

/** The complete input of the action. */
export interface ApprovalInput {
  channel: string | undefined
  message: Message
  approvers?: string[] | undefined
  /** The person who may not decide. */
  excluded?: string | undefined
  /** The platform decides by its own process, and is polled. */
  isPolled?: true | undefined
  /** In seconds. */
  remindBefore?: number | undefined
}
