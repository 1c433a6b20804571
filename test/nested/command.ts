import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { until } from '../e2e/service.ts'

/** A command in a shell with nothing in its environment but the given variables. */
export class Command {
  readonly #command: string
  readonly #child: ChildProcess
  #said = ''

  constructor(command: string, cwd: string, env: NodeJS.ProcessEnv) {
    this.#command = command
    this.#child = spawn('sh', ['-c', command], { cwd, detached: true, env: { NO_COLOR: '1', ...env } })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#said += chunk
      })
  }

  /** Waits for the end of the command, and returns what it printed. */
  async output(): Promise<string> {
    const [code] = await once(this.#child, 'close')
    if (code !== 0) throw new Error(`${this.#command} exited with ${code}:\n${this.#said}`)
    return this.#said
  }

  /** Waits until the local runtime that the command starts listens, and returns what it printed. */
  async listening(): Promise<string> {
    const isOver = async () => this.#said.includes('Stop with Ctrl-C') || this.#child.exitCode !== null
    await until(isOver, 120, () => this.#said)
    return this.#said
  }

  /** Ends npm, its shell and Node.js. */
  async kill(): Promise<void> {
    if (this.#child.pid === undefined || this.#child.exitCode !== null) return
    const closed = once(this.#child, 'close')
    process.kill(-this.#child.pid, 'SIGKILL')
    await closed
  }
}
