import { Command } from 'commander'
import { callReceiver, waitForTask } from '../receiver/call-receiver.ts'
import { parseUrl, receiverOf } from '../receiver/receiver.ts'
import { note } from '../terminal/output.ts'

interface Options {
  token?: string
}

/** Between two requests that wait themselves. */
const PAUSE_MS = 500

/** `webhooks wait`: waits for the end of a task. */
export function waitCommand(): Command {
  return new Command('wait')
    .argument('<statusUrl>', 'statusUrl of the response to an interactive call', parseUrl)
    .option('--token <token>', 'token of a caller (default: WEBHOOKS_TOKEN, or the demo token of the local runtime)')
    .option('--json', 'print the status as JSON; this is the default')
    .addHelpText(
      'after',
      `
The progress goes to stderr, the status of the ended task to stdout. Ctrl-C stops waiting; the task keeps running.

Exit code: 0 the verdict is pass or warning, 1 it is fail, errored or aborted, or the task is unknown, 2 invalid arguments, or no
response from the API.

Examples:
  $ npx webhooks wait https://abc.execute-api.eu-west-1.amazonaws.com/v1/issue-ticketing/tasks/5f0c...`,
    )
    .action(run)
}

async function run(statusUrl: string, options: Options): Promise<void> {
  const receiver = receiverOf({ url: statusUrl, ...options })
  const now = await callReceiver(receiver, statusUrl)
  const isRunning = (now.body as { verdict?: string }).verdict === 'running'
  const { body } = isRunning ? await waitForTask(receiver, `${statusUrl}?wait=25`, PAUSE_MS, note) : now
  console.log(JSON.stringify(body, null, 2))
  const { verdict = '' } = body as { verdict?: string }
  if (verdict !== 'pass' && verdict !== 'warning') process.exitCode = 1
}
