import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { freePort } from '../e2e/service.ts'
import { ask } from './ask.ts'
import { CallRecords } from './call-records.ts'
import { places } from './calls.ts'
import { RuntimeProcess } from './child.ts'
import { Credentials } from './credentials.ts'
import { EngineCaller } from './engine-caller.ts'
import { FaultInjector } from './fault-injector.ts'
import { PlatformRecords } from './platform-records.ts'
import { startTlsProxy, type TlsProxy } from './proxy.ts'
import { Caller } from './send-call.ts'
import { Watch } from './watch.ts'

/**
 * The factor by which durable waits are shorter than on AWS. It is small enough for the requests of a dying worker to arrive
 * before the next attempt reads the platform.
 */
export const timeScale = 10

export interface EnvironmentOptions {
  seed: number
  /** An empty folder. */
  folder: string
  /** The folder of the bundles. */
  bundles: string
  /** Retention of completed executions. */
  retentionDays?: number
}

/** The runtime, its callers, the fault injector, and the records of both sides. */
export class Environment {
  /** The state folder of the runtime. */
  readonly state: string
  /** The folder for its output and responses. */
  readonly written: string
  readonly output: string
  readonly #folder: string
  readonly credentials: Credentials
  readonly callRecords: CallRecords
  readonly runtime: RuntimeProcess
  readonly proxy: TlsProxy
  readonly faultInjector: FaultInjector
  readonly caller: Caller
  readonly engineCaller: EngineCaller
  readonly records: PlatformRecords
  readonly watch: Watch

  /** Starts an environment for a run, which a crash of the runtime ends. */
  static async use<Result>(
    options: EnvironmentOptions,
    run: (environment: Environment) => Promise<Result>,
  ): Promise<Result> {
    const environment = await Environment.#start(options)
    try {
      return await Promise.race([run(environment), environment.runtime.crashed, environment.engineCaller.crashed])
    } finally {
      await environment.end()
      environment.records.close()
    }
  }

  static async #start(options: EnvironmentOptions): Promise<Environment> {
    const port = await freePort()
    const proxy = await startTlsProxy(port)
    const folder = (name: string) => {
      const path = join(options.folder, name)
      mkdirSync(path, { recursive: true, mode: 0o700 })
      return path
    }
    const credentials = new Credentials(options.seed)
    const environment = { state: folder('state'), written: folder('written') }
    const output = join(environment.written, 'runtime.log')
    let faultInjector: FaultInjector | undefined
    const { bundles, retentionDays } = options
    const runtime = new RuntimeProcess(
      {
        ...{ port, state: environment.state, secretsFile: join(options.folder, 'secrets.json'), bundles, timeScale },
        engineKey: credentials.engineKey,
        ...(retentionDays === undefined ? {} : { retentionDays }),
      },
      output,
      () => ({ accepted: credentials.accepted, clock: faultInjector?.offsets ?? { machine: 0, functions: 0 } }),
    )
    const publish = () => publishTo(options.folder, credentials.secrets(runtime.url, proxy))
    publish()
    faultInjector = new FaultInjector({ runtime, credentials, proxy, publish })
    await runtime.start()
    await createRecords(runtime.url, credentials)
    return new Environment({
      ...environment,
      output,
      folder: options.folder,
      credentials,
      runtime,
      proxy,
      faultInjector,
    })
  }

  private constructor(
    parts: Pick<Environment, 'state' | 'written' | 'output' | 'credentials' | 'runtime' | 'proxy' | 'faultInjector'> & {
      folder: string
    },
  ) {
    const { state, written, output, folder, credentials, runtime, proxy, faultInjector } = parts
    this.#folder = folder
    this.state = state
    this.written = written
    this.output = output
    this.credentials = credentials
    this.runtime = runtime
    this.proxy = proxy
    this.faultInjector = faultInjector
    this.callRecords = new CallRecords(join(written, 'answers.log'))
    this.caller = new Caller(runtime, credentials, this.callRecords)
    this.engineCaller = new EngineCaller(runtime, credentials, this.callRecords)
    this.records = new PlatformRecords(state)
    this.watch = new Watch(this.records, this.callRecords, runtime)
  }

  /** Removes all faults and completes all rotations. */
  async removeFaults(): Promise<void> {
    await this.runtime.up()
    this.proxy.state = 'fine'
    publishTo(this.#folder, this.credentials.secrets(this.runtime.url, this.proxy))
    this.runtime.send({ kind: 'accept', accepted: this.credentials.accepted })
    await ask(`${this.runtime.url}/sandbox/faults`, { method: 'DELETE' })
  }

  /** The executions that have not ended. */
  async running(): Promise<number> {
    const response = await ask(`${this.runtime.url}/tasks`)
    const { tasks } = (await response.json()) as { tasks: { status: string }[] }
    return tasks.filter(({ status }) => status === 'RUNNING').length
  }

  async end(): Promise<void> {
    this.watch.end()
    this.engineCaller.end()
    await this.runtime.end()
    this.proxy.close()
  }
}

/** Replaces the file atomically. */
function publishTo(folder: string, secrets: Record<string, unknown>): void {
  const file = join(folder, 'secrets.json')
  writeFileSync(`${file}.new`, JSON.stringify(secrets), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** Creates the records that calls update: the first issue of each repository, and the first tickets. */
async function createRecords(url: string, { accepted }: Credentials): Promise<void> {
  const post = async (path: string, authorization: string, body: object) => {
    const response = await fetch(`${url}/sandbox${path}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (response.status !== 201) throw new Error(`The sandbox rejected a record: ${response.status}`)
  }
  const basic = Buffer.from(`${demo.serviceNow.username}:${accepted.servicenow}`).toString('base64')
  for (let place = 1; place <= places; place++) {
    const title = `Updated record ${place}`
    await post(`/github/repos/demo/shop-${place}/issues`, `Bearer ${accepted.github}`, { title })
    await post('/servicenow/api/now/table/incident', `Basic ${basic}`, { short_description: title })
  }
}
