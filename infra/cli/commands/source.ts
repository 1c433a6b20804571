import { Argument, Command, Option } from 'commander'
import { isRecord } from '../../../shared/record.ts'
import { loadSourceType, type SourceTypeName, sourceTypeNames } from '../../../shared/sources/load-source-type.ts'
import { notifiesOf } from '../../../shared/sources/source-of.ts'
import { type CredentialKind, credentialKinds, type SourceType } from '../../../shared/sources/source-type.ts'
import { isSilent, type SourceActivity } from '../../../shared/state/source-activity.ts'
import { parseConnectionName } from '../../project/find-by-name.ts'
import { UsageError } from '../../project/usage-error.ts'
import { localUrl, parseUrl } from '../receiver/receiver.ts'
import {
  openStore,
  type SecretStore,
  STORE_HELP,
  type StoreOptions,
  secretName,
  storeOptions,
} from '../secrets/secret-store.ts'
import { activitiesOf, timeOf } from '../sources/activity.ts'
import { credentialsFor, kindsOf, setupFor } from '../sources/credentials.ts'
import { type Declared, needsSecret, readDeclared } from '../sources/declared-sources.ts'
import { stackOption } from '../stack-option.ts'
import { type JsonOption, note, show, table } from '../terminal/output.ts'
import type { FieldOptions } from '../terminal/prompt-for-fields.ts'

/** A name that `events.yaml` accepts. */
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
/** A secret has at most three: during a rotation, the sender still signs with an old one. */
const MAX_KEYS = 3
/** Shown unless WEBHOOKS_URL is set. */
const UNKNOWN_URL = '<ApiUrl of the stack>'

interface AddOptions extends StoreOptions, JsonOption, FieldOptions {
  name?: string
  credential?: CredentialKind
  url?: string
  replace?: boolean
}

/** `webhooks source`: manages the platforms whose notifications wake tasks and start calls. */
export function sourceCommand(): Command {
  return new Command('source').addCommand(addCommand()).addCommand(listCommand()).addCommand(typesCommand())
}

function addCommand(): Command {
  return storeOptions(new Command('add'))
    .description('create the secret of a source, and print its URL and the settings to enter at the platform')
    .addArgument(new Argument('<type>', 'type of the source').choices(sourceTypeNames))
    .option('--name <name>', 'name of the source in events.yaml and in its URL (default: the type)')
    .addOption(
      new Option('--credential <kind>', 'what the platform sends (default: the strongest that it can send)').choices(
        credentialKinds,
      ),
    )
    .option('--from-file <file>', 'JSON object with the fields of the secret, instead of a generated one; - for stdin')
    .option('--url <url>', 'URL of the deployed API (default: WEBHOOKS_URL)', parseUrl)
    .option('--replace', 'replace a token or a password, which is then no longer valid')
    .option('--kms-key <id>', 'KMS key that encrypts a new secret (default: aws/secretsmanager)')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${STORE_HELP}
The key, token or password is generated and shown once. GitLab, Linear and PagerDuty choose the key themselves: it is prompted for, or read
from --from-file, such as {"keys": ["whsec_.."]}. A new key of an existing source is added before the old ones: up to three stay valid, so that
you can rotate it.

Exit code: 0 saved, 1 save failed, 2 invalid arguments, or the source has a token or a password.

Examples:
  $ npx webhooks source add github
  $ npx webhooks source add gitlab --credential token
  $ npx webhooks source add http --name deployer --credential token --local`,
    )
    .action(add)
}

function listCommand(): Command {
  return stackOption(storeOptions(new Command('list')))
    .description(
      'list the declared sources: what they wake, whether they have a secret, and when they last sent a notification',
    )
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${STORE_HELP}
Reads the file that the setting events in cdk.json names, or with --local the one that WEBHOOKS_EVENTS names. The times are in the table of
the stack: reading them needs lambda:ListFunctions, lambda:ListTags and dynamodb:GetItem.

silent: a job ended, and the source had sent nothing for longer than a notification needs.

Exit code: 0 listed, 1 read failed, 2 invalid arguments or an invalid file.

Examples:
  $ npx webhooks source list
  $ WEBHOOKS_EVENTS=events.yaml npx webhooks source list --local --json`,
    )
    .action(list)
}

function typesCommand(): Command {
  return new Command('types')
    .description('list the types of sources')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Exit code: 0 listed, 2 invalid arguments.

Example:
  $ npx webhooks source types`,
    )
    .action(types)
}

async function add(typeName: SourceTypeName, options: AddOptions): Promise<void> {
  const name = options.name ?? typeName
  if (!NAME.test(name))
    throw new UsageError(
      `Invalid name "${name}". Use up to 63 characters a-z, 0-9 and -, and start with a letter or digit.`,
    )
  const type = await loadSourceType(typeName)
  const store = await openStore(options)
  const path = `sources/${name}`
  const stored = await store.get(path)
  const url = `${urlOf(options)}/v1/events/${name}`
  const { value, shown } = await credentialsFor(type, options.credential, { ...options, url })
  // Before the secret is saved: its only copy must not be lost by an error.
  const declaration = await declarationOf(name, typeName, type.alerts !== undefined, store, options)
  const done = await store.put(path, merge(stored, value, `${name} in ${store.place}`, options))
  note(
    `${done === 'created' ? 'Saved' : 'Changed'} ${secretName(path)} in ${store.place}.${shown ? ' The secret is not shown again.' : ''}`,
  )
  const setup = setupFor(type, value, url, shown)
  const result = {
    source: name,
    type: typeName,
    url,
    ...(value.user === undefined ? {} : { user: value.user }),
    ...(shown === undefined ? {} : { secret: shown }),
    setup,
    declaration,
  }
  // Not masked: this is the only time that the secret is shown.
  console.log(options.json ? JSON.stringify(result, null, 2) : textOf(type, result))
}

/** Returns the new secret. Old keys stay valid, because the sender uses them until its settings are changed. */
function merge(stored: unknown, value: object, source: string, { replace }: AddOptions): object {
  if (!isRecord(stored)) return value
  if ('keys' in value && Array.isArray(value.keys) && Array.isArray(stored['keys']))
    return { ...stored, keys: [...value.keys, ...stored['keys']].slice(0, MAX_KEYS) }
  if (replace) return value
  throw new UsageError(
    `The source ${source} has a secret already. Pass --replace to replace it: the old one is then no longer valid.`,
  )
}

function urlOf({ local, url = process.env['WEBHOOKS_URL'] }: AddOptions): string {
  if (local) return localUrl()
  return url === undefined ? UNKNOWN_URL : url.replace(/\/+$/, '').replace(/\/v1$/, '')
}

/** Returns the lines to add to `events.yaml`; undefined if the source is declared. */
async function declarationOf(
  name: string,
  type: SourceTypeName,
  hasAlerts: boolean,
  store: SecretStore,
  options: StoreOptions,
): Promise<string | undefined> {
  const declared = await readDeclared(options)
  if (declared && Object.hasOwn(declared.sources, name)) return undefined
  const connections: string[] = []
  for (const connection of await store.list('connections/')) {
    const { category } = parseConnectionName(connection)
    const stored = await store.get(`connections/${connection}`)
    const provider = await category.providers[String(isRecord(stored) ? stored['provider'] : '')]?.()
    if (provider && notifiesOf(type, provider)) connections.push(connection)
  }
  // A sender of alerts has rules instead.
  if (connections.length === 0 && hasAlerts) return `sources:\n  ${name}: { type: ${type} }`
  const wakes = connections.length > 0 ? connections.join(', ') : '<category>/<connection>'
  return `sources:\n  ${name}: { type: ${type}, wakes: [${wakes}] }`
}

/** The result of the command. Contains the secret if it was generated. */
interface Added {
  url: string
  user?: string | undefined
  secret?: string
  setup: string[]
  declaration: string | undefined
}

function textOf({ title }: SourceType, { url, user, secret, setup, declaration }: Added): string {
  const steps = setup.map((step, index) => `${index + 1}. ${step.replaceAll('\n', '\n   ')}`)
  return [
    `URL: ${url}`,
    ...(user === undefined || secret === undefined ? [] : [`User: ${user}`, `Password: ${secret}`]),
    '',
    `At ${title}:`,
    ...steps,
    ...(declaration === undefined ? [] : ['', 'Declare the source in events.yaml, and deploy:', declaration]),
  ].join('\n')
}

interface ListedSource {
  source: string
  type: string
  wakes: string[]
  secret: 'yes' | 'no' | 'not needed'
  activity?: SourceActivity & { silent: boolean }
}

async function list(options: StoreOptions & JsonOption & { stack: string }): Promise<void> {
  const declared = await readDeclared(options)
  if (!declared) {
    note(
      `No file declares sources. ${options.local ? 'Set WEBHOOKS_EVENTS to its path' : 'Name it in the setting events in cdk.json'}.`,
    )
    if (options.json) show([], '', options)
    return
  }
  const store = await openStore(options)
  const secrets = await store.list('sources/')
  const names = Object.keys(declared.sources)
  const activities = await activitiesOf(names, options)
  if (typeof activities === 'string') note(`The times are not known: ${activities}.`)
  const rows = names.map((name) => rowOf(name, declared, secrets, activities))
  show(rows, listTable(rows), options)
}

function rowOf(
  source: string,
  declared: Declared,
  secrets: readonly string[],
  activities: Map<string, SourceActivity> | string,
): ListedSource {
  const { type = '', wakes = [] } = declared.sources[source] ?? {}
  const activity = typeof activities === 'string' ? undefined : activities.get(source)
  const secret = secrets.includes(source) ? 'yes' : needsSecret(source, declared) ? 'no' : 'not needed'
  return { source, type, wakes, secret, ...(activity ? { activity: { ...activity, silent: isSilent(activity) } } : {}) }
}

function listTable(rows: readonly ListedSource[]): string {
  const time = (ms: number | undefined) => (ms === undefined ? '-' : timeOf(ms))
  return table(
    ['source', 'type', 'wakes', 'secret', 'notified', 'woke', 'missed', 'silent'],
    rows.map(({ source, type, wakes, secret, activity }) => [
      source,
      type,
      wakes.join(', ') || '-',
      secret,
      time(activity?.notifiedAt),
      time(activity?.wokenAt),
      String(activity?.missed ?? '-'),
      activity?.silent ? 'silent' : '-',
    ]),
  )
}

async function types(options: JsonOption): Promise<void> {
  const rows = await Promise.all(
    sourceTypeNames.map(async (name) => {
      const type = await loadSourceType(name)
      const proofs = type.publishedKeys
        ? [`signed by ${type.publishedKeys === 'google' ? 'Google' : 'AWS'}`]
        : kindsOf(type)
      return { type: name, platform: type.title, credentials: proofs }
    }),
  )
  const cells = rows.map(({ type, platform, credentials }) => [type, platform, credentials.join(', ')])
  show(rows, table(['type', 'platform', 'credentials'], cells), options)
}
