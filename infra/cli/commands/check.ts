import { Command } from 'commander'
import { toSentence } from '../../../shared/errors.ts'
import type { DeclaredSource } from '../../../shared/sources/declared.ts'
import { notifiesOf } from '../../../shared/sources/source-of.ts'
import { readConfiguredPolicy } from '../../local/operator/configured-policy.ts'
import { findCategory, parseConnectionName } from '../../project/find-by-name.ts'
import { UsageError } from '../../project/usage-error.ts'
import { isTry, problemIn, type TryOptions, tryHttp, tryOptions } from '../http/try.ts'
import {
  type ConnectionTestResult,
  succeeded,
  testConnection,
  testTable,
  validateConnection,
} from '../secrets/connection-test.ts'
import { openStore, type SecretStore, STORE_HELP, type StoreOptions, storeOptions } from '../secrets/secret-store.ts'
import { type Declared, readDeclared } from '../sources/declared-sources.ts'
import { note, show } from '../terminal/output.ts'

/** `webhooks check`: tests connections. */
export function checkCommand(): Command {
  const command = new Command('check').argument(
    '[category/name]',
    'a connection, or a category (default: all connections)',
  )
  return tryOptions(storeOptions(command))
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${STORE_HELP}
Each test sends one inexpensive request from this machine. For msteams and webhook, that request is a message: it appears
in the channel or at the receiver. A connection that events.yaml lists under a source that reports no runs of its provider does not pass.
An invalid events.yaml or policy.yaml is an error.

You can also test a connection of the http provider with an action. --try starts with a dry run: it sends the requests that
only read, and shows the others with credentials masked. After you confirm, or with --yes, it sends all requests. For each
request it shows the response, what the connection's expressions find in it, and what to correct. It does not delete what it
creates. --answer evaluates the expressions on a response that you have saved, and sends nothing.

Exit code: 0 all tests passed, 1 a test failed, 2 invalid arguments.

Examples:
  $ npx webhooks check
  $ npx webhooks check issue-ticketing/default --json
  $ npx webhooks check --local
  $ npx webhooks check issue-ticketing/tool --local --try open-issue --input title=Test
  $ npx webhooks check issue-ticketing/tool --local --answer response.json --request open`,
    )
    .action(run)
}

type Options = StoreOptions & TryOptions & { json?: boolean }

async function run(target: string | undefined, options: Options): Promise<void> {
  const store = await openStore(options)
  const names = await namesOf(store, target)
  if (isTry(options)) return tryHttpConnection(store, target, options)
  const declared = await readDeclared(options)
  // An invalid file is an error of the configuration, too.
  readConfiguredPolicy(options)
  const tested = await testAll(store, names)
  const results = await Promise.all(tested.map((result) => withSourceProblem(result, declared)))
  if (results.length === 0)
    note(
      `${store.place} contains no connections. Create one with npx webhooks connect <category>/<name>${store.option}.`,
    )
  const rows = results.map((result) => ({ ...result, name: result.connection, kind: result.provider ?? '-' }))
  if (results.length > 0 || options.json) show(results, testTable('connection', rows), options)
  if (!results.every(succeeded)) process.exitCode = 1
}

/** Adds a problem to a connection that is declared to be woken by a source that reports no runs of its provider. */
async function withSourceProblem(
  result: ConnectionTestResult,
  declared: Declared | undefined,
): Promise<ConnectionTestResult> {
  const { connection, provider: providerName = '' } = result
  const isWoken = ([, { wakes }]: [string, DeclaredSource]) => wakes.includes(connection)
  const [name, source] = Object.entries(declared?.sources ?? {}).find(isWoken) ?? []
  if (source === undefined) return result
  const { notifiedBy } = (await parseConnectionName(connection).category.providers[providerName]?.()) ?? {}
  if (notifiesOf(source.type, { notifiedBy })) return result
  const known = notifiedBy ? `only a source of the type ${notifiedBy.type} does` : 'no source does'
  const problem = `The source ${name} (${source.type}) reports no runs of ${providerName}: ${known}`
  return {
    ...result,
    problem: result.problem === undefined ? problem : `${toSentence(result.problem)} ${problem}`,
    remedy: `Remove ${connection} from sources.${name}.wakes in ${declared?.file}. Its jobs are polled.`,
  }
}

/** Tests a connection of the `http` provider with an action or a saved response. */
async function tryHttpConnection(store: SecretStore, target: string | undefined, options: Options): Promise<void> {
  if (!target?.includes('/'))
    throw new UsageError(
      '--try and --answer test a single connection. Write it as category/name, such as issue-ticketing/default.',
    )
  const { category, name } = parseConnectionName(target)
  const connection = await validateConnection(category, name, await store.get(`connections/${target}`))
  const say = (text: string) => (options.json ? undefined : show(undefined, text, {}))
  const result = await tryHttp(category, connection, options, say)
  if (options.json) show({ connection: target, provider: connection.values['provider'], ...result }, '', options)
  if (problemIn(result) !== undefined) process.exitCode = 1
}

/** Tests connections concurrently. */
export function testAll(store: SecretStore, names: readonly string[]): Promise<ConnectionTestResult[]> {
  return Promise.all(
    names.map(async (connection): Promise<ConnectionTestResult> => {
      try {
        const { category, name } = parseConnectionName(connection)
        return await testConnection(store, category, name)
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
    const { name } = findCategory(target)
    return (await store.list(`connections/${name}/`)).map((connection) => `${name}/${connection}`)
  }
  const { category, name } = parseConnectionName(target)
  const known = await store.list(`connections/${category.name}/`)
  if (known.includes(name)) return [target]
  const list = known.length > 0 ? `Connections of ${category.name}: ${known.join(', ')}` : `${category.name} has none`
  throw new UsageError(`${store.place} contains no connection "${target}". ${list}.`)
}
