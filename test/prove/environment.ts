import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { freePort } from '../e2e/service.ts'
import { ask } from './ask.ts'
import { Ledger } from './call-records.ts'
import { places } from './calls.ts'
import { RuntimeProcess } from './child.ts'
import { Credentials } from './credentials.ts'
import { Disturber } from './fault-injector.ts'
import { Books } from './platform-records.ts'
import { type Front, startFront } from './proxy.ts'
import { Caller } from './send-call.ts'
import { Watch } from './watch.ts'

/**
 * By how much the waits of durable steps are shorter than on AWS. Not more: what a worker has sent when it dies must have come in
 * before the next try reads back, as it has after seconds.
 */
export const timeScale = 10

export interface WorldOptions {
  seed: number
  /** An empty folder. */
  folder: string
  /** Where the bundles are. */
  bundles: string
  /** Days for which what has ended is remembered. */
  retentionDays?: number
}

/** A runtime that can be disturbed, who calls it, and what is written down of both. */
export class World {
  /** All that the runtime keeps. */
  readonly state: string
  /** All that it prints and answers. */
  readonly written: string
  readonly output: string
  readonly #folder: string
  readonly credentials: Credentials
  readonly ledger: Ledger
  readonly runtime: RuntimeProcess
  readonly front: Front
  readonly disturber: Disturber
  readonly caller: Caller
  readonly books: Books
  readonly watch: Watch

  static async begin(options: WorldOptions): Promise<World> {
    const port = await freePort()
    const front = await startFront(port)
    const folder = (name: string) => {
      const path = join(options.folder, name)
      mkdirSync(path, { recursive: true, mode: 0o700 })
      return path
    }
    const credentials = new Credentials(options.seed)
    const world = { state: folder('state'), written: folder('written') }
    const output = join(world.written, 'runtime.log')
    let disturber: Disturber | undefined
    const { bundles, retentionDays } = options
    const runtime = new RuntimeProcess(
      {
        ...{ port, state: world.state, secretsFile: join(options.folder, 'secrets.json'), bundles, timeScale },
        ...(retentionDays === undefined ? {} : { retentionDays }),
      },
      output,
      () => ({ accepted: credentials.accepted, clock: disturber?.offsets ?? { machine: 0, functions: 0 } }),
    )
    const publish = () => publishTo(options.folder, credentials.secrets(runtime.url, front))
    publish()
    disturber = new Disturber({ runtime, credentials, front, publish })
    await runtime.start()
    await furnish(runtime.url, credentials)
    return new World({ ...world, output, folder: options.folder, credentials, runtime, front, disturber })
  }

  private constructor(
    parts: Pick<World, 'state' | 'written' | 'output' | 'credentials' | 'runtime' | 'front' | 'disturber'> & {
      folder: string
    },
  ) {
    const { state, written, output, folder, credentials, runtime, front, disturber } = parts
    this.#folder = folder
    this.state = state
    this.written = written
    this.output = output
    this.credentials = credentials
    this.runtime = runtime
    this.front = front
    this.disturber = disturber
    this.ledger = new Ledger(join(written, 'answers.log'))
    this.caller = new Caller(runtime, credentials, this.ledger)
    this.books = new Books(state)
    this.watch = new Watch(this.books, this.ledger, runtime)
  }

  /** Ends every fault, and lets everything be told and taken. */
  async calm(): Promise<void> {
    await this.runtime.up()
    this.front.state = 'fine'
    publishTo(this.#folder, this.credentials.secrets(this.runtime.url, this.front))
    this.runtime.tell({ kind: 'accept', accepted: this.credentials.accepted })
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
    await this.runtime.end()
    this.front.close()
  }
}

/** As a whole: who reads it meanwhile reads the old or the new one. */
function publishTo(folder: string, secrets: Record<string, unknown>): void {
  const file = join(folder, 'secrets.json')
  writeFileSync(`${file}.new`, JSON.stringify(secrets), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** What the calls are about that change something: the first issue of each repository, and the first tickets. */
async function furnish(url: string, { accepted }: Credentials): Promise<void> {
  const post = async (path: string, authorization: string, body: object) => {
    const response = await fetch(`${url}/sandbox${path}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (response.status !== 201) throw new Error(`The sandbox could not be furnished: ${response.status}`)
  }
  const basic = Buffer.from(`${demo.serviceNow.username}:${accepted.servicenow}`).toString('base64')
  for (let place = 1; place <= places; place++) {
    const title = `What is changed in place ${place}`
    await post(`/github/repos/demo/shop-${place}/issues`, `Bearer ${accepted.github}`, { title })
    await post('/servicenow/api/now/table/incident', `Basic ${basic}`, { short_description: title })
  }
}
