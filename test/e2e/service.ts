import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LambdaClient, StopDurableExecutionCommand } from '@aws-sdk/client-lambda'
import type { LocalFunction } from '../../infra/local/cloud/index.ts'
import { readRuntimeFile } from '../../infra/local/runtime-file.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import type { FaultSpec } from '../../infra/sandbox/platforms/sandbox/faults.ts'
import type { Target } from '../../infra/sandbox/platforms/sandbox/http.ts'

/** Credentials with which the functions sign AWS requests. The local AWS services compare the access key. */
export const awsCredentials = { accessKeyId: 'local', secretAccessKey: 'local' }

export interface ServiceOptions {
  /** Laid over the sandbox's secrets; of the URL where those need it. */
  secrets?: Record<string, unknown> | ((url: string) => Record<string, unknown>)
  /** Also of the runs in the sandbox, unless these have their own. */
  timeScale?: number
  sandboxTimeScale?: number
  webhookTimeout?: number
  executionTimeout?: number
  /** Defaults to 2, because each environment costs 200 ms of CPU. */
  concurrency?: number
  bundles?: string
  cacheSecrets?: boolean
  /** YAML file that declares the sources of notifications. */
  eventsFile?: string
  /** YAML file with the rules that restrict calls. */
  policyFile?: string
  /** Whether agents can sign in. */
  hasAgentSignIn?: boolean
  functions?: LocalFunction[]
}

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert on any body.
  body: any
}

export interface CallOptions {
  method?: string
  token?: string | null
  headers?: Record<string, string>
}

interface RecordedEvent {
  via: 'api' | 'control-plane'
  event: { type: string; source: string; triggeredid?: string; shkeptncontext: string; data: Record<string, never> }
}

/** The shipped bundles in a runtime of their own, with a sandbox and a state folder of their own. */
export class Service {
  readonly state = mkdtempSync(join(tmpdir(), 'webhooks-e2e-'))
  url = ''
  /** Everything that was printed, over all starts. */
  output = ''
  readonly #options: ServiceOptions
  #process: ChildProcess | undefined
  #port = 0

  constructor(options: ServiceOptions = {}) {
    this.#options = options
  }

  /** Starts it, or starts it again on the same port and state after `kill`. */
  async start(): Promise<this> {
    this.#port ||= await freePort()
    const { secrets: given, ...options } = this.#options
    const secrets = typeof given === 'function' ? given(`http://127.0.0.1:${this.#port}`) : given
    if (secrets) this.rotate(secrets)
    const serve = join(import.meta.dirname, 'serve.ts')
    const settings = {
      concurrency: 2,
      copiesBundles: false,
      sandboxTimeScale: options.timeScale,
      ...options,
      port: this.#port,
      state: this.state,
      // So that a test can connect a platform of its own and still call as the demo does.
      credentials: { callerToken: demo.callerToken, approvalsKey: demo.approvalsKey },
      awsCredentials,
      ...(secrets ? { secretsFile: this.#secretsFile } : {}),
    }
    const child = spawn(process.execPath, ['--no-warnings', serve, JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    await new Promise<void>((resolve, reject) => {
      let isReady = false
      const read = (chunk: Buffer) => {
        this.output += chunk.toString()
        if (isReady) return
        const ready = /^ready (\S+)$/m.exec(this.output.slice(this.output.lastIndexOf('ready')))
        if (ready?.[1] === undefined) return
        isReady = true
        this.url = ready[1]
        resolve()
      }
      child.stdout?.on('data', read)
      child.stderr?.on('data', read)
      child.once('exit', (code, signal) => {
        reject(new Error(`The runtime ended with ${code}:\n${this.output}`))
        // Tests end it with SIGKILL. Otherwise, all that follow it fail, and only this says why.
        if (isReady && signal !== 'SIGKILL')
          console.error(`The runtime ended with ${code ?? signal}:\n${this.output.slice(-4_000)}`)
      })
    })
    return this
  }

  /** Changes secrets while it runs. */
  rotate(secrets: Record<string, unknown>): void {
    writeFileSync(this.#secretsFile, JSON.stringify(secrets))
  }

  get #secretsFile(): string {
    return `${this.state}-secrets.json`
  }

  /** A client of the runtime's Lambda, which has another address and other credentials after each start. */
  lambdaClient(): LambdaClient {
    const { aws } = readRuntimeFile(this.state) ?? {}
    if (!aws) throw new Error('The runtime does not run.')
    return new LambdaClient({ endpoint: aws.endpoint, region: 'eu-west-1', credentials: aws })
  }

  /** Ends a task, as an operator does with the API of Lambda. */
  async stopTask(taskId: string): Promise<void> {
    const task = (await this.tasks()).find(({ name }) => name === taskId)
    await this.lambdaClient().send(new StopDurableExecutionCommand({ DurableExecutionArn: task?.arn }))
  }

  /** Ends the runtime as a power failure does. */
  async kill(): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  async end(): Promise<void> {
    await this.kill()
    rmSync(this.state, { recursive: true, force: true })
    rmSync(this.#secretsFile, { force: true })
  }

  /** Calls the HTTP API. A body that is not text is sent as JSON. Sends a call again if the response asks for that. */
  async call(path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#send(path, body, options)
      if (answer.status !== 503 || attempt === PATIENCE || !ASKS_AGAIN.test(answer.body?.detail ?? '')) return answer
      await sleep(attempt * 100)
    }
  }

  async #send(
    path: string,
    body: unknown,
    { method = 'POST', token = demo.callerToken, headers = {} }: CallOptions,
  ): Promise<Answer> {
    const raw = typeof body === 'string' || body instanceof Uint8Array || body instanceof URLSearchParams
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(raw || body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? (body as string) : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }

  /** Presses a button in the chat of the sandbox, as a person does: again if a busy app does not respond in time. */
  async press({ ts }: { ts: string }, action: string, user: string): Promise<void> {
    const body = new URLSearchParams({ ts, action, user })
    const send = () => fetch(`${this.url}/sandbox/slack/click`, { method: 'POST', body, redirect: 'manual' })
    // The button is gone (409) if the app has responded too late.
    await this.until(async () => [303, 409].includes((await send()).status), `a response to ${action} of ${user}`)
  }

  openIssue(body: unknown, query = '', options?: CallOptions): Promise<Answer> {
    return this.call(`/v1/issue-ticketing/open-issue${query}`, body, options)
  }

  async fault(fault: FaultSpec): Promise<void> {
    const { status, body } = await this.call('/sandbox/faults', fault)
    if (status >= 300) throw new Error(`The fault was not taken: ${JSON.stringify(body)}`)
  }

  async clearFaults(): Promise<void> {
    await fetch(`${this.url}/sandbox/faults`, { method: 'DELETE' })
  }

  async events(): Promise<RecordedEvent['event'][]> {
    return ((await this.list('events')) as RecordedEvent[]).map(({ event }) => event)
  }

  /** Returns the ended tasks of a sequence run, each with its category; silent ones are reported by webhook-service. */
  async endedBy(context: string): Promise<string[]> {
    const ofRun = (await this.events()).filter(({ shkeptncontext }) => shkeptncontext === context)
    return ofRun.flatMap(({ type, source }) => {
      const task = /^sh\.keptn\.event\.([^.]+)\.finished$/.exec(type)?.[1]
      return task === undefined ? [] : [`${task} ${source.replace(/^cloud-automation-webhooks\//, '')}`]
    })
  }

  /** Returns a list of the sandbox, such as `runs` or `messages`. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  async list(name: string): Promise<any> {
    return (await this.call(`/sandbox/${name}`, undefined, { method: 'GET' })).body
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above.
  issues(): Promise<any[]> {
    return this.list('issues')
  }

  requests(target: Target): Promise<{ at: string; method: string; path: string; status: number | null }[]> {
    return this.list(`requests?target=${target}`)
  }

  /** The answers to one trigger: how often started, and each finished. */
  async repliesTo(id: string) {
    const events = (await this.events()).filter(({ triggeredid }) => triggeredid === id)
    return {
      started: events.filter(({ type }) => type.endsWith('.started')).length,
      // biome-ignore lint/suspicious/noExplicitAny: as above.
      finished: events.filter(({ type }) => type.endsWith('.finished')).map(({ data }) => data as any),
    }
  }

  /** Waits for the `finished` of a trigger, and a moment longer, so that a second one would be seen. */
  async finishedOf(id: string, seconds = 25) {
    await this.until(async () => (await this.repliesTo(id)).finished.length > 0, `a finished event for ${id}`, seconds)
    await this.ended(seconds)
    return this.repliesTo(id)
  }

  /** The lines that the functions have logged. */
  logs(): Record<string, unknown>[] {
    return this.output
      .split('\n')
      .filter((line) => line.startsWith('{"from":"cloud"'))
      .map((line) => JSON.parse(line) as { kind: string; line: string })
      .filter(({ kind, line }) => kind === 'log' && line.startsWith('{'))
      .map(({ line }) => JSON.parse(line))
  }

  /** Waits for the end of every task. */
  ended(seconds?: number): Promise<void> {
    let open: string[] = []
    const isEnded = async () => {
      open = (await this.tasks()).filter(({ status }) => status === 'RUNNING').map(({ name }) => name)
      return open.length === 0
    }
    return this.until(isEnded, () => `the end of ${open.join(', ')}`, seconds)
  }

  /** Waits until something holds. An error shows the end of the output. */
  until(holds: () => unknown, what: string | (() => string), seconds = 30): Promise<void> {
    const isTrue = async () => Boolean(await holds())
    const text = typeof what === 'string' ? () => what : what
    return until(isTrue, seconds, () => `${text()}\n${this.output.slice(-4_000)}`)
  }

  async tasks(): Promise<{ name: string; arn: string; functionName: string; status: string }[]> {
    return (await this.call('/tasks', undefined, { method: 'GET' })).body.tasks
  }
}

/** The body of an event that triggers the task `openticket`. */
export function triggered(more: Record<string, unknown> = {}) {
  return {
    id: randomUUID(),
    type: 'sh.keptn.event.openticket.triggered',
    shkeptncontext: randomUUID(),
    data: { project: 'incident-demo', stage: 'production', service: 'casdemoapp' },
    ...more,
  }
}

/** How many times longer than an idle machine a busy one may take. */
export const PATIENCE = 10
/** The webhook gives AWS some seconds, and then asks for the same call again. Here, a busy machine is AWS, too. */
const ASKS_AGAIN = /\bnow\b|Send the call again/

/**
 * Waits until something holds.
 *
 * @param seconds more than it takes on an idle machine
 * @throws Error with what it waited for
 */
export async function until(holds: () => Promise<boolean>, seconds: number, what: () => string): Promise<void> {
  const start = Date.now()
  while (!(await holds())) {
    const elapsed = Date.now() - start
    if (elapsed > seconds * PATIENCE * 1_000) throw new Error(`Waited ${seconds * PATIENCE} s for ${what()}`)
    // Asks less often the longer it takes: frequent questions slow down what it waits for.
    await sleep(Math.min(50 + elapsed / 8, 250))
  }
}

/** Returns a loopback port that stays free while a runtime restarts: systems use ports from 32768 for connections. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(15_000, 30_000)
    const server = createServer().listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
      return port
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    } finally {
      server.close()
    }
  }
}
