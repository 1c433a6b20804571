import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, until } from './service.ts'

const root = join(import.meta.dirname, '../..')

/** A runtime as `npm start` starts it, with the permissions that the files of a user usually get. */
export class StartedRuntime {
  readonly state: string
  url = ''
  port = 0
  /** The output of the last process. */
  output = ''
  child: ChildProcess | undefined
  readonly #env: Record<string, string>

  /** @param state the state folder */
  constructor(state: string, env: Record<string, string> = { WEBHOOKS_DEMO: 'off' }) {
    this.state = state
    this.#env = env
  }

  /** Starts it, or starts it again on the same port. */
  async launch(): Promise<ChildProcess> {
    this.port ||= await freePort()
    this.url = `http://127.0.0.1:${this.port}`
    const env = { ...process.env, ...this.#env, WEBHOOKS_PORT: String(this.port), WEBHOOKS_STATE: this.state }
    const child = spawn('sh', ['-c', 'umask 022; exec "$0" infra/cli/start.ts', process.execPath], { cwd: root, env })
    this.child = child
    this.output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.output += chunk.toString()
      })
    return child
  }

  async start(): Promise<ChildProcess> {
    const child = await this.launch()
    const isReady = async () => this.output.includes('Stop with Ctrl-C')
    await until(isReady, 60, () => `the end of the start:\n${this.output}`)
    return child
  }

  /** Kills it and deletes its state. */
  async end(): Promise<void> {
    const { child } = this
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    rmSync(this.state, { recursive: true, force: true })
  }

  read<T>(name: string): T {
    return JSON.parse(readFileSync(join(this.state, name), 'utf8'))
  }
}
