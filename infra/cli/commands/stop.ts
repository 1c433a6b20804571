import { Command, InvalidArgumentError } from 'commander'
import type { StopsResult } from '../../../shared/core/operate-stops.ts'
import { toSentence } from '../../../shared/errors.ts'
import type { Stop } from '../../../shared/policy/kinds/stop.ts'
import { describeScope } from '../../local/operator/operate-stops.ts'
import { matchesAnAction, NO_SUCH_ACTION } from '../../local/operator/stop-conditions.ts'
import { UsageError } from '../../project/usage-error.ts'
import { cancelStopped } from '../stops/cancel-stopped.ts'
import { stopsIn } from '../stops/stops-in.ts'
import { parseUntil } from '../stops/until.ts'
import { ageOf, type JsonOption, note, show, tableThatFits } from '../terminal/output.ts'
import { isInteractive, promptForConfirmation } from '../terminal/prompts.ts'

interface Options extends JsonOption {
  reason?: string
  action?: string[]
  except?: string[]
  connection?: string[]
  caller?: string[]
  until?: number
  end?: true
  refuse?: true
  cancel?: true
  list?: true
  yes?: true
  stack?: string
}

/** `webhooks stop`: stops actions until someone resumes them, or lists what is stopped. */
export function stopCommand(): Command {
  return new Command('stop')
    .option('--reason <text>', 'why, for everyone whose call waits', parseReason)
    .option('--action <pattern...>', 'stop only these actions, such as ci-cd/*', parseAction)
    .option('--except <pattern...>', 'actions that continue, such as remediation/*', parseAction)
    .option('--connection <pattern...>', 'stop only actions on these connections')
    .option('--caller <pattern...>', 'stop only the actions of these callers')
    .option('--until <time>', 'end of the stop: 18:00 on this machine, or an ISO 8601 time', parseUntil)
    .option('--end', 'end the tasks that it matches as fail, instead of letting them wait')
    .option('--refuse', 'refuse new calls with 503, instead of accepting them and letting their tasks wait')
    .option('--cancel', 'also cancel the running tasks that it matches, one by one')
    .option('--list', 'list the stops, and set none')
    .option('--yes', 'stop without a confirmation')
    .option('--stack <name>', 'in this deployed stack, with your AWS credentials')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Without a condition, it stops everything that changes something: within 5 seconds, nothing starts. The command ends when the stop is
in force. In a pattern, * stands for any characters. Conditions of different options must all match.

Repeats of accepted calls, statuses, cancellations, answers and cleanups continue, and so do actions that only read, ask people, or stop
something. An action that stops something is stopped only if --action has its exact name.

A new interactive call is accepted, and its task waits. A silent call gets 503 with Retry-After, and calls of alerts stay in their queue. A
task waits for an hour, or for the limit of its policy if that is longer, and then ends as fail. Jobs that run continue, unless you pass --cancel.

With --stack, it needs lambda:ListFunctions, lambda:ListTags and lambda:InvokeFunction, and for --cancel those of webhooks tasks. The audit
records have the ARN of your AWS identity, and messages have its name.

Exit code: 0 in force or listed, 1 refused, or a task could not be canceled, 2 invalid arguments, or no local runtime.

Examples:
  $ npx webhooks stop --reason "bad release" --action 'ci-cd/*' --connection 'prod-*' --cancel
  $ npx webhooks stop --reason "agent runs wild" --caller release-agent --end --until 18:00
  $ npx webhooks stop --reason incident --connection 'prod-*' --except 'remediation/*' --stack CloudAutomationWebhooks
  $ npx webhooks stop --list`,
    )
    .action(run)
}

/** `webhooks resume`: lifts a stop. */
export function resumeCommand(): Command {
  return new Command('resume')
    .argument('[id]', 'of the stop; may be omitted if there is only one')
    .option('--all', 'lift all stops')
    .option('--stack <name>', 'in this deployed stack, with your AWS credentials')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Tasks that wait for the end of the stop start within a minute, if nothing else holds them.

The stop "unverified" is in force if something other than this command and webhooks stop has written the stops: then everything is stopped.
To lift it writes them again, without those that were there. Find out who has changed the table first.

Exit code: 0 lifted, 1 refused, 2 invalid arguments, or no local runtime.

Examples:
  $ npx webhooks resume
  $ npx webhooks resume 3f2a1b9c --stack CloudAutomationWebhooks
  $ npx webhooks resume --all`,
    )
    .action(resume)
}

async function run({ list, cancel, yes, stack, json = false, ...options }: Options): Promise<void> {
  const operate = stopsIn(stack)
  if (list) {
    const { stops } = await operate({ operation: 'list' })
    return show(stops, listText(stops), { json })
  }
  const { reason, action: actions, connection: connections, caller: callers, ...others } = options
  if (reason === undefined) throw new UsageError('Pass --reason, or --list to see what is stopped.')
  const conditions = { actions, connections, callers, ...others }
  const scope = describeScope(conditions)
  if (!yes && !isInteractive()) throw new UsageError('There is no terminal for the confirmation. Pass --yes.')
  const question = `Stop ${scope}${stack === undefined ? '' : ` in ${stack}`}? What only reads, asks people or stops something continues.`
  if (!yes && !(await promptForConfirmation(question))) return note('Nothing was changed.')
  note('Stopping ...')
  const result = await operate({ operation: 'stop', reason, ...conditions })
  const [stop] = result.changed
  if (!stop) throw new Error('The function for stops returned no stop.')
  show(stop, `Stopped: ${scope}. To lift it: ${resumeLine(stop.id, stack)}`, { json })
  if (cancel && !(await cancelStopped(stop, stack))) process.exitCode = 1
}

async function resume(
  id: string | undefined,
  { all, stack, json = false }: JsonOption & { all?: true; stack?: string },
): Promise<void> {
  if (all && id !== undefined) throw new UsageError('Pass an id or --all.')
  const operate = stopsIn(stack)
  const { stops } = await operate({ operation: 'list' })
  if (stops.length > 1 && !all && id === undefined)
    throw new UsageError(`There are several stops. Pass an id or --all:\n${listText(stops)}`)
  if (stops.length === 0) return show({ stops, changed: [] }, 'Nothing is stopped.', { json })
  const lifted = await operate({ operation: 'resume', id: all ? undefined : (id ?? stops[0]?.id) })
  show(lifted, resumedText(lifted), { json })
}

function resumedText({ stops, changed }: StopsResult): string {
  const lines = changed.map((stop) => `Resumed: ${describeScope(stop)} (${stop.id}).`)
  if (changed.some(({ id }) => id === 'unverified'))
    lines.push('The stops were written again. Set those again that were there before something else changed them.')
  if (stops.length > 0) lines.push('Still stopped:', listText(stops))
  return lines.join('\n')
}

function listText(stops: readonly Stop[]): string {
  if (stops.length === 0) return 'Nothing is stopped.'
  const now = Date.now()
  const rows = stops.map((stop) => [
    stop.id,
    ageOf(now - stop.at),
    untilText(stop, now),
    stop.by,
    describeScope(stop),
    toSentence(stop.reason),
  ])
  return tableThatFits(['ID', 'AGE', 'UNTIL', 'BY', 'SCOPE', 'REASON'], rows)
}

function untilText({ until }: Stop, now: number): string {
  if (until === undefined) return 'resume'
  return until <= now ? 'ended' : new Date(until).toISOString().replace(/:\d\d\.\d+Z$/, 'Z')
}

function resumeLine(id: string, stack: string | undefined): string {
  return `npx webhooks resume ${id}${stack === undefined ? '' : ` --stack ${stack}`}`
}

function parseReason(text: string): string {
  if (text.trim() !== '') return text.trim()
  throw new InvalidArgumentError('It must say why.')
}

function parseAction(pattern: string, before: string[] = []): string[] {
  if (matchesAnAction(pattern)) return [...before, pattern]
  throw new InvalidArgumentError(NO_SUCH_ACTION)
}
