import { Command } from 'commander'
import type { Category } from '../../../shared/providers/category.ts'
import { type Connection, connectionSchema } from '../../../shared/providers/connections.ts'
import { redactDeep } from '../../../shared/redact.ts'
import { succeeded, type Trial, tryProvider } from '../connection-test.ts'
import { draftBy, type FromOptions, fromOptions, writeDraft } from '../http/drafts.ts'
import { isTry, problemIn, type TryOptions, tryHttp, tryOptions } from '../http/try.ts'
import { connectionNamed, providerNamed } from '../names.ts'
import { note } from '../output.ts'
import { checked, type GatherOptions, gather, gatherOptions, given } from '../prompt-fields.ts'
import { askChoice, isInteractive } from '../prompts.ts'
import { UsageError } from '../receiver.ts'
import { keep, presentOf } from '../save-secret.ts'
import { openStore, type StoreOptions, storeHelp, storeOptions } from '../secret-store.ts'
import { weakSecrets } from '../weak-secrets.ts'

interface Options extends GatherOptions, StoreOptions, TryOptions, FromOptions {
  provider?: string
  dryRun?: boolean
  check: boolean
  json?: boolean
}

/** `webhooks connect`: makes the secret of a connection, and tries it before it is stored. */
export function connectCommand(): Command {
  const command = new Command('connect')
    .description('store how a platform is reached: asks for its fields, tries them, and writes the secret')
    .argument('<category/name>', 'such as issue-ticketing/default, which is used where a call names none')
    .option('--provider <name>', 'which platform it is')
  return tryOptions(fromOptions(gatherOptions(storeOptions(command))))
    .option('--kms-key <id>', 'the KMS key of a new secret, where it is not aws/secretsmanager')
    .addHelpText(
      'after',
      `${storeHelp}
No secret is taken as an argument. What is stored already is offered as the answer. Without a terminal nothing is asked:
give --from-file, or --provider and --field for a platform that needs no secret.

For the provider http, --from-curl and --from-openapi make the first draft of a connection. --draft writes it to a file, with
placeholders for credentials; otherwise it is tried and stored as any other. Others on this machine see arguments: give a curl
command with credentials in a file or on stdin, or with variables of the environment in it. --try runs an action before the
connection is stored: see check --help.

It is tried from this machine, with your AWS credentials for a provider of AWS; the functions have their own network and role.

Exit code: 0 stored (or shown, with --dry-run), 1 it was tried in vain or could not be stored, 2 arguments or fields,
130 Ctrl-C.

Examples:
  $ npm run webhooks -- connect issue-ticketing/default
  $ npm run webhooks -- connect issue-ticketing/jira --from-file jira.json
  $ npm run webhooks -- connect ci-cd/builds --provider aws-codebuild --field region=eu-west-1 --no-check
  $ npm run webhooks -- connect feature-flags/default --from-file - --local --dry-run < unleash.json
  $ npm run webhooks -- connect issue-ticketing/new --from-curl open.curl --draft new.json
  $ npm run webhooks -- connect issue-ticketing/new --from-file new.json --from-curl get.curl --request get --draft new.json
  $ npm run webhooks -- connect ci-cd/new --from-openapi openapi.yaml --operation startRun --draft new-job.json`,
    )
    .action(run)
}

async function run(target: string, options: Options): Promise<void> {
  const { category, name } = connectionNamed(target)
  const path = `connections/${category.name}/${name}`
  const file = await given(options)
  const { baseUrl } = options.field ?? {}
  const draft = await draftBy(options, category, { ...file, ...(baseUrl === undefined ? {} : { baseUrl }) })
  if (draft && options.draft !== undefined) return writeDraft(options.draft, draft)
  for (const one of draft?.notes ?? []) note(one)
  const known = draft?.values ?? file
  const store = await openStore(options)
  const present = await presentOf(store, path, options)
  const chosen = await providerOf(category, options, known, present)
  const provider = await providerNamed(category, chosen)
  const schema = connectionSchema(provider, category)
  let offered = present['provider'] === chosen ? present : {}
  await keep(store, path, options, async () => {
    const value = await gather(
      schema,
      { ...known, provider: chosen },
      {
        ...options,
        present: offered,
        first: Object.keys(draft?.placeholders ?? {}),
      },
    )
    offered = value
    const values = checked(schema, value, `The connection to ${provider.title}`)
    return {
      value,
      shown: redactDeep(value),
      weak: weakSecrets(schema, values),
      attempt: () => tryNew(category, { name, provider, values }, options),
    }
  })
}

/** The provider's own check, and then the action or the response that the options name. */
async function tryNew(category: Category, connection: Connection, options: Options): Promise<Trial> {
  const { provider, values } = connection
  // A response that was saved needs no platform, and an action tells more than the check does.
  const isChecked = !isTry(options) || (options.answer === undefined && values['check'] !== undefined)
  const checked: Trial = isChecked
    ? await tryProvider(provider, values)
    : { reachable: 'unknown', authenticated: 'unknown', permitted: 'unknown' }
  if (!isTry(options) || !succeeded(checked)) return checked
  const tried = await tryHttp(category, connection, options, note)
  const problem = problemIn(tried)
  return { ...checked, ...(problem === undefined ? {} : { problem }), tried }
}

async function providerOf(
  category: Category,
  { provider, fromFile }: Options,
  known: Record<string, unknown>,
  present: Record<string, unknown>,
): Promise<string> {
  const named = provider ?? known['provider']
  const names = Object.keys(category.providers)
  if (typeof named === 'string') return named
  if (fromFile !== undefined || !isInteractive())
    throw new UsageError(`Say which platform it is, with --provider or in --from-file: ${names.join(', ')}.`)
  const providers = await Promise.all(
    names.map(async (value) => ({ value, hint: (await category.providers[value]?.())?.title ?? '' })),
  )
  return askChoice('Which platform is it?', providers, present['provider'] as string | undefined)
}
