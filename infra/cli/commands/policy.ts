import { Argument, Command, Option } from 'commander'
import { formatDuration } from '../../../shared/duration.ts'
import { messageOf } from '../../../shared/errors.ts'
import type { PolicyCall } from '../../../shared/policy/call.ts'
import { describeRule } from '../../../shared/policy/describe.ts'
import { effectOf, isFree, isStop } from '../../../shared/providers/action.ts'
import { actionNamesOf } from '../../../shared/providers/category.ts'
import { isRecord } from '../../../shared/record.ts'
import { type ConfiguredPolicy, readConfiguredPolicy } from '../../local/operator/configured-policy.ts'
import { findAction, findProvider } from '../../project/find-by-name.ts'
import { UsageError } from '../../project/usage-error.ts'
import { checkPolicy } from '../policy/check-policy.ts'
import { describeApproval, type MatchedRule, outcomeOf, type PolicyOutcome } from '../policy/outcome.ts'
import { type StoreOptions, storeOptions } from '../secrets/secret-store.ts'
import { type JsonOption, note, show, table } from '../terminal/output.ts'

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)$/
const FILES = `
Without a file, reads the one that the setting policy in cdk.json names, or with --local the one that WEBHOOKS_POLICY names.`

/** `webhooks policy`: checks the rules that restrict calls. */
export function policyCommand(): Command {
  return new Command('policy').addCommand(checkCommand()).addCommand(testCommand())
}

function checkCommand(): Command {
  return storeOptions(new Command('check').addArgument(new Argument('[file]', 'such as policy.yaml')))
    .description('check the policy, and warn of rules that restrict less than they seem to')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${FILES}
Shows each rule as a sentence, or all errors with their lines. Fails if a rule names an action that does not exist: it restricts less than
it says. Warns of rules that depend on what the caller chooses (project, stage, service, input, its name), of connections that do not exist,
and of other actions that reach the same platforms. The connections are the secrets of the deployment; without access to them, they are not
checked.

Exit code: 0 valid, perhaps with warnings, 1 an action does not exist, 2 invalid arguments or an invalid file.

Examples:
  $ npx webhooks policy check policy.yaml
  $ npx webhooks policy check policy.yaml --local --json`,
    )
    .action(check)
}

function testCommand(): Command {
  return new Command('test')
    .argument('<category/action>', 'for example ci-cd/trigger-deployment')
    .description('show which rules a call matches, and what happens to it')
    .option('--connection <name>', 'connection of the call', 'default')
    .option('--provider <name>', 'provider of the connection (default: one whose actions have their usual effects)')
    .option('--caller <name>', 'its caller (default: one that no rule names)')
    .option('--agent', 'the caller is an agent')
    .addOption(
      new Option(
        '--writes <right>',
        'what holds for the caller without any rule (default: allow, for agents approve)',
      ).choices(['allow', 'approve', 'deny']),
    )
    .option('--owner <person...>', 'the owners of the caller, who do not approve its calls')
    .option('--project <name>', 'project of the call (default: none, as with the next two)')
    .option('--stage <name>', 'stage of the call')
    .option('--service <name>', 'service of the call')
    .option('--input <json>', 'JSON object with the complete input (default: unknown, so rules on the input match)')
    .option('--at <time>', 'when the call arrives, such as 2026-12-24T02:30+01:00 (default: now)')
    .option('--file <file>', 'the policy, such as policy.yaml')
    .option('--local', 'use the policy of the local runtime')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${FILES}

Exit code: 0 the action may start, now or later, 1 the call is refused, or ends without running it, 2 invalid arguments or an invalid file.

Examples:
  $ npx webhooks policy test ci-cd/trigger-deployment --connection prod-eu --at 2026-12-05T12:00Z --file policy.yaml
  $ npx webhooks policy test feature-flags/set-flag --agent --input '{"percentage": 50}' --file policy.yaml --json`,
    )
    .action(test)
}

async function check(file: string | undefined, options: StoreOptions & JsonOption): Promise<void> {
  const known = configured(options, file)
  const { file: path, policy } = known
  const { summary, digest, warnings, lines, hasErrors, notice } = await checkPolicy(known, options)
  if (notice !== undefined) note(notice)
  if (hasErrors) process.exitCode = 1
  const { enforce, rules } = policy
  const text = [
    `${path} is valid: ${summary}`,
    ...rules.map((rule) => `  ${rule.name}: ${describeRule(rule)}`),
    `Digest: ${digest}`,
    ...lines,
  ]
  show({ file: path, digest, enforce, rules: rules.map(({ name }) => name), warnings }, text.join('\n'), options)
}

interface TestOptions extends JsonOption {
  connection: string
  provider?: string
  caller?: string
  agent?: boolean
  writes?: 'allow' | 'approve' | 'deny'
  owner?: string[]
  project?: string
  stage?: string
  service?: string
  input?: string
  at?: string
  file?: string
  local?: boolean
}

async function test(target: string, options: TestOptions): Promise<void> {
  const { category, name, action } = findAction(target)
  if (!action) throw new UsageError(`${target} selects the action by the event. Test the action that it selects.`)
  const { policy } = configured(options, options.file)
  const effect =
    options.provider === undefined ? action.effect : effectOf(action, await findProvider(category, options.provider))
  const { connection, caller = '', agent = false, writes, owner, project, stage, service } = options
  const call: PolicyCall = {
    category: category.name,
    action: name,
    actionNames: actionNamesOf(category, name),
    isFree: isFree(action),
    isStop: isStop(action),
    effect,
    connection,
    caller: { name: caller, isAgent: agent, writes: writes ?? (agent ? 'approve' : 'allow'), owners: owner ?? [] },
    project,
    stage,
    service,
    input: parseInput(options.input),
  }
  const at = parseTime(options.at)
  const outcome = outcomeOf(policy, call, at)
  const { result, matched } = outcome
  const isRefused = !['starts', 'waits', 'asks'].includes(result)
  if (isRefused && policy.enforce) process.exitCode = 1
  const rules = matched.map((rule) => [rule.rule, rule.effect, stateOf(rule)])
  const text = [
    ...(matched.length === 0 ? ['No rule matches.'] : [table(['rule', 'effect', 'state'], rules), '']),
    `${policy.enforce ? '' : 'Only logged (enforce: false): '}${describe(outcome)}`,
    ...matched.map(({ rule, text }) => `  ${rule}: ${text}`),
    `The effect of ${target}: ${effect}.`,
  ]
  show(
    { at: new Date(at).toISOString(), enforce: policy.enforce, actionEffect: effect, ...outcome },
    text.join('\n'),
    options,
  )
}

function configured(options: { local?: boolean }, file: string | undefined): ConfiguredPolicy {
  const found = readConfiguredPolicy(options, file)
  if (found) return found
  throw new UsageError(
    'There is no policy. Pass the path of its file, name it in the setting policy in cdk.json, or set WEBHOOKS_POLICY and pass --local.',
  )
}

function stateOf({ isOpen, changes, reason }: MatchedRule): string {
  if (isOpen === undefined) return reason ?? ''
  const until = changes === undefined ? '' : ` until ${changes}`
  return `${isOpen ? 'open' : 'closed'}${until}${!isOpen && reason !== undefined ? ` (${reason})` : ''}`
}

function describe(outcome: PolicyOutcome): string {
  const { result, turns = [] } = outcome
  const targets = turns.join(' and ')
  if (targets === '') return describeWithoutTurns(outcome)
  return result === 'starts'
    ? `The task of an interactive call starts the action when it has its turn for ${targets}. A silent call is refused with 422.`
    : `${describeWithoutTurns(outcome)} Then the task waits for its turn for ${targets}.`
}

function describeWithoutTurns({ result, rule, starts, asks = [], waitAtMost = 0 }: PolicyOutcome): string {
  const cause = rule === undefined ? 'The entry of the caller' : `The rule "${rule}"`
  switch (result) {
    case 'denied':
      return `${cause} refuses the call with 403.`
    case 'requester':
      return `${cause} refuses the call with 403, because the requester is not known: the caller needs owners (--owner).`
    case 'unasked':
      return `${cause} refuses the call with 403, because the policy has no section approval.`
    case 'asks': {
      const people = asks
        .map((ask) => describeApproval({ ...ask, notRequester: ask.excluded !== undefined }))
        .join(', and ')
      const then = starts === undefined ? '' : `, and then until ${starts}`
      return `The task of an interactive call asks people (${people}), and waits for at most ${formatDuration(waitAtMost)}${then}. A silent call is refused with 422.`
    }
    case 'closed':
      return `The rule "${rule}" refuses the call with 422, and a gate with 424.`
    case 'incomplete':
      return `The rule "${rule}" refuses the call with 400, because it lacks a part of the target.`
    case 'expires':
      return `The task of an interactive call waits for ${formatDuration(waitAtMost)}, and then ends as fail. A silent call is refused with 422.`
    case 'waits':
      return `The task of an interactive call waits until ${starts}. A silent call is refused with 422.`
    case 'starts':
      return 'The action starts at once.'
  }
}

function parseTime(text: string | undefined): number {
  if (text === undefined) return Date.now()
  const at = TIME.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at))
    throw new UsageError(`Invalid time "${text}". Write it with its offset from UTC, such as 2026-12-24T02:30+01:00.`)
  return at
}

function parseInput(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    const input: unknown = JSON.parse(text)
    if (isRecord(input)) return input
  } catch (error) {
    throw new UsageError(`--input is not JSON: ${messageOf(error)}`, { cause: error })
  }
  throw new UsageError('--input must be a JSON object, such as \'{"percentage": 50}\'.')
}
