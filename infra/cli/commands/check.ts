import { Command } from 'commander'
import { type ConnectionTrial, loadStored, succeeded, trialTable, tryConnection } from '../connection-test.ts'
import { isTry, problemIn, type TryOptions, tryHttp, tryOptions } from '../http/try.ts'
import { categoryNamed, connectionNamed } from '../names.ts'
import { note, show } from '../output.ts'
import { UsageError } from '../receiver.ts'
import { openStore, type SecretStore, type StoreOptions, storeHelp, storeOptions } from '../secret-store.ts'

/** `webhooks check`: whether the connections work. */
export function checkCommand(): Command {
  const command = new Command('check')
    .description('try the connections: is each reachable, authenticated and permitted')
    .argument('[category/name]', 'one connection, or a category (default: all)')
  return tryOptions(storeOptions(command))
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${storeHelp}
Each is tried with the cheapest call that its platform has, from this machine. msteams and webhook have no other call than
a message: the channel or receiver sees one.

A connection of the provider http can also be tried with an action. --try shows its requests, with credentials masked, sends
those that only read, and after a confirmation (or with --yes) sends all of them. It shows each response, what each expression
of the connection finds in it, and what to correct. What it creates stays there. --answer does the same with a response that
you have saved, and sends nothing.

Exit code: 0 all work, 1 one does not, 2 arguments.

Examples:
  $ npm run webhooks -- check
  $ npm run webhooks -- check issue-ticketing/default --json
  $ npm run webhooks -- check --local
  $ npm run webhooks -- check issue-ticketing/tool --local --try open-issue --input title=Test
  $ npm run webhooks -- check issue-ticketing/tool --local --answer response.json --request open`,
    )
    .action(run)
}

type Options = StoreOptions & TryOptions & { json?: boolean }

async function run(target: string | undefined, options: Options): Promise<void> {
  const store = await openStore(options)
  const names = await namesOf(store, target)
  if (isTry(options)) return tryOne(store, target, options)
  const trials = await tryAll(store, names)
  if (trials.length === 0) note(`There are no connections in ${store.place}: make one with webhooks connect.`)
  const rows = trials.map((trial) => ({ ...trial, name: trial.connection, kind: trial.provider ?? '-' }))
  if (trials.length > 0 || options.json) show(trials, trialTable('connection', rows), options)
  if (!trials.every(succeeded)) process.exitCode = 1
}

/** Tries one connection of the provider `http` with an action, or a response. */
async function tryOne(store: SecretStore, target: string | undefined, options: Options): Promise<void> {
  if (!target?.includes('/'))
    throw new UsageError(
      '--try and --answer need one connection: write category/name, such as issue-ticketing/default.',
    )
  const { category, name } = connectionNamed(target)
  const connection = await loadStored(category, name, await store.get(`connections/${target}`))
  const say = (text: string) => (options.json ? undefined : show(undefined, text, {}))
  const trial = await tryHttp(category, connection, options, say)
  if (options.json) show({ connection: target, provider: connection.values['provider'], ...trial }, '', options)
  if (problemIn(trial) !== undefined) process.exitCode = 1
}

/** Tries connections by their names, all at once. */
export function tryAll(store: SecretStore, names: readonly string[]): Promise<ConnectionTrial[]> {
  return Promise.all(
    names.map(async (connection): Promise<ConnectionTrial> => {
      try {
        const { category, name } = connectionNamed(connection)
        return await tryConnection(store, category, name)
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
        const unknown = { reachable: 'unknown', authenticated: 'unknown', permitted: 'unknown' } as const
        return { connection, provider: undefined, ...unknown, problem: error.message }
      }
    }),
  )
}

async function namesOf(store: SecretStore, target: string | undefined): Promise<string[]> {
  if (target === undefined) return store.list('connections/')
  if (!target.includes('/')) {
    const { name } = categoryNamed(target)
    return (await store.list(`connections/${name}/`)).map((connection) => `${name}/${connection}`)
  }
  const { category, name } = connectionNamed(target)
  const known = await store.list(`connections/${category.name}/`)
  if (known.includes(name)) return [target]
  const list = known.length > 0 ? `known are ${known.join(', ')}` : 'there is none'
  throw new UsageError(`There is no connection ${target} in ${store.place}: ${list}.`)
}
