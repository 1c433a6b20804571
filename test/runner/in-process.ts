import { AsyncLocalStorage } from 'node:async_hooks'
import { Console } from 'node:console'
import { Readable, Writable } from 'node:stream'
import { importAgain } from './modules.ts'
import { type Keys, terminalOf } from './terminal.ts'

export interface Ended {
  code: number | null
  out: string
  err: string
}

/** The parts of a process that a program uses. */
interface Surroundings {
  env: NodeJS.ProcessEnv
  stdin: Readable
  stdout: Writable
  stderr: Writable
  console: Console
  exit(code?: number): never
}

/** The folder of a program that runs in parallel may be removed before this one ends. */
const FOLDER = process.cwd()

const current = new AsyncLocalStorage<Surroundings>()
for (const name of ['env', 'stdin', 'stdout', 'stderr', 'exit'] as const) redirect(process, name)
redirect(globalThis, 'console')

/** Lets a property have another value inside of a program. */
function redirect<T extends object>(owner: T, name: keyof T & keyof Surroundings): void {
  const { get, set, ...data } = Object.getOwnPropertyDescriptor(owner, name) ?? {}
  Object.defineProperty(owner, name, {
    configurable: true,
    enumerable: true,
    get: () => current.getStore()?.[name] ?? (get ? get.call(owner) : data.value),
    set(value) {
      const program = current.getStore()
      if (program) Object.assign(program, { [name]: value })
      else if (set) set.call(owner, value)
      else data.value = value
    },
  })
}

interface ProgramOptions {
  env: NodeJS.ProcessEnv
  cwd?: string | undefined
  stdin?: string | undefined
  /** Runs the program at a terminal, where stdout and stderr are one output. */
  keys?: Keys | undefined
}

/**
 * Runs a program in this process: a process takes five times longer. A program that needs signals needs a process.
 *
 * @param program a file, which gets its own modules, or a function
 */
export async function runInProcess(
  program: string | ((args: readonly string[]) => Promise<unknown>),
  args: readonly string[],
  { env, cwd = process.cwd(), stdin = '', keys }: ProgramOptions,
): Promise<Ended> {
  const { promise: exited, resolve: exit } = Promise.withResolvers<Ended>()
  const printed = { out: '', err: '' }
  const printTo = (name: keyof typeof printed) => (chunk: Buffer) => {
    printed[name] += chunk
  }
  const terminal = keys && terminalOf(keys, printTo('out'))
  const [stdout, stderr] = terminal
    ? [terminal.output, terminal.output]
    : [writer(printTo('out')), writer(printTo('err'))]
  const surroundings: Surroundings = {
    env,
    stdin: terminal?.stdin ?? Readable.from([stdin]),
    stdout,
    stderr,
    console: new Console(stdout, stderr),
    exit(code = Number(process.exitCode ?? 0)) {
      exit({ code, ...printed })
      throw new Error('The program exits.')
    },
  }
  const before = { argv: process.argv, exitCode: process.exitCode }
  process.chdir(cwd)
  process.exitCode = undefined
  process.argv = [process.execPath, String(program), ...args]
  try {
    const ended = current.run(surroundings, () => (typeof program === 'string' ? importAgain(program) : program(args)))
    return await Promise.race([exited, ended.then(() => ({ code: Number(process.exitCode ?? 0), ...printed }))])
  } finally {
    process.argv = before.argv
    process.exitCode = before.exitCode
    process.chdir(FOLDER)
  }
}

function writer(print: (chunk: Buffer) => void): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      print(chunk)
      done()
    },
  })
}
