import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { shellWords } from '../../../infra/project/shell-words.ts'
import { tokenHash } from '../../../infra/project/token-hash.ts'

const ROOT = join(import.meta.dirname, '../../..')
export const FOLDER = join(ROOT, 'examples')
/** The host in the files of the examples. */
export const HOST = 'https://webhooks.example.com'
const VARIABLES = { WEBHOOKS_URL: HOST, ORGANIZATION: 'octo-org' }
export const PREFIX = 'cloud-automation-webhooks'

const run = promisify(execFile)

/** Reads a file of the examples. */
export const read = (path: string) => readFileSync(join(FOLDER, path), 'utf8')

/** Returns the arguments of the commands of the CLI in a script or a README. */
export function commandsOf(path: string): string[][] {
  const lines = read(path).replaceAll('\\\n', ' ').split('\n')
  const commands = lines.flatMap((line) => /npx webhooks ([^)`|>}]+)/.exec(line)?.[1] ?? [])
  return commands.map((command) => shellWords(command, VARIABLES))
}

/** Returns the value of an option of a command. */
export const optionOf = (command: readonly string[], name: string) =>
  command.includes(name) ? command[command.indexOf(name) + 1] : undefined

/** The name of a caller is not a credential, so it cannot be its token. */
export const tokenOf = (caller: string) => `token-of-${caller}`

/** Returns the secret `callers` with the callers that a script or a README creates. */
export function callersOf(path: string): Record<string, object> {
  const commands = commandsOf(path).filter(([group, verb]) => `${group} ${verb}` === 'token create')
  const callers = commands.map((command) => {
    const [, , name = ''] = command
    const categories = optionOf(command, '--categories')?.split(',') ?? ['*']
    const orchestrator = optionOf(command, '--orchestrator')
    return [name, { tokens: [tokenHash(tokenOf(name))], categories, ...(orchestrator ? { orchestrator } : {}) }]
  })
  return { [`${PREFIX}/callers`]: Object.fromEntries(callers) }
}

/** Runs a program of the project, and returns what it prints. */
export async function runNode(
  path: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const options = { env: { ...process.env, ...env } }
  return (await run(process.execPath, ['--no-warnings', join(ROOT, path), ...args], options)).stdout
}

/** Runs a command of the CLI, and returns what it prints. */
export const runCli = (args: readonly string[]) => runNode('infra/cli/main.ts', args)
