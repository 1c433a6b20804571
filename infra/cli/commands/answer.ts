import { Command } from 'commander'
import { callReceiver } from '../call-receiver.ts'
import { receiverOf, receiverOptions } from '../receiver.ts'
import { UsageError } from '../usage-error.ts'

interface Options {
  url?: string
  token?: string
  again?: boolean
}

/** `webhooks answer`: sends the result of an ended task to its orchestrator again. */
export function answerCommand(): Command {
  return receiverOptions(
    new Command('answer')
      .description('send the result of an ended task to its orchestrator again')
      .argument('<category/taskId>', 'task of the local runtime or of a deployed API')
      .requiredOption('--again', 'confirm that the result is sent again')
      .option('--json', 'print the status of the task as JSON; this is the default'),
  )
    .addHelpText(
      'after',
      `
Use it if the status of a task has "unanswered", or if the receiver lost the result. A receiver of signed requests recognizes a
repeat by its webhook-id. Only the caller of a task may send its result again.

Exit code: 0 accepted, 1 rejected (for example, the task still runs), 2 invalid arguments, or no response from the API.

Examples:
  $ npm run webhooks -- answer issue-ticketing/5f0c... --again`,
    )
    .action(run)
}

async function run(task: string, options: Options): Promise<void> {
  const [category, taskId] = task.split('/')
  if (!category || !taskId) throw new UsageError(`Invalid task "${task}". Write it as category/taskId.`)
  const path = `/v1/${encodeURIComponent(category)}/tasks/${encodeURIComponent(taskId)}/answer`
  const { status, body } = await callReceiver(receiverOf(options), path, { method: 'POST' })
  console.log(JSON.stringify(body, null, 2))
  if (status >= 400) process.exitCode = 1
}
