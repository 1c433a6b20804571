import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * A program that others wrote, for a comparison. It is installed into the user's cache folder, because it has more than a
 * hundred megabytes.
 */
export class Program {
  readonly #packages: string[]
  readonly name: string
  readonly folder: string

  /** @param packages from npm, with exact versions, because the results depend on them */
  constructor(name: string, packages: string[]) {
    this.name = name
    this.#packages = packages
    const caches = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
    this.folder = join(caches, 'cloud-automation-webhooks', name.toLowerCase().replaceAll(' ', '-'))
  }

  /** Returns the path of a file of an installed package. */
  file(path: string): string {
    return join(this.folder, 'node_modules', path)
  }

  get isInstalled(): boolean {
    return existsSync(join(this.folder, 'package-lock.json'))
  }

  /**
   * Installs it with npm, without running scripts of packages.
   *
   * @throws Error if npm fails
   */
  async install(progress: (text: string) => void): Promise<void> {
    if (this.isInstalled) return
    progress(`installing ${this.name} from npm into ${this.folder}`)
    await mkdir(this.folder, { recursive: true })
    await writeFile(join(this.folder, 'package.json'), '{"private":true}\n')
    const options = ['--save-exact', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    const npm = spawn('npm', ['install', ...options, ...this.#packages], { cwd: this.folder, stdio: 'inherit' })
    const code = await new Promise<number | null>((resolve, reject) => npm.on('error', reject).on('exit', resolve))
    if (code !== 0) throw new Error(`npm could not install ${this.name} into ${this.folder} (exit status ${code})`)
  }
}
