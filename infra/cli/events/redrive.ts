import { LambdaClient, ListTagsCommand, paginateListFunctions } from '@aws-sdk/client-lambda'
import { Command } from 'commander'
import { sqs } from '../../../shared/aws/sqs.ts'
import { explainAws } from '../../aws/aws-errors.ts'
import { STACK_TAG } from '../../aws/running-tasks.ts'
import { awsVariables } from '../../local/cloud/index.ts'
import { STACK } from '../../local/functions.ts'
import { exportCredentials } from '../../local/operator/act-as-webhook.ts'
import { readRuntimeFile } from '../../local/runtime-file.ts'
import { UsageError } from '../../project/usage-error.ts'
import { stateFolder } from '../receiver/receiver.ts'
import { stackOption } from '../stack-option.ts'
import { type JsonOption, show } from '../terminal/output.ts'

interface Options extends JsonOption {
  local?: boolean
  stack: string
}

/** `webhooks events redrive`: handles alerts again whose calls were refused. */
export function redriveCommand(): Command {
  return stackOption(new Command('redrive'))
    .description('handle the alerts again whose calls were refused')
    .option('--local', 'use the local runtime instead of a stack')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Moves the messages of the dead-letter queue back to the queue of the alerts. Calls that were made before are not made again. First correct
what refused them: the log lines with alertRefused say what it was.

Needs lambda:ListFunctions, lambda:ListTags, sqs:GetQueueAttributes, sqs:StartMessageMoveTask, sqs:ReceiveMessage, sqs:DeleteMessage and
sqs:SendMessage.

Exit code: 0 moved, or nothing to move, 1 failed, 2 invalid arguments, or the stack has no rules.

Examples:
  $ npx webhooks events redrive
  $ npx webhooks events redrive --local --json`,
    )
    .action(redrive)
}

async function redrive({ local = false, stack, ...options }: Options): Promise<void> {
  const moved = await moveDeadLetters(local, stack).catch((error: unknown) => {
    throw error instanceof UsageError ? error : explainAws(error, 'Moving the messages')
  })
  const text =
    moved === 0
      ? 'The dead-letter queue is empty.'
      : `About ${moved} ${moved === 1 ? 'alert is' : 'alerts are'} being handled again.`
  show({ moved }, text, options)
}

/** Returns the approximate number of messages. */
async function moveDeadLetters(local: boolean, stack: string): Promise<number> {
  if (local) {
    const runtime = readRuntimeFile(stateFolder())
    if (!runtime) throw new UsageError('The local runtime does not run. Start it with npm start.')
    const { endpoint: lambda, dynamodb, ...credentials } = runtime.aws
    Object.assign(process.env, awsVariables({ lambda, dynamodb }, credentials))
  }
  const client = new LambdaClient({ maxAttempts: 2 })
  const queue = await deadLettersOf(client, local ? STACK : stack)
  await exportCredentials(client)
  const { Attributes: attributes } = await sqs('GetQueueAttributes', {
    QueueUrl: queue,
    AttributeNames: ['QueueArn', 'ApproximateNumberOfMessages'],
  })
  const { QueueArn: arn, ApproximateNumberOfMessages: count } = attributes as Record<string, string>
  if (Number(count) > 0) await sqs('StartMessageMoveTask', { SourceArn: arn })
  return Number(count)
}

/** Returns the URL of the dead-letter queue of a stack. */
async function deadLettersOf(client: LambdaClient, stack: string): Promise<string> {
  for await (const { Functions = [] } of paginateListFunctions({ client }, {}))
    for (const { FunctionArn: arn, Environment: { Variables: variables = {} } = {} } of Functions) {
      const url = variables['WEBHOOKS_ALERT_DEAD_LETTERS']
      if (url === undefined) continue
      const { Tags = {} } = await client.send(new ListTagsCommand({ Resource: arn }))
      if (Tags[STACK_TAG] === stack) return url
    }
  throw new UsageError(`The stack ${stack} has no rules for alerts. Check the name, the region and the account.`)
}
