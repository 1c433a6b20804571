import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeServer, listen } from '../../local/port.ts'
import { APPLICATION, EXTENSION, PACKAGE } from '../../project/roots.ts'

/** The files of a runtime that differ from those of the sandbox. */
export interface DemoSettings {
  /** Text of `policy.yaml`. */
  policy?: string
  /** By name; they replace those of the sandbox. */
  secrets?: Record<string, unknown>
  /** Text of `events.yaml`; without it, the runtime has the sources of the sandbox. */
  events?: string
}

/** A local runtime in a process of its own, whose state survives that process. */
export class DemoRuntime {
  readonly state = mkdtempSync(join(tmpdir(), 'webhooks-demo-'))
  url = ''
  /** The decision of the person at the terminal. */
  decision: 'approve' | 'reject' | undefined
  readonly #env: NodeJS.ProcessEnv
  #child: ChildProcess | undefined

  constructor({ policy, secrets = {}, events }: DemoSettings) {
    const write = (name: string, text: string | undefined) => {
      if (text === undefined) return undefined
      const file = join(this.state, name)
      writeFileSync(file, text)
      return file
    }
    // Each setting replaces that of the user, even if it is undefined.
    this.#env = {
      WEBHOOKS_STATE: this.state,
      WEBHOOKS_POLICY: write('policy.yaml', policy),
      WEBHOOKS_SECRETS: write('secrets.json', JSON.stringify(secrets)),
      WEBHOOKS_EVENTS: write('events.yaml', events),
      WEBHOOKS_DEMO: 'off',
    }
  }

  /** Starts it, or starts it again at the same URL. */
  async start(): Promise<void> {
    if (this.url === '') {
      const probe = createServer()
      this.url = await listen(probe, 0)
      await closeServer(probe)
    }
    const program = join(PACKAGE, `infra/cli/start${EXTENSION}`)
    const child = spawn(process.execPath, ['--no-warnings', program, '--build', '--port', new URL(this.url).port], {
      cwd: APPLICATION,
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#child = child
    let printed = ''
    for await (const chunk of child.stdout) {
      printed += chunk
      if (printed.includes('Stop with Ctrl-C')) break
    }
    if (child.exitCode !== null) throw new Error(`The local runtime did not start:\n${printed}`)
    // Otherwise it would wait for a reader of its output.
    child.stdout.resume()
  }

  /** Ends it as a power failure does. */
  async kill(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** Kills it and starts it again. */
  async crash(when: string, print: (line: string) => void): Promise<void> {
    await this.kill()
    print(`runtime  killed ${when}`)
    await this.start()
    print('runtime  started again')
  }

  /** Returns a list of the runtime, such as `sandbox/runs`. */
  async list<T>(path: string): Promise<T> {
    return (await (await fetch(`${this.url}/${path}`)).json()) as T
  }

  /** Ends it and deletes its state. */
  async end(): Promise<void> {
    await this.kill()
    rmSync(this.state, { recursive: true, force: true })
  }
}
