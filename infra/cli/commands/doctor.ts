import { join } from 'node:path'
import { Command } from 'commander'
import { categories } from '../../../functions/index.ts'
import { dist, finisher } from '../../build/main.ts'
import { NoAwsError } from '../aws-errors.ts'
import { concurrency, identity } from '../doctor/aws.ts'
import { type Finding, noted, ok, wrong } from '../doctor/finding.ts'
import { bundles, versions } from '../doctor/installation.ts'
import { secrets } from '../doctor/secrets.ts'
import { DEFAULT_FILES, webhookConfigs } from '../doctor/webhook-configs.ts'
import { type JsonOption, show, table } from '../output.ts'
import { localUrl, receiverOf } from '../receiver.ts'
import { openStore, type SecretStore, type StoreOptions, storeHelp, storeOptions } from '../secret-store.ts'

/** `webhooks doctor`: everything that has to be right, and what to do where it is not. */
export function doctorCommand(): Command {
  return storeOptions(new Command('doctor'))
    .description(
      'check versions, bundles, credentials, secrets, connections and webhook configurations, and say what to do',
    )
    .option(
      '--webhook-config <file...>',
      `webhook configurations of Keptn to check (default: ${DEFAULT_FILES.join(', ')} if it exists)`,
    )
    .option('--json', 'print the findings as JSON')
    .addHelpText(
      'after',
      `${storeHelp}
Connections and orchestrators are tried, as webhooks check does. WEBHOOKS_URL names a deployed API to look for.

Exit code: 0 nothing is wrong, 1 something is, 2 arguments.

Examples:
  $ npm run webhooks -- doctor
  $ npm run webhooks -- doctor --local --json
  $ npm run webhooks -- doctor --webhook-config webhook.yaml`,
    )
    .action(run)
}

async function run(options: StoreOptions & JsonOption & { webhookConfig?: string[] }): Promise<void> {
  const root = join(import.meta.dirname, '../../..')
  const names = [
    ...categories.map(({ name }): [string, string] => [name, 'webhook.js']),
    [finisher, `${finisher}.js`] as [string, string],
  ]
  const looked = await Promise.all([
    versions(root),
    bundles(root, dist, names),
    options.local ? [] : identity(),
    options.local ? [] : concurrency(),
    stored(options),
    receiver(options),
    webhookConfigs(options.webhookConfig),
  ])
  const findings = looked.flat()
  show(findings, textOf(findings), options)
  if (findings.some(({ state }) => state === 'wrong')) process.exitCode = 1
}

async function stored(options: StoreOptions): Promise<Finding[]> {
  let store: SecretStore
  try {
    store = await openStore(options)
    await store.list('connections/')
  } catch (error) {
    if (error instanceof NoAwsError)
      return [noted('secrets', 'not looked at: there is no AWS', 'Give --local for the local ones.')]
    return [wrong('secrets', (error as Error).message, 'Nothing that is stored could be looked at.')]
  }
  return [ok('secrets', store.place), ...(await secrets(store, options))]
}

/** What our calls would go to: what is deployed must be up, and the local runtime where its sandbox is tried. */
async function receiver(options: StoreOptions): Promise<Finding> {
  const url = options.local ? localUrl() : receiverOf({}).url
  const local = options.local || process.env['WEBHOOKS_URL'] === undefined
  const what = local ? 'local runtime' : 'API'
  try {
    const { status } = await fetch(`${url}/`, { redirect: 'manual', signal: AbortSignal.timeout(5_000) })
    return ok(what, `answers at ${url} (${status})`)
  } catch {
    const nothing = `nothing answers at ${url}`
    if (!local) return wrong(what, nothing, 'Is WEBHOOKS_URL right?')
    return options.local
      ? wrong(what, nothing, 'Run npm start: the sandbox, which its own connections lead to, is part of it.')
      : noted(what, nothing, 'Run npm start, where you want to try something on this machine.')
  }
}

/** What to do stands below what it is about. */
function textOf(findings: readonly Finding[]): string {
  const [heading = '', ...rows] = table(
    ['', 'what', 'found'],
    findings.map(({ state, what, found }) => [state, what, found]),
  ).split('\n')
  const lines = rows.map((row, at) => {
    const { advice } = findings[at] ?? {}
    return advice ? `${row}\n       -> ${advice}` : row
  })
  return [heading, ...lines].join('\n')
}
