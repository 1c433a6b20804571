import type { Task } from '../../../shared/core/call.ts'

/** Returns the task of an interactive call that opens an issue. */
export function interactiveTask(changes: Partial<Task>): Task {
  const call = { id: '0'.repeat(40), category: 'issue-ticketing', caller: 'c', orchestrator: 'k', action: 'open-issue' }
  const event = { id: 'e', task: 't', context: 'c', project: 'p', stage: 's', service: 'x', labels: {} }
  const options = { sendStarted: false, progress: false, labels: true, deadline: 3_600, dryRun: false }
  const connection = { connection: 'default', provider: 'github', input: {} }
  return { version: 1, mode: 'interactive', ...call, event, ...connection, ...options, ...changes }
}
