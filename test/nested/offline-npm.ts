import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { quoteForShell } from '../../infra/project/shell-words.ts'
import { Command } from './command.ts'

const root = join(import.meta.dirname, '../..')

/** A folder outside of the project, so that nothing in the project is found by accident, with an npm that needs no network. */
export class OfflineNpm {
  readonly folder = mkdtempSync(join(tmpdir(), 'application-'))
  #runtime: Command | undefined

  /**
   * Puts an npm into the PATH that offers the packages of the project to an installation. npm removes those that neither the
   * application nor the package declares.
   */
  constructor() {
    const npm = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim()
    const installed = quoteForShell(join(root, 'node_modules'))
    const script = `#!/bin/sh
if [ "$1" = install ] && [ ! -d node_modules ]; then
  cp -al ${installed} node_modules 2>/dev/null || cp -a ${installed} node_modules
  rm node_modules/.package-lock.json
fi
npm_config_offline=true exec ${quoteForShell(npm)} "$@"
`
    mkdirSync(join(this.folder, 'bin'))
    writeFileSync(join(this.folder, 'bin/npm'), script)
    chmodSync(join(this.folder, 'bin/npm'), 0o755)
  }

  /** Runs a command, and returns what it prints. */
  run(command: string, cwd: string, env?: Record<string, string>): Promise<string> {
    return this.#start(command, cwd, env).output()
  }

  /** Starts the local runtime with a command, waits until it listens, and returns what it printed. */
  start(command: string, cwd: string, env: Record<string, string>): Promise<string> {
    this.#runtime = this.#start(command, cwd, env)
    return this.#runtime.listening()
  }

  /** Stops the local runtime. */
  async stop(): Promise<void> {
    await this.#runtime?.kill()
    this.#runtime = undefined
  }

  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Starts a command in a shell, with the PATH of a user. */
  #start(command: string, cwd: string, env: Record<string, string> = {}): Command {
    const { PATH = '', HOME } = process.env
    const path = [join(this.folder, 'bin'), dirname(process.execPath), PATH].join(delimiter)
    return new Command(command, cwd, { HOME, PATH: path, ...env })
  }
}
