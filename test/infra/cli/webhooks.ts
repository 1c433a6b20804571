import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { run } from '../../../infra/cli/run.ts'
import { quoteForShell, shellWords } from '../../../infra/project/shell-words.ts'
import { clearSecrets } from '../../../shared/redact.ts'
import { type Ended, runInProcess } from '../../runner/in-process.ts'
import { type Keys, terminalOf } from '../../runner/terminal.ts'

export type { Ended, Keys }

export const noAws = {
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
}

const main = fileURLToPath(new URL('../../../infra/cli/main.ts', import.meta.url))

interface RunOptions {
  env?: Record<string, string>
  cwd?: string
  stdin?: string
  keys?: Keys
}

/** Runs a command, such as `tasks --limit 5`, without a terminal. */
export function webhooks(command: string | readonly string[], { env, ...options }: RunOptions = {}): Promise<Ended> {
  clearSecrets()
  const args = typeof command === 'string' ? shellWords(command, env ?? {}) : command
  return runInProcess(run, args, { env: environment(env), ...options })
}

/** Starts the CLI without a terminal. */
export function spawnWebhooks(args: readonly string[], env: Record<string, string>) {
  const child = spawn(process.execPath, ['--no-warnings', main, ...args], { env: environment(env) })
  return { child, ended: ended(child) }
}

/** Runs the CLI in a shell, which pipes its output to another command. */
export function pipeTo(next: string, args: readonly string[]): Promise<Ended> {
  const command = [process.execPath, '--no-warnings', main, ...args]
  return ended(spawn('sh', ['-c', `"$@" | ${next}`, 'sh', ...command], { env: environment() }))
}

/** Runs a command at a terminal and types. */
export function atTerminal(command: string, keys: Keys, { env, ...options }: RunOptions = {}): Promise<Ended> {
  return webhooks(command, { env: { TERM: 'xterm', ...env }, ...options, keys })
}

/** Runs a command in a process at a pseudo-terminal and types. */
export function atPseudoTerminal(line: string, keys: Keys, { env, cwd }: RunOptions = {}): Promise<Ended> {
  const program = [process.execPath, '--no-warnings', main].map(quoteForShell).join(' ')
  const command = `stty cols 200 rows 60; exec ${program} ${line}`
  const script =
    process.platform === 'darwin' ? ['-q', '/dev/null', 'sh', '-c', command] : ['-qec', command, '/dev/null']
  const child = spawn('script', script, { env: { ...environment(env), TERM: 'xterm' }, cwd })
  const { stdin, output } = terminalOf(keys, () => undefined)
  child.stdout.pipe(output)
  stdin.pipe(child.stdin)
  return ended(child)
}

export const enter = '\r'
export const controlC = '\x03'

/** Returns a minimal environment, without AWS credentials and settings of the developer. */
function environment(env: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env
  return { PATH, HOME, NODE_COMPILE_CACHE, ...noAws, ...env }
}

async function ended(child: ChildProcess): Promise<Ended> {
  const result: Ended = { code: null, out: '', err: '' }
  child.stdout?.on('data', (chunk) => {
    result.out += chunk
  })
  child.stderr?.on('data', (chunk) => {
    result.err += chunk
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ ...result, code }))
  })
}
