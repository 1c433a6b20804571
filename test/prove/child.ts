import { type ChildProcess, fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FromServed, ServeOptions, ToServed } from './serve.ts'

/** A time span in epoch milliseconds of the true time. `end` is infinite until it is over. */
export interface Span {
  start: number
  end: number
}

/** The longest time for which the process is stopped at once, and runs in between. */
const STALL_MS = 50

type Now = () => Pick<ServeOptions, 'accepted' | 'clock'>

/** The runtime as a child process that can be killed and restarted with the same port and state. */
export class RuntimeProcess {
  readonly #options: Omit<ServeOptions, 'accepted' | 'clock'>
  readonly #now: Now
  readonly #output: number
  #child: ChildProcess | undefined
  #said = new EventEmitter()
  #killed = false
  #over = false
  readonly #crash = Promise.withResolvers<never>()
  /** The times between a kill and the restart. */
  readonly downs: Span[] = []
  /** The endpoints of AWS services, and the access key for them. */
  aws = { lambda: '', dynamodb: '', accessKeyId: '' }

  /**
   * @param output the file for its output
   * @param now returns the credentials and clock offsets for a start
   */
  constructor(options: Omit<ServeOptions, 'accepted' | 'clock'>, output: string, now: Now) {
    this.#options = options
    this.#now = now
    this.#output = openSync(output, 'a', 0o600)
  }

  get url(): string {
    return `http://127.0.0.1:${this.#options.port}`
  }

  /** Rejects if the process ends without a kill. */
  get crashed(): Promise<never> {
    return this.#crash.promise
  }

  get isUp(): boolean {
    return this.#child !== undefined && this.downs.at(-1)?.end !== Number.POSITIVE_INFINITY
  }

  /**
   * Starts the process, unless the run is over.
   *
   * @throws Error if it ends before it listens
   */
  async start(): Promise<void> {
    if (this.#over) return
    const child = fork(new URL('./serve.ts', import.meta.url), [JSON.stringify({ ...this.#options, ...this.#now() })], {
      execArgv: ['--no-warnings', '--expose-gc'],
      stdio: ['ignore', this.#output, this.#output, 'ipc'],
      serialization: 'json',
    })
    this.#said = new EventEmitter()
    const said = this.#said
    child.on('message', (message: FromServed) => said.emit(message.kind, message))
    said.on('error', () => undefined)
    child.on('exit', (code, signal) => {
      // Rejects the pending requests to the process.
      said.emit('error', new Error(`The runtime ended with ${code} before it responded.`))
      if (!this.#killed) this.#crash.reject(new Error(`The runtime ended by itself, with ${code ?? signal}.`))
    })
    this.#killed = false
    this.#child = child
    const ready = await this.#next('ready').catch((error) => {
      if (!this.#over) throw error
    })
    if (!ready) return
    this.aws = ready
    const down = this.downs.at(-1)
    if (down) down.end = Date.now()
  }

  /** Ends the process as a power failure does. */
  async kill(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    this.#killed = true
    this.downs.push({ start: Date.now(), end: Number.POSITIVE_INFINITY })
    child.kill('SIGKILL')
    await exited
  }

  /**
   * Stops the process for up to 50 ms, again and again, without using the processor.
   *
   * @param ms how long
   */
  async stall(ms: number): Promise<void> {
    for (const end = Date.now() + ms; Date.now() < end && !this.#over; ) {
      await this.up()
      const child = this.#child
      child?.kill('SIGSTOP')
      await sleep(Math.random() * STALL_MS)
      child?.kill('SIGCONT')
      await sleep(Math.random() * STALL_MS)
    }
  }

  /** Ends the process permanently. A failed run may have calls that wait for it, and a kill that would restart it. */
  async end(): Promise<void> {
    this.#over = true
    await this.kill()
  }

  get isOver(): boolean {
    return this.#over
  }

  /** Waits until the process listens or the run is over. */
  async up(): Promise<void> {
    while (!this.isUp && !this.#over) await sleep(20)
  }

  send(message: ToServed): void {
    if (this.#child?.connected) this.#child.send(message, () => undefined)
  }

  /** @throws Error if the process ends before it responds */
  ask<Kind extends ToServed['kind'] & FromServed['kind']>(message: ToServed & { kind: Kind }) {
    const answer = this.#next<Kind>(message.kind)
    this.send(message)
    return answer
  }

  async #next<Kind extends FromServed['kind']>(kind: Kind): Promise<Extract<FromServed, { kind: Kind }>> {
    const [message] = await once(this.#said, kind)
    return message
  }
}
