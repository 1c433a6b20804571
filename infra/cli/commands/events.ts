import { Command } from 'commander'
import { Failure } from '../../../shared/errors.ts'
import { isRecord } from '../../../shared/record.ts'
import { tryRules } from '../../local/try-rules.ts'
import { UsageError } from '../../project/usage-error.ts'
import { parseHeaders } from '../events/parse-headers.ts'
import { redriveCommand } from '../events/redrive.ts'
import { describeTried } from '../events/tried-text.ts'
import { readDeclared } from '../sources/declared-sources.ts'
import { type JsonOption, show } from '../terminal/output.ts'
import { readInput } from '../terminal/read-input.ts'

interface TestOptions extends JsonOption {
  source?: string
  events?: string
  local?: boolean
  header: string[]
}

/** `webhooks events`: the rules that make calls for alerts. */
export function eventsCommand(): Command {
  return new Command('events').addCommand(testCommand()).addCommand(redriveCommand())
}

function testCommand(): Command {
  return new Command('test')
    .argument('<file>', 'JSON file with the body of a notification, or - for stdin')
    .description('show which calls the rules make for a notification, or why they make none')
    .option('--source <name>', 'the source of the notification (default: the only one with rules)')
    .option('--events <file>', 'the file with the rules, such as events.yaml')
    .option('--local', 'use the rules of the local runtime')
    .option(
      '--header <name:value>',
      'a header of the notification, such as x-github-event:issues. Can be repeated',
      (header: string, headers: string[]) => [...headers, header],
      [],
    )
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Without --events, reads the file that the setting events in cdk.json names, or with --local the one that WEBHOOKS_EVENTS names.

Evaluates the rules as the deployment does, and checks the input of each call. Calls nothing, and does not verify the notification. Does not
know earlier notifications: the deployment makes each call once, and closes only what was opened.

Exit code: 0 each rule was evaluated, 1 a rule has a problem, 2 invalid arguments, or an invalid file or notification.

Examples:
  $ npx webhooks events test firing.json --events events.yaml
  $ npx webhooks events test - --source alerts --events events.yaml --json < firing.json`,
    )
    .action(test)
}

async function test(file: string, options: TestOptions): Promise<void> {
  const events = await readDeclared(options, options.events)
  if (!events)
    throw new UsageError(
      'No file declares rules. Pass --events, name it in the setting events in cdk.json, or set WEBHOOKS_EVENTS and pass --local.',
    )
  const body = parseBody(file, await readInput(file))
  const source = options.source ?? onlySource(events.rules.map((rule) => rule.source))
  try {
    const tried = await tryRules(events, source, body, parseHeaders(options.header))
    if (tried.results.some(({ isProblem }) => isProblem)) process.exitCode = 1
    show(tried, describeTried(tried, events.rules), options)
  } catch (error) {
    if (error instanceof Failure) throw new UsageError(error.message, { cause: error })
    throw error
  }
}

function parseBody(file: string, text: string): object {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    throw new UsageError(`${file} is not JSON.`, { cause })
  }
  if (isRecord(body)) return body
  throw new UsageError(`${file} is not a JSON object.`)
}

/** @throws UsageError */
function onlySource(ofRules: readonly string[]): string {
  const [source, ...others] = new Set(ofRules)
  if (source !== undefined && others.length === 0) return source
  if (source === undefined) throw new UsageError('The file has no rules.')
  throw new UsageError(`Several sources have rules. Pass --source with one of them: ${[source, ...others].join(', ')}.`)
}
