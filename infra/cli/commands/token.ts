import { Command, Option } from 'commander'
import { messageOf } from '../../../shared/errors.ts'
import { type Caller, type Callers, callerNamed, makeToken, readCallers, writeCallers } from '../callers.ts'
import { categoryNamed, nameOf } from '../names.ts'
import { type JsonOption, note, show, table } from '../output.ts'
import { UsageError } from '../receiver.ts'
import { openStore, type SecretStore, type StoreOptions, storeHelp, storeOptions } from '../secret-store.ts'

interface Options extends StoreOptions, JsonOption {}

interface CreateOptions extends Options {
  categories: string
  orchestrator?: string
  reads: 'own' | 'all'
}

const soon = 'The functions keep what they have read for five minutes.'
/** What a command line shows of a hash, and takes for it. */
const shortHash = 19

/** `webhooks token`: who may call. */
export function tokenCommand(): Command {
  return new Command('token')
    .description('make, rotate and revoke the tokens with which webhooks call')
    .addCommand(createCommand())
    .addCommand(rotateCommand())
    .addCommand(revokeCommand())
    .addCommand(listCommand())
}

function createCommand(): Command {
  return storeOptions(new Command('create'))
    .description('make a caller with a new token, which is printed once; only its hash is kept')
    .argument('<caller>', 'a name for who calls, such as keptn')
    .option('--categories <names>', 'what it may call, with commas; * for all', '*')
    .option('--orchestrator <name>', 'where the answers to its interactive calls go')
    .addOption(
      new Option('--reads <tasks>', 'which tasks it may read: its own, or all of its categories')
        .choices(['own', 'all'])
        .default('own'),
    )
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${storeHelp}
The token alone goes to stdout, so that TOKEN=$(..) holds it; what is said about it goes to stderr.

Exit code: 0 made, 1 it could not be stored, 2 arguments, or there is such a caller.

Examples:
  $ npm run webhooks -- token create keptn --orchestrator keptn
  $ npm run webhooks -- token create ci --categories ci-cd,notification --local
  $ npm run webhooks -- token create on-call --reads all`,
    )
    .action(create)
}

function rotateCommand(): Command {
  return storeOptions(new Command('rotate'))
    .description('add a new token to a caller, and keep its newest old one until the webhooks are changed')
    .argument('<caller>')
    .option('--drop-old', 'keep no old token: what still uses one is refused')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${storeHelp}
First rotate, then change the token in Keptn's secret, then revoke the old one: webhooks token revoke <caller> --hash ..

Exit code: 0 made, 1 it could not be stored, 2 arguments, or there is no such caller.

Examples:
  $ npm run webhooks -- token rotate keptn
  $ npm run webhooks -- token rotate keptn --drop-old --json`,
    )
    .action(rotate)
}

function revokeCommand(): Command {
  return storeOptions(new Command('revoke'))
    .description('remove a caller, or one of its tokens')
    .argument('<caller>')
    .option('--hash <hash>', 'the one token with this hash, or with the only one that begins so')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${storeHelp}
webhooks token list shows the hashes.

Exit code: 0 removed, 1 it could not be stored, 2 arguments, or there is no such caller or token.

Examples:
  $ npm run webhooks -- token revoke ci
  $ npm run webhooks -- token revoke keptn --hash sha256:0a1b2c3d4e5f`,
    )
    .action(revoke)
}

function listCommand(): Command {
  return storeOptions(new Command('list'))
    .description('show the callers, and the hashes of their tokens, the newest last')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${storeHelp}

Exit code: 0 shown, 1 it could not be read, 2 arguments.

Example:
  $ npm run webhooks -- token list`,
    )
    .action(list)
}

async function create(name: string, { categories, orchestrator, reads, ...options }: CreateOptions): Promise<void> {
  const allowed = categories.split(',').map((category) => category.trim())
  for (const category of allowed) if (category !== '*') categoryNamed(category)
  const store = await openStore(options)
  const callers = await readCallers(store)
  if (Object.hasOwn(callers, nameOf(name)))
    throw new UsageError(`There is a caller ${name} in ${store.place} already: rotate gives it a new token.`)
  const { token, hash } = makeToken()
  const answersTo = orchestrator === undefined ? {} : { orchestrator: nameOf(orchestrator) }
  const readsAll = reads === 'all' ? { reads } : {}
  const caller: Caller = { tokens: [hash], categories: allowed, ...answersTo, ...readsAll }
  await writeCallers(store, { ...callers, [name]: caller })
  // First of all: whatever fails after this, the token is not lost.
  tell(
    { token, hash, caller: name, ...caller },
    `Made ${name} in ${store.place}. This is its token, which is shown only now:`,
    options,
  )
  const warning = await warningFor(store, orchestrator)
  if (warning) note(warning)
}

async function rotate(name: string, { dropOld, ...options }: Options & { dropOld?: boolean }): Promise<void> {
  const store = await openStore(options)
  const callers = await readCallers(store)
  const caller = callerNamed(callers, name, store)
  const { token, hash } = makeToken()
  const kept = dropOld ? [] : caller.tokens.slice(-1)
  await writeCallers(store, { ...callers, [name]: { ...caller, tokens: [...kept, hash] } })
  const old = kept.map((one) => `; ${one.slice(0, shortHash)}.. is good until it is revoked`).join('')
  tell(
    { token, hash, caller: name, ...caller, tokens: [...kept, hash] },
    `Gave ${name} a new token in ${store.place}${old}. It is shown only now:`,
    options,
  )
  note(soon)
}

async function revoke(name: string, { hash, ...options }: Options & { hash?: string }): Promise<void> {
  const store = await openStore(options)
  const callers = await readCallers(store)
  const { [name]: _, ...others } = callers
  const caller = callerNamed(callers, name, store)
  const revoked = hash === undefined ? caller.tokens : [tokenNamed(name, caller, hash)]
  const left = caller.tokens.filter((token) => !revoked.includes(token))
  if (hash !== undefined && left.length === 0)
    throw new UsageError(`It is the only token of ${name}: leave out --hash to remove the caller.`)
  await writeCallers(store, left.length > 0 ? { ...callers, [name]: { ...caller, tokens: left } } : others)
  const what = left.length > 0 ? `one token of ${name}` : name
  show({ caller: name, revoked, left }, `Removed ${what} from ${store.place}.`, options)
  note(`${soon} Until then it may still call.`)
}

async function list(options: Options): Promise<void> {
  const store = await openStore(options)
  const callers = await readCallers(store)
  if (Object.keys(callers).length === 0) note(`There are no callers in ${store.place}: make one with token create.`)
  show(callers, callerTable(callers), options)
}

function callerTable(callers: Callers): string {
  const rows = Object.entries(callers).map(([name, { categories, orchestrator, reads = 'own', tokens }]) => [
    name,
    categories.join(', '),
    orchestrator ?? '-',
    reads,
    tokens.map((hash) => `${hash.slice(0, shortHash)}..`).join(' '),
  ])
  return table(['caller', 'categories', 'orchestrator', 'reads', 'tokens'], rows)
}

/** The token goes to stdout, alone: it is what a script wants. */
function tell(
  result: Caller & { token: string; hash: string; caller: string },
  about: string,
  { json }: JsonOption,
): void {
  note(about)
  console.log(json ? JSON.stringify(result, null, 2) : result.token)
}

function tokenNamed(name: string, { tokens }: Caller, given: string): string {
  const wanted = given.startsWith('sha256:') ? given : `sha256:${given}`
  const [found, second] = tokens.filter((token) => token.startsWith(wanted.replace(/\.+$/, '')))
  if (found && !second) return found
  throw new UsageError(`${name} has ${second ? 'several tokens' : 'no token'} with the hash ${given.slice(0, 80)}.`)
}

async function warningFor(store: SecretStore, orchestrator: string | undefined): Promise<string | undefined> {
  if (orchestrator === undefined)
    return 'It has no orchestrator, so it can make silent calls only: interactive ones are answered there.'
  try {
    if ((await store.get(`orchestrators/${orchestrator}`)) !== undefined) return undefined
  } catch (error) {
    return `The orchestrator ${orchestrator} could not be looked at: ${messageOf(error)}`
  }
  return `There is no orchestrator ${orchestrator} yet: webhooks orchestrator add ${orchestrator}.`
}
