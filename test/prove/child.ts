import { type ChildProcess, fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FromServed, ServeOptions, ToServed } from './serve.ts'

/** A time from and until when, in milliseconds since 1970 by a clock that nobody steps; `end` is open while it lasts. */
export interface Span {
  begin: number
  end: number
}

type Now = () => Pick<ServeOptions, 'accepted' | 'clock'>

/** The runtime as a child process, which is killed and started again on the same port and state. */
export class RuntimeProcess {
  readonly #options: Omit<ServeOptions, 'accepted' | 'clock'>
  readonly #now: Now
  readonly #output: number
  #child: ChildProcess | undefined
  #said = new EventEmitter()
  #killed = false
  #over = false
  readonly #crash = Promise.withResolvers<never>()
  /** When it was not there, between a kill and the moment at which it listened again. */
  readonly downs: Span[] = []
  dynamodb = ''
  accessKeyId = ''

  /**
   * @param output file to which everything is appended that it prints
   * @param now what it is to take and to think of the time when it starts
   */
  constructor(options: Omit<ServeOptions, 'accepted' | 'clock'>, output: string, now: Now) {
    this.#options = options
    this.#now = now
    this.#output = openSync(output, 'a', 0o600)
  }

  get url(): string {
    return `http://127.0.0.1:${this.#options.port}`
  }

  /** Rejects when it ends without being killed. */
  get crashed(): Promise<never> {
    return this.#crash.promise
  }

  get isUp(): boolean {
    return this.#child !== undefined && this.downs.at(-1)?.end !== Number.POSITIVE_INFINITY
  }

  /**
   * Does nothing once all is over.
   *
   * @throws Error when it ends before it listens
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
    // Whoever waits for a word from it waits in vain.
    child.on('exit', (code, signal) => {
      said.emit('gone', code)
      if (!this.#killed) this.#crash.reject(new Error(`The runtime ended by itself, with ${code ?? signal}.`))
    })
    this.#killed = false
    this.#child = child
    const ready = await this.#next('ready').catch((error) => {
      if (!this.#over) throw error
    })
    if (!ready) return
    this.dynamodb = ready.dynamodb
    this.accessKeyId = ready.accessKeyId
    const down = this.downs.at(-1)
    if (down) down.end = Date.now()
  }

  /** As if the machine lost power. */
  async kill(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    this.#killed = true
    this.downs.push({ begin: Date.now(), end: Number.POSITIVE_INFINITY })
    child.kill('SIGKILL')
    await exited
  }

  /** For good: a run that failed may have calls left that wait for it, and a kill that would start it again. */
  async end(): Promise<void> {
    this.#over = true
    await this.kill()
  }

  /** Waits while it is down; not once all is over. */
  async up(): Promise<void> {
    while (!this.isUp && !this.#over) await sleep(20)
  }

  tell(message: ToServed): void {
    if (this.#child?.connected) this.#child.send(message, () => undefined)
  }

  /** @throws Error when it is gone before it has answered */
  ask<Kind extends ToServed['kind'] & FromServed['kind']>(message: ToServed & { kind: Kind }) {
    const answer = this.#next<Kind>(message.kind)
    this.tell(message)
    return answer
  }

  #next<Kind extends FromServed['kind']>(kind: Kind): Promise<Extract<FromServed, { kind: Kind }>> {
    return new Promise((resolve, reject) => {
      const said = this.#said
      const done = (message: Extract<FromServed, { kind: Kind }>) => {
        said.off('gone', gone)
        resolve(message)
      }
      const gone = (code: number | null) => {
        said.off(kind, done)
        reject(new Error(`The runtime ended with ${code} before it said ${kind}.`))
      }
      said.once(kind, done)
      said.once('gone', gone)
    })
  }
}
