import { Command } from 'commander'
import { examplesOf } from '../../local/console/cli-commands.ts'
import { receiverOf, receiverOptions } from '../receiver/receiver.ts'
import { changeTask } from '../tasks/change-task.ts'
import { completeTask } from '../tasks/find-tasks.ts'
import { operateOnStack } from '../tasks/stack-task.ts'
import { parseTaskName } from '../tasks/task-name.ts'

interface Options {
  url?: string
  token?: string
  again?: boolean
  stack?: string
}

/** `webhooks answer`: sends the result of an ended task to its orchestrator again. */
export function answerCommand(): Command {
  return receiverOptions(
    new Command('answer')
      .argument('<category/taskId>', 'task of the local runtime, of a deployed API, or of the stack')
      .option('--stack <name>', 'use this deployed stack, with your AWS credentials instead of a token')
      .requiredOption('--again', 'confirm that the result is sent again')
      .option('--json', 'print the status of the task as JSON; this is the default'),
  )
    .addHelpText(
      'after',
      `
Use it if the status of a task has "unanswered", or if the receiver lost the result. A receiver of signed requests recognizes a
repeat by its webhook-id. Only the caller of a task may send its result again, or an operator: of the local runtime without
--token, or of a stack with --stack. docs/operate.md lists the permissions under Operators. The audit trail has the ARN of the operator.

Exit code: 0 accepted, 1 rejected (for example, the task still runs), 2 invalid arguments, or no response from the API.

${examplesOf('answer')}`,
    )
    .action(run)
}

async function run(text: string, options: Options): Promise<void> {
  const name = parseTaskName(text)
  if (options.stack !== undefined) {
    const task = await completeTask(name, options.stack)
    console.log(JSON.stringify(await operateOnStack(options.stack, task, 'answer'), null, 2))
    return
  }
  const receiver = receiverOf(options)
  const task = await completeTask(name, receiver)
  const { status, body } = await changeTask(receiver, task, 'answer', options.token)
  console.log(JSON.stringify(body, null, 2))
  if (status >= 400) process.exitCode = 1
}
