import { randomUUID } from 'node:crypto'
import { Command } from 'commander'
import { callReceiver, type Receiver, receiverOf, receiverOptions, taskEnd, UsageError } from '../receiver.ts'
import { type TestEventOptions, testEvent, testEventOptions } from '../test-event.ts'

interface Options extends TestEventOptions {
  url?: string
  token?: string
  mode?: string
  id?: string
  task: string
  connection?: string
  sendStarted?: boolean
  deadline?: string
  when?: string
  dryRun?: boolean
  wait: boolean
  json?: boolean
}

/** `webhooks send`: one call, as a subscription would make it. */
export function sendCommand(): Command {
  return receiverOptions(
    testEventOptions(
      new Command('send')
        .description('send one call to an action and show its answer')
        .argument('<category/action>', 'such as issue-ticketing/open-issue'),
    )
      .option('--mode <mode>', 'silent or interactive (default: silent)')
      .option('--id <id>', 'the id of the event made up (default: a new one for interactive, none for silent)')
      .option('--task <name>', 'the task of the event made up', 'mytask')
      .option('--connection <name>', 'which instance of the platform')
      .option('--send-started', 'let the function send .started too')
      .option('--deadline <duration>', 'when an interactive call gives up, such as PT2H')
      .option('--when <results>', 'act only if data.result is one of these, such as fail,warning')
      .option('--dry-run', 'show the request that would be sent to the platform')
      .option('--no-wait', 'do not wait for the outcome of an interactive call')
      .option('--json', 'print status, answer and, of an interactive call, the task as one JSON object'),
  )
    .addHelpText(
      'after',
      `
Exit code: 0 done and passed (or accepted, with --no-wait), 1 refused or not passed, 2 arguments.

Examples:
  $ npm run webhooks -- send issue-ticketing/open-issue --input title='Checkout is slow' --input labels=shop,urgent
  $ npm run webhooks -- send issue-ticketing/close-issue --mode interactive --input id=demo/shop#1
  $ npm run webhooks -- send issue-ticketing/open-issue --input title=Test --dry-run`,
    )
    .action(run)
}

async function run(target: string, options: Options): Promise<void> {
  if (!/^[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*$/.test(target))
    throw new UsageError(`"${target}" is no action: write category/action, such as issue-ticketing/open-issue.`)
  const receiver = receiverOf(options)
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
    status === 202 && options.wait ? await follow(receiver, (body as { statusUrl: string }).statusUrl, say) : undefined
  if (options.json) console.log(JSON.stringify({ status, body, ...(task ? { task } : {}) }, null, 2))
}

/** Waits for the outcome; Ctrl-C leaves the task running. */
async function follow(receiver: Receiver, statusUrl: string, say: (text: string) => void): Promise<unknown> {
  say('Waiting for its outcome (Ctrl-C leaves it running) ...')
  const { body } = await taskEnd(receiver, statusUrl, 500, say)
  const { result } = (body as { outcome?: { result: string } }).outcome ?? {}
  if (result !== 'pass' && result !== 'warning') process.exitCode = 1
  say(JSON.stringify(body, null, 2))
  return body
}

function queryOf({ mode, connection, sendStarted, deadline, when, dryRun }: Options): URLSearchParams {
  const query = new URLSearchParams()
  const given = {
    mode,
    connection,
    sendStarted: sendStarted ? 'true' : undefined,
    deadline,
    when,
    dryRun: dryRun ? 'true' : undefined,
  }
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value)
  return query
}

function eventOf({ id, mode, task, ...options }: Options): unknown {
  return testEvent(options, { id: id ?? (mode === 'interactive' ? randomUUID() : undefined), task })
}
