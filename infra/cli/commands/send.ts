import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { nest } from '../../../shared/event/dotted.ts'
import { callReceiver, type Receiver, receiverOf, receiverOptions, taskEnd, UsageError } from '../receiver.ts'

interface Options {
  url?: string
  token?: string
  mode?: string
  input?: string[]
  event?: string
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
    new Command('send')
      .description('send one call to an action and show its answer')
      .argument('<category/action>', 'such as issue-ticketing/open-issue')
      .option(
        '--input <name=value>',
        'a field of the input; name.part=value for one inside; may be given several times',
        collect,
      )
      .option('--mode <mode>', 'silent or interactive (default: silent)')
      .option('--event <file>', 'a JSON file with the event, instead of one made up')
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

function eventOf({ event, id, mode, task, input = [] }: Options): unknown {
  const made =
    event === undefined ? madeUp(task, id ?? (mode === 'interactive' ? randomUUID() : undefined)) : readEvent(event)
  return input.length === 0 ? made : { ...made, input: nest(input.map(parseField)) }
}

function madeUp(task: string, id: string | undefined): Record<string, unknown> {
  return {
    ...(id ? { id } : {}),
    type: `sh.keptn.event.${task}.triggered`,
    shkeptncontext: randomUUID(),
    data: { project: 'demo', stage: 'production', service: 'shop' },
  }
}

function readEvent(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  } catch (error) {
    throw new UsageError(`The event file ${file} can not be used: ${(error as Error).message}.`)
  }
}

function parseField(field: string): [string, string] {
  const at = field.indexOf('=')
  if (at < 1) throw new UsageError(`"${field}" is no field: write name=value.`)
  return [field.slice(0, at), field.slice(at + 1)]
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}
