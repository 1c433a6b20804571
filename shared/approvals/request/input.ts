import type { Details } from '../../text/details.ts'
import type { Message } from '../../text/message.ts'

/** The complete input of the action. */
export interface ApprovalInput {
  channel: string | undefined
  message: Message
  /** The complete request, for an approval that a policy requires. Replaces the text of the message while people decide. */
  details?: Details | undefined
  /** People decide only on the page, which shows the complete request. */
  onPage?: true | undefined
  approvers?: string[] | undefined
  /** The people who may not decide. The payload of an earlier version has one. */
  excluded?: string | string[] | undefined
  /** The platform decides by its own process, and is polled. */
  isPolled?: true | undefined
  /** In seconds. */
  remindBefore?: number | undefined
}

/** Whether it matters who decides. */
export function dependsOnPeople(
  { approvers, excluded }: Pick<ApprovalInput, 'approvers' | 'excluded'>,
  count = 1,
): boolean {
  return approvers !== undefined || excluded !== undefined || count > 1
}
