import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { until } from '../e2e/service.ts'

const root = join(import.meta.dirname, '../..')

/** A folder outside of the project, so that nothing in the project is found by accident, with an npm that needs no network. */
export class OfflineNpm {
  readonly folder = mkdtempSync(join(tmpdir(), 'application-'))
  #runtime: ChildProcess | undefined

  /**
   * Puts an npm into the PATH that offers the packages of the project to an installation. npm removes those that neither the
   * application nor the package declares.
   */
  constructor() {
    const npm = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim()
    const script = `#!/bin/sh
if [ "$1" = install ] && [ ! -d node_modules ]; then
  cp -al '${root}/node_modules' node_modules 2>/dev/null || cp -a '${root}/node_modules' node_modules
  rm node_modules/.package-lock.json
fi
npm_config_offline=true exec '${npm}' "$@"
`
    mkdirSync(join(this.folder, 'bin'))
    writeFileSync(join(this.folder, 'bin/npm'), script)
    chmodSync(join(this.folder, 'bin/npm'), 0o755)
  }

  /** Runs a command, and returns what it prints. */
  async run(command: string, cwd: string, env?: Record<string, string>): Promise<string> {
    const { child, said } = this.#spawn(command, cwd, env)
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`${command} exited with ${code}:\n${said()}`)
    return said()
  }

  /** Starts the local runtime with a command, and waits until it listens. */
  async start(command: string, cwd: string, env: Record<string, string>): Promise<void> {
    const { child, said } = this.#spawn(command, cwd, env)
    this.#runtime = child
    await until(async () => said().includes('Stop with Ctrl-C') || child.exitCode !== null, 120, said)
  }

  /** Stops the local runtime. */
  async stop(): Promise<void> {
    const runtime = this.#runtime
    this.#runtime = undefined
    if (runtime?.pid === undefined || runtime.exitCode !== null) return
    const closed = once(runtime, 'close')
    // Kills npm, its shell and Node.js.
    process.kill(-runtime.pid, 'SIGKILL')
    await closed
  }

  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Starts a command in a shell, with the PATH of a user. */
  #spawn(command: string, cwd: string, env: Record<string, string> = {}): { child: ChildProcess; said(): string } {
    const { PATH = '', HOME = '' } = process.env
    const path = [join(this.folder, 'bin'), dirname(process.execPath), PATH].join(delimiter)
    const child = spawn('sh', ['-c', command], {
      cwd,
      detached: true,
      env: { HOME, NO_COLOR: '1', PATH: path, ...env },
    })
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        text += chunk
      })
    return { child, said: () => text }
  }
}
