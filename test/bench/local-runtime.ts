import type { ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { authorizationWith } from '../../infra/local/cloud/index.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import type { FaultSpec } from '../../infra/sandbox/platforms/sandbox/faults.ts'
import type { Bench } from './measure.ts'
import { type Answer, post } from './post.ts'
import { startProcess } from './process.ts'
import type { FromRuntime, ToRuntime } from './serve.ts'

/** A local runtime in another process, with a fast client. */
export class LocalRuntime {
  readonly #child: ChildProcess
  readonly #state: string
  readonly #agent = new http.Agent({ keepAlive: true })
  readonly #said = new EventEmitter()
  readonly #ended = new Map<string, () => void>()
  url = ''
  lambda = ''
  accessKeyId = ''

  private constructor(child: ChildProcess, state: string) {
    this.#child = child
    this.#state = state
    this.#said.setMaxListeners(0)
    child.on('message', (message: FromRuntime) => {
      if (message.kind === 'ended') this.#isOver(message.task)
      else this.#said.emit(message.kind, message)
    })
    // Rejects pending responses.
    child.on('exit', (code) => this.#said.emit('error', new Error(`The local runtime ended with ${code}`)))
  }

  /** @param files for the runtime, instead of those of the sandbox */
  static async start(
    { bundles, scratch }: Bench,
    files: { eventsFile?: string; secretsFile?: string } = {},
  ): Promise<LocalRuntime> {
    const state = await mkdtemp(join(scratch, 'state-'))
    const child = startProcess('./serve.ts', { state, bundles, ...files })
    const runtime = new LocalRuntime(child, state)
    const { url, lambda, accessKeyId } = await runtime.#next('ready')
    Object.assign(runtime, { url, lambda, accessKeyId })
    return runtime
  }

  async end(): Promise<void> {
    this.#agent.destroy()
    this.#said.on('error', () => undefined)
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
    await rm(this.#state, { recursive: true, force: true })
  }

  memory() {
    return this.#ask('memory')
  }

  tasks() {
    return this.#ask('tasks')
  }

  /** Returns how many messages are in the queue for alerts. */
  async queued(): Promise<number> {
    const headers = {
      authorization: authorizationWith({ accessKeyId: this.accessKeyId }),
      'x-amz-target': 'AmazonSQS.GetQueueAttributes',
    }
    const { body } = await this.post(this.lambda, { QueueUrl: 'alerts' }, headers)
    return Number(JSON.parse(body).Attributes.ApproximateNumberOfMessages)
  }

  /** Waits until all running tasks wait for their next attempt. */
  async rest(): Promise<{ running: number; waiting: number }> {
    for (;;) {
      const tasks = await this.tasks()
      if (tasks.running === tasks.waiting) return tasks
      await sleep(200)
    }
  }

  /** Calls an action. Fails unless the status is as expected. */
  async call(query: string, body: unknown, expected: number): Promise<string> {
    const headers = { authorization: `Bearer ${demo.callerToken}` }
    const answer = await this.post(`${this.url}/v1/issue-ticketing/open-issue${query}`, body, headers)
    if (answer.status !== expected) throw new Error(`Status ${answer.status} instead of ${expected}: ${answer.body}`)
    return answer.body
  }

  /** Starts a task and waits until it has sent its finished event and ended. */
  async finish(body: unknown): Promise<void> {
    const { taskId } = JSON.parse(await this.call('?mode=interactive', body, 202)) as { taskId: string }
    const before = this.#ended.get(taskId)
    if (before) return void this.#ended.delete(taskId)
    await new Promise<void>((resolve) => this.#ended.set(taskId, resolve))
  }

  async fault(fault: FaultSpec): Promise<void> {
    const { status, body } = await this.post(`${this.url}/sandbox/faults`, fault)
    if (status >= 300) throw new Error(`The fault was rejected: ${body}`)
  }

  post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return post(url, body, this.#agent, headers)
  }

  /** A short task can end before its 202 arrives, so ends are recorded. */
  #isOver(task: string): void {
    const resolve = this.#ended.get(task)
    if (resolve) {
      this.#ended.delete(task)
      resolve()
    } else this.#ended.set(task, () => undefined)
  }

  #ask<Kind extends ToRuntime>(kind: Kind) {
    this.#child.send(kind)
    return this.#next(kind)
  }

  async #next<Kind extends FromRuntime['kind']>(kind: Kind): Promise<Extract<FromRuntime, { kind: Kind }>> {
    const [message] = await once(this.#said, kind)
    return message
  }
}
