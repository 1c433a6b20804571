import { Command, Option } from 'commander'
import { messageOf } from '../../../shared/errors.ts'
import { DEFAULT_ORCHESTRATOR } from '../../../shared/orchestrators/index.ts'
import { VERIFY_SECRET } from '../../../shared/verify/secret.ts'
import { readConfiguredPolicy } from '../../local/operator/configured-policy.ts'
import { checkName, findCategory } from '../../project/find-by-name.ts'
import { UsageError } from '../../project/usage-error.ts'
import {
  createToken,
  findCaller,
  readStoredCallers,
  type StoredCaller,
  type StoredCallers,
  writeCallers,
} from '../secrets/callers.ts'
import { openStore, type SecretStore, STORE_HELP, type StoreOptions, storeOptions } from '../secrets/secret-store.ts'
import { type JsonOption, note, show, table } from '../terminal/output.ts'
import { checkTokenCommand } from './check-token.ts'
import { trustIssuerCommand } from './trust-issuer.ts'

interface Options extends StoreOptions, JsonOption {}

interface CreateOptions extends Options {
  agent?: boolean
  forVerify?: boolean
  categories: string
  orchestrator?: string
  reads: 'own' | 'all'
}

const FOR_VERIFY = [
  '--for-verify',
  'also save the token in the secret verify, with which the settings rollout and verify test the deployment',
] as const
const CACHE_NOTE = 'The functions cache secrets for five minutes.'
const SHORT_HASH_LENGTH = 19

/** `webhooks token`: manages callers and their tokens. */
export function tokenCommand(): Command {
  return new Command('token')
    .addCommand(createCommand())
    .addCommand(rotateCommand())
    .addCommand(revokeCommand())
    .addCommand(listCommand())
    .addCommand(trustIssuerCommand())
    .addCommand(checkTokenCommand())
}

function createCommand(): Command {
  return storeOptions(new Command('create'))
    .description('create a caller and print its token once; only the hash of the token is saved')
    .argument('<caller>', 'name of the caller, such as keptn')
    .option('--categories <names>', 'comma-separated categories that it may call; * for all', '*')
    .option(
      '--orchestrator <name>',
      'orchestrator that receives the results of its interactive calls (default: poll, nothing is sent)',
    )
    .addOption(
      new Option('--reads <tasks>', 'which tasks it may read: its own, or all tasks of its categories')
        .choices(['own', 'all'])
        .default('own'),
    )
    .option(
      '--agent',
      'the caller is an agent: people approve its writes, as the section approval of the policy says, and it stops only its own runs',
    )
    .option(...FOR_VERIFY)
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${STORE_HELP}
Only the token is printed to stdout, so you can use TOKEN=$(..). Everything else goes to stderr. A caller that is created with --for-verify
may only verify.

Exit code: 0 created, 1 save failed, 2 invalid arguments, or the caller exists.

Examples:
  $ npx webhooks token create keptn --orchestrator keptn
  $ npx webhooks token create ci --categories ci-cd,notification --local
  $ npx webhooks token create on-call --reads all
  $ npx webhooks token create incident-bot --agent --categories incident-management,slo
  $ npx webhooks token create verify --for-verify`,
    )
    .action(create)
}

function rotateCommand(): Command {
  return storeOptions(new Command('rotate'))
    .description('give a caller a new token; its latest old token stays valid until you revoke it')
    .argument('<caller>')
    .option('--drop-old', 'revoke all old tokens now')
    .option(...FOR_VERIFY)
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${STORE_HELP}
First rotate, then update the token in Keptn's secret, then revoke the old token: webhooks token revoke <caller> --hash ..

Exit code: 0 rotated, 1 save failed, 2 invalid arguments, or the caller does not exist.

Examples:
  $ npx webhooks token rotate keptn
  $ npx webhooks token rotate keptn --drop-old --json`,
    )
    .action(rotate)
}

function revokeCommand(): Command {
  return storeOptions(new Command('revoke'))
    .description('delete a caller, or one of its tokens')
    .argument('<caller>')
    .option('--hash <hash>', 'hash of the token to delete, or its unique beginning')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${STORE_HELP}
webhooks token list shows the hashes.

Exit code: 0 deleted, 1 save failed, 2 invalid arguments, or the caller or token does not exist.

Examples:
  $ npx webhooks token revoke ci
  $ npx webhooks token revoke keptn --hash sha256:0a1b2c3d4e5f`,
    )
    .action(revoke)
}

function listCommand(): Command {
  return storeOptions(new Command('list'))
    .description('list the callers, the hashes of their tokens, newest last, and the issuers of others')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${STORE_HELP}

Exit code: 0 listed, 1 read failed, 2 invalid arguments.

Example:
  $ npx webhooks token list`,
    )
    .action(list)
}

async function create(
  name: string,
  { categories, orchestrator, reads, agent = false, forVerify = false, ...options }: CreateOptions,
): Promise<void> {
  const allowed = categories.split(',').map((category) => category.trim())
  for (const category of allowed) if (category !== '*') findCategory(category)
  if (agent) requireApprovals(options)
  const store = await openStore(options)
  const callers = await readStoredCallers(store)
  if (Object.hasOwn(callers, checkName(name)))
    throw new UsageError(
      `The caller ${name} already exists in ${store.place}. Use token rotate to give it a new token.`,
    )
  const { token, hash } = createToken()
  const resultsTo = orchestrator === undefined ? {} : { orchestrator: checkName(orchestrator) }
  const readsAll = reads === 'all' ? { reads } : {}
  const verifiesOnly = forVerify ? { allow: [] } : {}
  const isAgent = agent ? { agent } : {}
  // Some categories of the sandbox have several platforms, and their default supports few actions.
  const { local: { connections } = {} } = options.local ? callers : {}
  const defaults = connections && { connections }
  const flags = { ...resultsTo, ...readsAll, ...verifiesOnly, ...isAgent }
  const caller: StoredCaller = { tokens: [hash], categories: allowed, ...flags, ...defaults }
  await writeCallers(store, { ...callers, [name]: caller })
  // Printed first, so that no later failure loses the token.
  printToken(
    { token, hash, caller: name, ...caller },
    `Created ${name} in ${store.place}. Copy its token now; it is not shown again:`,
    options,
  )
  if (forVerify) return saveForVerify(store, token)
  const warning = agent && !orchestrator ? undefined : await warningFor(store, orchestrator)
  if (warning) note(warning)
}

/** The webhooks would refuse all writes of the agent. */
function requireApprovals(options: StoreOptions): void {
  const configured = readConfiguredPolicy(options)
  if (configured?.policy.approval) return
  const missing = configured
    ? `The policy ${configured.file} has no section approval`
    : `${options.local ? 'WEBHOOKS_POLICY names no policy' : 'The setting policy in cdk.json names no policy'}, so there is no section approval`
  throw new UsageError(
    `${missing}: no one could approve the writes of an agent. Add approval: {connection: <name>, channel: <channel>}, see docs/policy.md, or create the caller without --agent.`,
  )
}

async function rotate(
  name: string,
  { dropOld, forVerify, ...options }: Options & { dropOld?: boolean; forVerify?: boolean },
): Promise<void> {
  const store = await openStore(options)
  const callers = await readStoredCallers(store)
  const caller = findCaller(callers, name, store)
  const { token, hash } = createToken()
  const oldTokens = dropOld ? [] : caller.tokens.slice(-1)
  const tokens = [...oldTokens, hash]
  await writeCallers(store, { ...callers, [name]: { ...caller, tokens } })
  const old = oldTokens
    .map((token) => `; ${token.slice(0, SHORT_HASH_LENGTH)}.. stays valid until you revoke it`)
    .join('')
  printToken(
    { token, hash, caller: name, ...caller, tokens },
    `Created a new token for ${name} in ${store.place}${old}. Copy it now; it is not shown again:`,
    options,
  )
  if (forVerify) await saveForVerify(store, token)
  note(CACHE_NOTE)
}

/** Lets the hook and the schedule of the stack use a token. */
async function saveForVerify(store: SecretStore, token: string): Promise<void> {
  await store.put(VERIFY_SECRET, { token })
  note(`Saved the token in the secret ${VERIFY_SECRET}.`)
}

async function revoke(name: string, { hash, ...options }: Options & { hash?: string }): Promise<void> {
  const store = await openStore(options)
  const callers = await readStoredCallers(store)
  const { [name]: _, ...others } = callers
  const caller = findCaller(callers, name, store)
  const revoked = hash === undefined ? caller.tokens : [findToken(name, caller, hash)]
  const left = caller.tokens.filter((token) => !revoked.includes(token))
  const hasCredential = left.length > 0 || (hash !== undefined && hasOtherCredential(caller))
  if (hash !== undefined && !hasCredential)
    throw new UsageError(`This is the only token of ${name}. Run the command without --hash to delete the caller.`)
  await writeCallers(store, hasCredential ? { ...callers, [name]: { ...caller, tokens: left } } : others)
  const deleted = hasCredential ? `one token of ${name}` : name
  show({ caller: name, revoked, left }, `Deleted ${deleted} from ${store.place}.`, options)
  note(`${CACHE_NOTE} Until then, calls with a deleted token may succeed.`)
}

function hasOtherCredential({ oidc, hmac, standardWebhooks }: StoredCaller): boolean {
  return (oidc ?? hmac ?? standardWebhooks) !== undefined
}

async function list(options: Options): Promise<void> {
  const store = await openStore(options)
  const callers = await readStoredCallers(store)
  if (Object.keys(callers).length === 0) note(`${store.place} contains no callers. Create one with token create.`)
  show(callers, callerTable(callers), options)
}

function callerTable(callers: StoredCallers): string {
  const rows = Object.entries(callers).map(([name, { categories, orchestrator, reads = 'own', tokens, oidc }]) => [
    name,
    categories.join(', '),
    orchestrator ?? '-',
    reads,
    [...tokens.map((hash) => `${hash.slice(0, SHORT_HASH_LENGTH)}..`), ...(oidc ? [oidc.issuer] : [])].join(' '),
  ])
  return table(['caller', 'categories', 'orchestrator', 'reads', 'tokens'], rows)
}

/** Prints only the token to stdout, for scripts. */
function printToken(
  result: StoredCaller & { token: string; hash: string; caller: string },
  about: string,
  { json }: JsonOption,
): void {
  note(about)
  console.log(json ? JSON.stringify(result, null, 2) : result.token)
}

function findToken(name: string, { tokens }: StoredCaller, hash: string): string {
  const wanted = hash.startsWith('sha256:') ? hash : `sha256:${hash}`
  const [found, second] = tokens.filter((token) => token.startsWith(wanted.replace(/\.+$/, '')))
  if (found && !second) return found
  throw new UsageError(`${name} has ${second ? 'several tokens' : 'no token'} with the hash ${hash.slice(0, 80)}.`)
}

async function warningFor(store: SecretStore, orchestrator: string | undefined): Promise<string | undefined> {
  if (orchestrator === undefined)
    return 'This caller has no orchestrator: it reads the results of its interactive calls at their statusUrl.'
  if (orchestrator === DEFAULT_ORCHESTRATOR) return undefined
  try {
    if ((await store.get(`orchestrators/${orchestrator}`)) !== undefined) return undefined
  } catch (error) {
    return `Cannot read the orchestrator ${orchestrator}: ${messageOf(error)}`
  }
  return `The orchestrator ${orchestrator} does not exist yet. Run npx webhooks orchestrator add ${orchestrator}${store.option}.`
}
