import { Command } from 'commander'
import { isOrchestratorType, loadOrchestratorType } from '../../../shared/orchestrators/index.ts'
import { redactDeep } from '../../../shared/redact.ts'
import { checkName } from '../../project/find-by-name.ts'
import { UsageError } from '../../project/usage-error.ts'
import { testCall } from '../secrets/connection-test.ts'
import { openStore, STORE_HELP, type StoreOptions, storeOptions } from '../secrets/secret-store.ts'
import { readStored, saveSecret } from '../secrets/test-and-save-secret.ts'
import { refusePlaceholders, weakSecrets } from '../secrets/weak-secrets.ts'
import {
  type FieldOptions,
  fieldOptions,
  promptForFields,
  readGivenFields,
  validateSecret,
} from '../terminal/prompt-for-fields.ts'
import { isInteractive, promptForChoice } from '../terminal/prompts.ts'

interface Options extends FieldOptions, StoreOptions {
  dryRun?: boolean
  type?: string
  check: boolean
  json?: boolean
}

/** `webhooks orchestrator`: saves the orchestrator that receives the results of interactive calls. */
export function orchestratorCommand(): Command {
  return new Command('orchestrator').addCommand(addCommand())
}

function addCommand(): Command {
  const command = new Command('add')
    .description('add or replace an orchestrator: prompt for its settings, test them, and save the secret')
    .argument('<name>', 'name for callers: webhooks token create <caller> --orchestrator <name>')
  return fieldOptions(storeOptions(command))
    .option(
      '--type <type>',
      'type of the engine (default: the type in the file, of the stored secret or with this name, or keptn)',
    )
    .option('--kms-key <id>', 'KMS key that encrypts a new secret (default: aws/secretsmanager)')
    .addHelpText(
      'after',
      `${STORE_HELP}
The connection test of keptn reads events. It does not check whether the token may send events, too. That of azure-devops reads who a
personal access token belongs to, that of dynatrace reads executions and workflows, and sends an empty list of events. Without a terminal
there are no prompts: pass --from-file with {"baseUrl": "https://..", "token": ".."}.

Exit code: 0 saved (or shown, with --dry-run), 1 connection test or save failed, 2 invalid arguments or fields, 130 Ctrl-C.

Examples:
  $ npx webhooks orchestrator add keptn
  $ npx webhooks orchestrator add keptn --from-file keptn.json --dry-run
  $ npx webhooks orchestrator add azure-devops --from-file azure-devops.json --dry-run`,
    )
    .action(run)
}

async function run(name: string, options: Options): Promise<void> {
  const path = `orchestrators/${checkName(name)}`
  const known = await readGivenFields(options)
  const store = await openStore(options)
  let stored = await readStored(store, path, options)
  const type = String(options.type ?? known['type'] ?? stored['type'] ?? (isOrchestratorType(name) ? name : 'keptn'))
  const { secret: schema, connect } = await orchestratorType(type)
  await saveSecret(store, path, options, async () => {
    const credentials = type === 'keptn' ? await promptForCredentials(known, stored, options) : undefined
    const fields = credentials ? { include: [credentials], exclude: [credentials === 'token' ? 'oauth' : 'token'] } : {}
    const value = await promptForFields(schema, { ...known, type }, { ...options, stored, ...fields })
    stored = value
    const settings = validateSecret(schema, value, 'The orchestrator')
    refusePlaceholders(schema, settings)
    const warnings = weakSecrets(schema, settings)
    return { value, redacted: redactDeep(value), warnings, test: () => testCall(() => connect(settings).check()) }
  })
}

/** @throws UsageError for a type that does not exist or has no settings */
async function orchestratorType(name: string) {
  const { secret, connect } = await loadOrchestratorType(name).catch((error: Error) => {
    throw new UsageError(error.message)
  })
  if (secret) return { secret, connect }
  throw new UsageError(`The type ${name} has no settings. Create the caller with webhooks token create <caller>.`)
}

/** Asks which credentials to use. One of two fields is required, which the schema of the fields cannot express. */
async function promptForCredentials(
  known: Record<string, unknown>,
  stored: Record<string, unknown>,
  { fromFile }: Options,
): Promise<string | undefined> {
  if (fromFile !== undefined || known['token'] !== undefined || !isInteractive()) return undefined
  return promptForChoice(
    'Which credentials?',
    [
      { value: 'token', label: 'API token' },
      { value: 'oauth', label: 'OAuth client', hint: 'Dynatrace SaaS' },
    ],
    stored['oauth'] === undefined ? 'token' : 'oauth',
  )
}
