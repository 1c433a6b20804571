import { Argument, Command, Option } from 'commander'
import { formatDuration } from '../../../shared/duration.ts'
import { messageOf } from '../../../shared/errors.ts'
import { describeRule } from '../../../shared/policy/describe.ts'
import { policyDigest } from '../../../shared/policy/digest.ts'
import { isRecord } from '../../../shared/record.ts'
import { type ConfiguredPolicy, readConfiguredPolicy } from '../../local/operator/configured-policy.ts'
import { UsageError } from '../../project/usage-error.ts'
import { checkCases, RESULTS } from '../policy/cases.ts'
import { checkPolicy } from '../policy/check-policy.ts'
import { describeApprovers, type MatchedRule, outcomeOf, type PolicyOutcome } from '../policy/outcome.ts'
import { parseZonedTime, policyCallOf } from '../policy/policy-call.ts'
import { type StoreOptions, storeOptions } from '../secrets/secret-store.ts'
import { type JsonOption, note, show, table } from '../terminal/output.ts'

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
    .argument('[category/action]', 'for example ci-cd/trigger-deployment')
    .description('show which rules a call matches, and what happens to it, or compare many calls with a file')
    .option('--cases <file>', 'YAML file with calls and what is expected of them, as a test for a pipeline')
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

A file for --cases has at, when the calls arrive, and cases. A case has name, call, expect (${RESULTS.join(', ')}), perhaps rules, all
that match, and the options above by their names: connection, provider, caller, agent, writes, owners, project, stage, service, input, at.

Exit code: 0 the action may start, now or later, or all cases passed, 1 the call is refused, or ends without running it, or a case failed, 2 invalid arguments or an invalid file.

Examples:
  $ npx webhooks policy test ci-cd/trigger-deployment --connection prod-eu --at 2026-12-05T12:00Z --file policy.yaml
  $ npx webhooks policy test --cases policy-cases.yaml --file policy.yaml
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
  cases?: string
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

async function test(target: string | undefined, options: TestOptions): Promise<void> {
  if (target === undefined || options.cases !== undefined) return testCases(target, options)
  const { policy } = configured(options, options.file)
  const call = await policyCallOf(target, { ...options, owners: options.owner, input: parseInput(options.input) })
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
    `The effect of ${target}: ${call.effect}.`,
  ]
  show(
    { at: new Date(at).toISOString(), enforce: policy.enforce, actionEffect: call.effect, ...outcome },
    text.join('\n'),
    options,
  )
}

/** Compares what happens to the calls of a file with what it expects. */
async function testCases(target: string | undefined, options: TestOptions): Promise<void> {
  const { cases: path } = options
  if (path === undefined) throw new UsageError('Name an action, such as ci-cd/trigger-deployment, or pass --cases.')
  if (target !== undefined) throw new UsageError('Pass an action or --cases, not both.')
  const { policy } = configured(options, options.file)
  const cases = await checkCases(policy, path)
  const failed = cases.filter(({ passed }) => !passed)
  if (failed.length > 0) process.exitCode = 1
  const rows = failed.map(({ name, call, expected, actual }) => [name, call, expected, actual])
  const text =
    failed.length === 0
      ? `All cases passed: ${cases.length}.`
      : `${table(['case', 'call', 'expected', 'actual'], rows)}\n\n${failed.length} of ${cases.length} cases failed.`
  show({ policyDigest: policyDigest(policy), cases }, text, options)
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
        .map((ask) => describeApprovers({ ...ask, notRequester: ask.excluded !== undefined }))
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
  const at = parseZonedTime(text)
  if (at === undefined)
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
