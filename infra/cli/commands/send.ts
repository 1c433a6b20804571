import { randomUUID } from 'node:crypto'
import { Command } from 'commander'
import { examplesOf } from '../../local/console/cli-commands.ts'
import { UsageError } from '../../project/usage-error.ts'
import { callReceiver, waitForTask } from '../receiver/call-receiver.ts'
import { type Receiver, receiverOf, receiverOptions } from '../receiver/receiver.ts'
import { createCall, createTestEvent, type TestEventOptions, testEventOptions } from '../receiver/sample-event.ts'
import { note } from '../terminal/output.ts'

interface Options extends TestEventOptions {
  url?: string
  token?: string
  mode?: string
  id?: string
  key?: string
  task: string
  connection?: string
  sendStarted?: boolean
  deadline?: string
  when?: string
  dryRun?: boolean
  wait: boolean
  json?: boolean
}

/** `webhooks send`: calls an action. */
export function sendCommand(): Command {
  return receiverOptions(
    testEventOptions(new Command('send').argument('<category/action>', 'for example issue-ticketing/open-issue'))
      .option('--mode <mode>', 'silent, interactive or gate (default: silent)')
      .option('--id <id>', 'id of the sample event (default: a new id for interactive calls, none for silent calls)')
      .option('--key <key>', 'send a call without an event, as engines other than Keptn do; the key identifies it')
      .option('--task <name>', 'task name of the sample event', 'mytask')
      .option('--connection <name>', 'connection to use')
      .option('--send-started', 'let the function send the started event, too')
      .option('--deadline <duration>', 'maximum duration of an interactive call, such as PT2H')
      .option('--when <results>', 'run the action only if data.result has one of these values, such as fail,warning')
      .option('--dry-run', 'show the request to the platform instead of sending it')
      .option('--no-wait', 'do not wait for the result of an interactive call')
      .option('--json', 'print the status, the response and the task of an interactive call as one JSON object'),
  )
    .addHelpText(
      'after',
      `
Exit code: 0 result pass or warning (or accepted, with --no-wait), 1 result fail or call rejected, 2 invalid arguments.

${examplesOf('send')}`,
    )
    .action(run)
}

async function run(target: string, options: Options): Promise<void> {
  if (!/^[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*$/.test(target))
    throw new UsageError(`Invalid action "${target}". Write it as category/action, such as issue-ticketing/open-issue.`)
  const receiver = receiverOf(options)
  if (options.deadline !== undefined && (options.mode ?? 'silent') === 'silent')
    note('--deadline has no effect on a silent call whose action starts no task. Add --mode interactive.')
  const { status, body } = await callReceiver(receiver, `/v1/${target}?${queryOf(options)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(eventOf(options)),
  })
  const say = options.json ? () => {} : (text: string) => console.log(text)
  say(`HTTP ${status}`)
  say(JSON.stringify(body, null, 2))
  if (status >= 400) process.exitCode = 1
  else if (status === 200 && (body as { result?: string }).result === 'fail') process.exitCode = 1
  const task =
    status === 202 && options.wait
      ? await waitForResult(receiver, (body as { statusUrl: string }).statusUrl, say)
      : undefined
  if (options.json) console.log(JSON.stringify({ status, body, ...(task ? { task } : {}) }, null, 2))
}

/** Waits for the result of a task. Ctrl-C does not stop the task. */
async function waitForResult(receiver: Receiver, statusUrl: string, say: (text: string) => void): Promise<unknown> {
  say('Waiting for the result. Ctrl-C stops waiting; the task keeps running ...')
  const { body } = await waitForTask(receiver, statusUrl, 500, say)
  const { result } = (body as { outcome?: { result: string } }).outcome ?? {}
  if (result !== 'pass' && result !== 'warning') process.exitCode = 1
  say(JSON.stringify(body, null, 2))
  return body
}

function queryOf({ mode, key, connection, sendStarted, deadline, when, dryRun }: Options): URLSearchParams {
  const query = new URLSearchParams()
  const options = {
    mode,
    key,
    connection,
    sendStarted: sendStarted ? 'true' : undefined,
    deadline,
    when,
    dryRun: dryRun ? 'true' : undefined,
  }
  for (const [name, value] of Object.entries(options)) if (value !== undefined) query.set(name, value)
  return query
}

function eventOf({ id, key, mode, task, ...options }: Options): unknown {
  if (key !== undefined) return createCall(options)
  return createTestEvent(options, { id: id ?? (mode === 'interactive' ? randomUUID() : undefined), task })
}
