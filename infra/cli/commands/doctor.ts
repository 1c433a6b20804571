import { LambdaClient } from '@aws-sdk/client-lambda'
import { Command } from 'commander'
import { NoAwsError } from '../../aws/aws-errors.ts'
import { dist, finisher, webhookFile } from '../../build/files.ts'
import { categories } from '../../project/categories.ts'
import { APPLICATION, PACKAGE } from '../../project/roots.ts'
import { concurrency, identity } from '../doctor/aws.ts'
import { type Finding, noteFinding, okFinding, wrongFinding } from '../doctor/finding.ts'
import { bundles, versions } from '../doctor/installation.ts'
import { policy } from '../doctor/policy.ts'
import { secrets } from '../doctor/secrets.ts'
import { sources } from '../doctor/sources.ts'
import { stack } from '../doctor/stack.ts'
import { localStops, stackStops } from '../doctor/stops.ts'
import { DEFAULT_FILES, webhookConfigs } from '../doctor/webhook-configs.ts'
import { localUrl, receiverOf } from '../receiver/receiver.ts'
import { openStore, type SecretStore, STORE_HELP, type StoreOptions, storeOptions } from '../secrets/secret-store.ts'
import { stackOption } from '../stack-option.ts'
import { type JsonOption, show, table } from '../terminal/output.ts'

/** `webhooks doctor`: diagnoses the setup. */
export function doctorCommand(): Command {
  return stackOption(storeOptions(new Command('doctor')))
    .option(
      '--webhook-config <file...>',
      `Keptn webhook configurations to check (default: ${DEFAULT_FILES.join(' or ')}, if present)`,
    )
    .option('--json', 'print the findings as JSON')
    .addHelpText(
      'after',
      `${STORE_HELP}
It tests all connections and orchestrators, as webhooks check does. It shows sources without a secret, and sources that are silent although
jobs end (reading that needs dynamodb:GetItem). It checks that the policy can request its approvals: the connections, the form of
names, and the owners of callers. Set WEBHOOKS_URL to check that your deployed API responds.

It checks the concurrency, the aliases, the versions and the alarms of the stack, with lambda:GetAccountSettings, lambda:ListFunctions,
lambda:ListTags, lambda:GetFunctionConcurrency, lambda:ListAliases, lambda:ListVersionsByFunction and cloudwatch:DescribeAlarms. It shows
stops that are older than a day, and those that have ended, with lambda:InvokeFunction on the function of stops.

Exit code: 0 no problems, 1 at least one problem, 2 invalid arguments.

Examples:
  $ npx webhooks doctor
  $ npx webhooks doctor --local --json
  $ npx webhooks doctor --webhook-config webhook.yaml`,
    )
    .action(run)
}

async function run(options: StoreOptions & JsonOption & { webhookConfig?: string[]; stack: string }): Promise<void> {
  const names = [
    ...categories.map(({ name }): [string, string] => [name, webhookFile]),
    [finisher, `${finisher}.js`] as [string, string],
  ]
  const checks = await Promise.all([
    versions(PACKAGE),
    bundles(APPLICATION, dist, names),
    options.local ? [] : identity(),
    options.local ? [] : concurrency(),
    options.local ? [] : stack(new LambdaClient({ maxAttempts: 2 }), options.stack),
    options.local ? localStops() : stackStops(new LambdaClient({ maxAttempts: 2 }), options.stack),
    stored(options),
    receiver(options),
    webhookConfigs(options.webhookConfig),
  ])
  const findings = checks.flat()
  show(findings, textOf(findings), options)
  if (findings.some(({ state }) => state === 'wrong')) process.exitCode = 1
}

async function stored(options: StoreOptions & { stack: string }): Promise<Finding[]> {
  let store: SecretStore
  try {
    store = await openStore(options)
    await store.list('connections/')
  } catch (error) {
    if (error instanceof NoAwsError)
      return [
        noteFinding('secrets', 'not checked: no AWS credentials or region', 'Pass --local to check the local ones.'),
      ]
    return [wrongFinding('secrets', (error as Error).message, 'Secrets, connections and callers were not checked.')]
  }
  const checks = await Promise.all([secrets(store, options), sources(store, options), policy(store, options)])
  return [okFinding('secrets', store.place), ...checks.flat()]
}

/** Checks that the API responds. The local runtime may be down unless its secrets are checked. */
async function receiver(options: StoreOptions): Promise<Finding> {
  const local = options.local || process.env['WEBHOOKS_URL'] === undefined
  const url = local ? localUrl() : receiverOf({}).url
  const target = local ? 'local runtime' : 'API'
  try {
    const { status } = await fetch(`${url}/`, { redirect: 'manual', signal: AbortSignal.timeout(5_000) })
    return okFinding(target, `responds at ${url} (${status})`)
  } catch {
    const nothing = `no response from ${url}`
    if (!local) return wrongFinding(target, nothing, 'Check WEBHOOKS_URL.')
    return options.local
      ? wrongFinding(target, nothing, 'Run npm start. It also starts the sandbox, which the default connections use.')
      : noteFinding(target, nothing, 'Run npm start if you want to use the local runtime.')
  }
}

/** Formats the findings as a table, with the advice below each line. */
function textOf(findings: readonly Finding[]): string {
  const [heading = '', ...rows] = table(
    ['', 'what', 'found'],
    findings.map(({ state, what, found }) => [state, what, found]),
  ).split('\n')
  const lines = rows.map((row, index) => {
    const { advice } = findings[index] ?? {}
    return advice ? `${row}\n       -> ${advice}` : row
  })
  return [heading, ...lines].join('\n')
}
