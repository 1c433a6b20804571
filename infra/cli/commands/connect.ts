import { Command } from 'commander'
import type { Category } from '../../../shared/providers/category.ts'
import { type Connection, connectionSchema } from '../../../shared/providers/connections.ts'
import { redactDeep } from '../../../shared/redact.ts'
import { findProvider, parseConnectionName } from '../../project/find-by-name.ts'
import { UsageError } from '../../project/usage-error.ts'
import { type DraftSourceOptions, draftOptions, readDraft, writeDraft } from '../http/drafts.ts'
import { isTry, problemIn, type TryOptions, tryHttp, tryOptions } from '../http/try.ts'
import {
  connectionWarnings,
  registerLiterals,
  succeeded,
  type TestResult,
  testProvider,
} from '../secrets/connection-test.ts'
import { openStore, STORE_HELP, type StoreOptions, storeOptions } from '../secrets/secret-store.ts'
import { readStored, saveSecret } from '../secrets/test-and-save-secret.ts'
import { refusePlaceholders } from '../secrets/weak-secrets.ts'
import { note } from '../terminal/output.ts'
import {
  type FieldOptions,
  fieldOptions,
  promptForFields,
  readGivenFields,
  validateSecret,
} from '../terminal/prompt-for-fields.ts'
import { isInteractive, promptForChoice } from '../terminal/prompts.ts'

interface Options extends FieldOptions, StoreOptions, TryOptions, DraftSourceOptions {
  provider?: string
  dryRun?: boolean
  check: boolean
  json?: boolean
}

/** `webhooks connect`: tests a connection and saves its secret. */
export function connectCommand(): Command {
  const command = new Command('connect')
    .argument('<category/name>', 'name of the connection; calls that name none use default (issue-ticketing/default)')
    .option('--provider <name>', 'provider of the platform, such as jira')
  return tryOptions(draftOptions(fieldOptions(storeOptions(command))))
    .option('--kms-key <id>', 'KMS key that encrypts a new secret (default: aws/secretsmanager)')
    .addHelpText(
      'after',
      `${STORE_HELP}
The prompts offer the stored values as defaults. Secrets cannot be passed as arguments. Without a terminal there are no
prompts: pass --from-file, or --provider and --field for a platform that needs no secret.

For the http provider, --from-curl and --from-openapi create a first draft of a connection. With --draft, the draft is written
to a file, with placeholders for credentials. Without it, the connection is tested and saved. Other users of this machine can
see arguments: put a curl command with credentials into a file, pass it on stdin, or use environment variables in it. --try
runs an action before the connection is saved: see check --help.

The test runs on this machine and uses your AWS credentials for AWS providers. The functions have their own network and role.

Exit code: 0 saved (or shown, with --dry-run), 1 connection test or save failed, 2 invalid arguments or fields, 130 Ctrl-C.

Examples:
  $ npx webhooks connect issue-ticketing/default
  $ npx webhooks connect notification/default
  $ npx webhooks connect issue-ticketing/jira --from-file jira.json
  $ npx webhooks connect ci-cd/builds --provider aws-codebuild --field region=eu-west-1 --no-check
  $ npx webhooks connect feature-flags/default --from-file - --local --dry-run < unleash.json
  $ npx webhooks connect issue-ticketing/new --from-curl open.curl --draft new.json
  $ npx webhooks connect issue-ticketing/new --from-file new.json --from-curl get.curl --request get --draft new.json
  $ npx webhooks connect ci-cd/new --from-openapi openapi.yaml --operation startRun --draft new-job.json`,
    )
    .action(run)
}

async function run(target: string, options: Options): Promise<void> {
  const { category, name } = parseConnectionName(target)
  const path = `connections/${category.name}/${name}`
  const file = await readGivenFields(options)
  const { baseUrl } = options.field ?? {}
  const draft = await readDraft(options, category, { ...file, ...(baseUrl === undefined ? {} : { baseUrl }) })
  if (draft && options.draft !== undefined) return writeDraft(options.draft, draft)
  for (const text of draft?.notes ?? []) note(text)
  const known = draft?.values ?? file
  const store = await openStore(options)
  const stored = await readStored(store, path, options)
  const providerName = await providerNameOf(category, options, known, stored)
  const provider = await findProvider(category, providerName)
  const schema = connectionSchema(provider, category)
  let defaults = stored['provider'] === providerName ? stored : {}
  await saveSecret(store, path, options, async () => {
    const value = await promptForFields(
      schema,
      { ...known, provider: providerName },
      {
        ...options,
        stored: defaults,
        include: Object.keys(draft?.placeholders ?? {}),
      },
    )
    defaults = value
    const values = validateSecret(schema, value, `The connection to ${provider.title}`)
    refusePlaceholders(schema, values)
    registerLiterals(values)
    const connection = { name, provider, values }
    return {
      value,
      // Agents read it, to choose a connection.
      description: provider.title,
      redacted: redactDeep(value),
      warnings: connectionWarnings(category, connection),
      test: () => testNew(category, connection, options),
    }
  })
}

/** Runs the provider's connection test, and then the action or the saved response that the options name. */
async function testNew(category: Category, connection: Connection, options: Options): Promise<TestResult> {
  const { provider, values } = connection
  // A saved response needs no platform, and an action shows more than the connection test.
  const isChecked = !isTry(options) || (options.answer === undefined && values['check'] !== undefined)
  const checked: TestResult = isChecked
    ? await testProvider(provider, values)
    : { reachable: 'unknown', authenticated: 'unknown', permitted: 'unknown' }
  if (!isTry(options) || !succeeded(checked)) return checked
  const http = await tryHttp(category, connection, options, note)
  const problem = problemIn(http)
  return { ...checked, ...(problem === undefined ? {} : { problem }), http }
}

async function providerNameOf(
  category: Category,
  { provider, fromFile }: Options,
  known: Record<string, unknown>,
  stored: Record<string, unknown>,
): Promise<string> {
  const chosen = provider ?? known['provider']
  const names = Object.keys(category.providers)
  if (typeof chosen === 'string') return chosen
  if (fromFile !== undefined || !isInteractive())
    throw new UsageError(`The provider is missing. Pass --provider, or set it in --from-file: ${names.join(', ')}.`)
  const providers = await Promise.all(
    names.map(async (value) => ({ value, hint: (await category.providers[value]?.())?.title ?? '' })),
  )
  return promptForChoice('Which platform?', providers, stored['provider'] as string | undefined)
}
