import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { run } from '../../../infra/cli/run.ts'
import { clearSecrets } from '../../../shared/redact.ts'
import { type Ended, runInProcess } from '../../runner/in-process.ts'
import { noAws } from './aws.ts'

export type { Ended }

const main = fileURLToPath(new URL('../../../infra/cli/main.ts', import.meta.url))

interface RunOptions {
  env?: Record<string, string>
  cwd?: string
  stdin?: string
}

/** Runs the CLI without a terminal. */
export function webhooks(args: readonly string[], { env, ...options }: RunOptions = {}): Promise<Ended> {
  clearSecrets()
  return runInProcess(run, args, { env: environment(env), ...options })
}

/** Starts the CLI without a terminal. */
export function spawnWebhooks(args: readonly string[], env: Record<string, string>) {
  const child = spawn(process.execPath, ['--no-warnings', main, ...args], { env: environment(env) })
  return { child, ended: ended(child) }
}

/** Runs a line of the documentation, in a shell if it is more than one command. */
export function inShell(line: string, { env, cwd }: RunOptions = {}): Promise<Ended> {
  const words = /^npx webhooks ([\w ./:=@,+-]+)$/.exec(line)?.[1]
  if (words) return webhooks(words.split(' '), { env: env ?? {}, ...(cwd ? { cwd } : {}) })
  const command = `'${process.execPath}' --no-warnings '${main}'`
  const script = `set -e; webhooks() { ${command} "$@"; }; ${line.replaceAll('npx webhooks', 'webhooks')}`
  return ended(spawn('sh', ['-c', script], { env: environment(env), cwd, stdio: ['ignore', 'pipe', 'pipe'] }))
}

/**
 * Runs the CLI at a pseudo-terminal and types.
 *
 * @param keys in order: the text to wait for, and the keys to type then
 */
export function atTerminal(
  args: readonly string[],
  keys: readonly (readonly [seen: string, typed: string])[],
  { env, cwd }: RunOptions = {},
): Promise<Ended> {
  const command = [process.execPath, '--no-warnings', main, ...args]
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  const line = `stty cols 200 rows 60; exec ${quoted}`
  const script = process.platform === 'darwin' ? ['-q', '/dev/null', 'sh', '-c', line] : ['-qec', line, '/dev/null']
  const child = spawn('script', script, { env: { ...environment(env), TERM: 'xterm' }, cwd })
  const timeout = setTimeout(() => child.kill(), 120_000)
  child.once('close', () => clearTimeout(timeout))
  let screen = ''
  let next = 0
  const type = (chunk: Buffer) => {
    screen += chunk.toString()
    const [seen, typed] = keys[next] ?? []
    if (seen === undefined || !screen.includes(seen)) return
    next++
    screen = ''
    child.stdin?.write(typed)
  }
  child.stdout?.on('data', type)
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
