import type { ApprovalInput } from '../../../shared/approvals/request/input.ts'
import { deadlineOf, type Task } from '../../../shared/core/call.ts'
import { categories } from '../../project/categories.ts'

/** An approval that people have to decide. */
export interface ListedApproval {
  question: string
  /** Undefined for the channel of the connection. */
  channel: string | undefined
  /** The people who may decide. Undefined for everybody who gets the message. */
  approvers: string[] | undefined
  /** The people who may not decide. */
  excluded: string[] | undefined
  /** How many people have to approve. */
  count: number
  /** The task whose action starts after the approval, as `<category>/<id>`. */
  waitingTask: string | undefined
  /** When it ends without a decision, in ISO 8601. */
  until: string
}

/** The categories with actions that ask people. */
export const approvalCategories = categories.filter(({ actions }) =>
  Object.values(actions).some(({ type }) => type === 'approval'),
)

/**
 * Returns the approval that a running task asks for. Undefined for a task of another action.
 *
 * @param payload of the task
 * @param startedAt milliseconds since 1970
 */
export function listedApprovalOf(
  { action = '', input, deadline = 0, waitAtMost, approvalOf }: Partial<Task>,
  category: string,
  startedAt: number,
): ListedApproval | undefined {
  const found = approvalCategories.find(({ name }) => name === category)?.actions[action]
  if (found?.type !== 'approval') return undefined
  const { message, channel, approvers, excluded } = (input ?? {}) as Partial<ApprovalInput>
  return {
    question: [message?.title, message?.text].filter(Boolean).join(' '),
    channel,
    approvers,
    excluded: excluded === undefined ? undefined : [excluded].flat(),
    count: approvalOf?.count ?? 1,
    waitingTask: approvalOf && `${approvalOf.category}/${approvalOf.taskId}`,
    until: new Date(deadlineOf({ deadline, waitAtMost, approvalOf }, startedAt)).toISOString(),
  }
}
