import { Command } from 'commander'
import { checkToken } from '../../../shared/auth/token-caller.ts'
import { fetchPublished } from '../../../shared/sources/published.ts'
import { UsageError } from '../../project/usage-error.ts'
import { keysProblem } from '../keys-problem.ts'
import { readStoredCallers } from '../secrets/callers.ts'
import { openStore, STORE_HELP, type StoreOptions, storeOptions } from '../secrets/secret-store.ts'
import { type JsonOption, show, table } from '../terminal/output.ts'
import { readInput } from '../terminal/read-input.ts'

interface Options extends StoreOptions, JsonOption {}

/** `webhooks token check`: says which caller an OpenID provider has issued a token to, or why there is none. */
export function checkTokenCommand(): Command {
  return storeOptions(new Command('check'))
    .description('say which caller accepts a token of an OpenID provider, or why none does')
    .argument('<jwt>', 'the token, or - to read it from stdin, which leaves it out of the history of your shell')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${STORE_HELP}
The keys of the provider are read from this machine. The token is not printed.

Exit code: 0 one caller accepts it, 1 none or several do, or the keys cannot be read, 2 invalid arguments, or no caller has an issuer.

Examples:
  $ npx webhooks token check - < token.txt
  $ npx webhooks token check eyJhbGciOi.. --json`,
    )
    .action(check)
}

interface Row {
  caller: string
  accepted: boolean
  problem: string | null
  required: string | null
  person: string | null
}

async function check(jwt: string, options: Options): Promise<void> {
  const token = (jwt === '-' ? await readInput(jwt) : jwt).trim()
  const store = await openStore(options)
  const rows: Row[] = []
  for (const [name, caller] of Object.entries(await readStoredCallers(store)))
    rows.push(...(await checkOne(name, { [name]: caller }, token)))
  if (rows.length === 0)
    throw new UsageError(
      `No caller in ${store.place} accepts tokens of an OpenID provider. Run npx webhooks token trust <caller>.`,
    )
  show(rows, textOf(rows), options)
  if (rows.filter(({ accepted }) => accepted).length !== 1) process.exitCode = 1
}

/** A provider whose keys cannot be read must not hide what the other callers say. */
async function checkOne(caller: string, entry: Parameters<typeof checkToken>[0], token: string): Promise<Row[]> {
  try {
    const checks = await checkToken(entry, token, Date.now(), fetchPublished)
    return checks.map(({ problem, required, person }) => ({
      caller,
      accepted: problem === undefined,
      problem: problem ?? null,
      required: required ?? null,
      person: person ?? null,
    }))
  } catch (error) {
    return [{ caller, accepted: false, problem: keysProblem(error), required: null, person: null }]
  }
}

function textOf(rows: Row[]): string {
  const accepting = rows.filter(({ accepted }) => accepted)
  const list = table(
    ['caller', 'accepted', 'problem', 'required'],
    rows.map(({ caller, accepted, problem, required }) => [
      caller,
      accepted ? 'yes' : 'no',
      problem ?? '',
      required ?? '',
    ]),
  )
  if (accepting.length < 2) return list
  return `${list}\n\nSeveral callers accept it, so it is refused. Make their claims differ.`
}
