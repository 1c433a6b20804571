import { Command, Option } from 'commander'
import { type GitHubSettings, githubSecret } from '../../../shared/orchestrators/github/secret.ts'
import { isRecord } from '../../../shared/record.ts'
import { appClient } from '../../../shared/vendors/clients/github-app.ts'
import { type FailedDelivery, failedDeliveries, redeliver } from '../../../shared/vendors/clients/github-deliveries.ts'
import { checkName, findCategory } from '../../project/find-by-name.ts'
import { UsageError } from '../../project/usage-error.ts'
import { createApp } from '../github/create-app.ts'
import { appManifest, creationUrl, type ManifestOptions } from '../github/manifest.ts'
import { parseUrl } from '../receiver/receiver.ts'
import { openStore, STORE_HELP, type StoreOptions, storeOptions } from '../secrets/secret-store.ts'
import { type JsonOption, note, show, table } from '../terminal/output.ts'
import { validateSecret } from '../terminal/prompt-for-fields.ts'
import { isInteractive, promptForConfirmation } from '../terminal/prompts.ts'

interface CreateOptions extends StoreOptions, JsonOption, Omit<ManifestOptions, 'orchestrator' | 'target'> {
  action: string
  site: string
  organization?: string
  input?: string
  repositories?: string[]
  print?: boolean
  yes?: boolean
}

interface RedeliverOptions extends StoreOptions, JsonOption {}

/** `webhooks github`: creates the GitHub App of an orchestrator, and redelivers its failed deliveries. */
export function githubCommand(): Command {
  return new Command('github').addCommand(manifestCommand()).addCommand(redeliverCommand())
}

function manifestCommand(): Command {
  return storeOptions(new Command('manifest'))
    .description('create a GitHub App with the right permissions, and save it as an orchestrator')
    .argument('<name>', 'name of the orchestrator, such as github')
    .requiredOption('--url <url>', 'URL of the webhooks: the output ApiUrl of the stack', parseUrl)
    .requiredOption('--action <category/action>', 'action that the App calls, such as load-testing/start-test')
    .option('--connection <name>', "connection of the action (default: the caller's, then default)")
    .option('--deadline <duration>', 'ISO 8601 duration, at most P29D (default: that of the action)')
    .addOption(
      new Option('--report <what>', 'what gets the result: the waiting deployment, or a check run of the commit')
        .choices(['deployment', 'check'])
        .default('deployment'),
    )
    .option(
      '--input <expression>',
      'JMESPath expression that returns the input of the action from the payload of GitHub',
    )
    .option('--repositories <names...>', 'repositories that may call, as owner/repo or owner/* (default: all)')
    .option('--app-name <name>', 'name of the App, which is unique on GitHub (default: webhooks-<name>)')
    .option('--organization <login>', 'organization that owns the App (default: your account)')
    .option('--site <url>', 'URL of GitHub, or of your GitHub Enterprise Server', parseUrl, 'https://github.com')
    .option('--yes', 'save the App without asking')
    .option('--print', 'print the manifest; create and save nothing')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${STORE_HELP}
Prints the URL of a page on this machine, from which you create the App on GitHub. GitHub then returns its key and its secret. The
command shows the name and the owner of the App, and asks before it saves them in orchestrators/<name>, and a caller <name> that
may call this action only. Without a terminal, pass --yes.

Exit code: 0 created (or printed), 1 creation or save failed, or nothing was saved, 2 invalid arguments, 130 Ctrl-C.

Examples:
  $ npx webhooks github manifest github --url https://abc.execute-api.eu-west-1.amazonaws.com/v1 --action load-testing/start-test --print
  $ npx webhooks github manifest checks --url https://webhooks.example.org --action slo/request-evaluation --report check --print`,
    )
    .action(create)
}

function redeliverCommand(): Command {
  return storeOptions(new Command('redeliver'))
    .description('ask GitHub to send the failed deliveries of the last three days again')
    .argument('<name>', 'name of the orchestrator, such as github')
    .option('--dry-run', 'list the failed deliveries; request nothing')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${STORE_HELP}
GitHub sends each delivery only once. A delivery that was in fact processed is recognized as a repeat, so you can run this
command at any time. The setting redeliver in cdk.json runs it on a schedule.

Exit code: 0 requested, or nothing had failed, 1 GitHub refused a request, 2 invalid arguments.

Examples:
  $ npx webhooks github redeliver github --local
  $ npx webhooks github redeliver github --local --dry-run`,
    )
    .action(repeat)
}

async function create(name: string, { action, input, repositories, ...options }: CreateOptions): Promise<void> {
  const [category = '', actionName = ''] = action.split('/')
  const { actions } = findCategory(category)
  if (!Object.hasOwn(actions, actionName))
    throw new UsageError(
      `Unknown action "${action}". Actions: ${Object.keys(actions)
        .map((name) => `${category}/${name}`)
        .join(', ')}`,
    )
  const manifest = appManifest({ ...options, orchestrator: checkName(name), target: action })
  if (options.print) return show(manifest, JSON.stringify(manifest, null, 2), options)
  if (!options.yes && !isInteractive())
    throw new UsageError('There is no terminal to ask whether to save the App. Pass --yes.')
  const confirm = async (question: string) => {
    if (!options.yes) return promptForConfirmation(question)
    note(question)
    return true
  }
  const store = await openStore(options)
  const { site, report, organization, connection } = options
  const page = creationUrl(site, organization)
  const settings = { report, input, repositories }
  const app = { name, action, manifest, page, site, organization, connection, confirm, settings }
  const { saved, htmlUrl } = await createApp(store, app)
  if (saved.length === 0) {
    process.exitCode = 1
    return show({ saved }, `Nothing was saved. Delete the App on GitHub if it is yours: ${htmlUrl}`, options)
  }
  show(
    { saved, url: htmlUrl },
    `Saved ${saved.join(' and ')} in ${store.place}.\nInstall the App in your repositories: ${htmlUrl}/installations/new`,
    options,
  )
}

async function repeat(name: string, options: RedeliverOptions): Promise<void> {
  const store = await openStore(options)
  const stored = await store.get(`orchestrators/${checkName(name)}`)
  if (!isRecord(stored)) throw new UsageError(`${store.place} contains no orchestrator "${name}".`)
  const settings: GitHubSettings = validateSecret(githubSecret, stored, 'The orchestrator')
  const http = appClient(settings)
  const failed = await failedDeliveries(http, Date.now())
  const results: { delivery: FailedDelivery; refusal: string | undefined }[] = []
  for (const delivery of failed)
    results.push({ delivery, refusal: options.dryRun ? undefined : await redeliver(http, delivery) })
  if (results.some(({ refusal }) => refusal !== undefined)) process.exitCode = 1
  if (failed.length === 0) note('No deliveries failed in the last three days.')
  const rows = results.map(({ delivery: { event, guid, attempts, reason, lastAt }, refusal }) => [
    new Date(lastAt).toISOString(),
    event,
    guid,
    String(attempts),
    reason,
    options.dryRun ? 'not requested' : (refusal ?? 'requested again'),
  ])
  show(
    results.map(({ delivery, refusal }) => ({ ...delivery, refusal })),
    table(['last attempt', 'event', 'delivery', 'attempts', 'reason', 'result'], rows),
    options,
  )
}
