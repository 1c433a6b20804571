import type { ApprovalTask, Completed, Delegated } from '../providers/action.ts'
import type { MessageProvider } from '../providers/message.ts'
import { askForTask } from './ask-for-task.ts'
import { runApprovalProcess } from './process.ts'
import type { ApprovalInput } from './request/input.ts'
import { runApprovalTask } from './task.ts'

type Task = ApprovalTask<MessageProvider, ApprovalInput>

/** Runs the task of an approval, for itself or for the task that waits for it. */
export function runTask(task: Task): Promise<Completed | Delegated> {
  return task.approvalOf ? askForTask(task, task.approvalOf, runApproval) : runApproval(task)
}

function runApproval(task: Task): Promise<Completed | Delegated> {
  return task.input.isPolled ? runApprovalProcess(task) : runApprovalTask(task)
}
