import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const root = join(import.meta.dirname, '../../..')
/** Generated and machine-specific folders. */
const EXCLUDED = /^(?:node_modules|dist|coverage|site|cdk\.out|screenshots|\.git|\.webhooks)$/

export interface Copy {
  folder: string
  /** Runs a Node script in the folder and returns its output. The exit code must be 0. */
  node(...args: string[]): Promise<string>
  remove(): void
}

/**
 * Copies the sources of this project to a temporary folder that a test can change.
 *
 * @param hasTools whether it has every package of this project, or only those that `npm start` installs
 */
export function copyOfProject({ hasTools = true } = {}): Copy {
  const folder = mkdtempSync(join(tmpdir(), 'webhooks-copy-'))
  for (const name of readdirSync(root).filter((name) => !EXCLUDED.test(name)))
    cpSync(join(root, name), join(folder, name), {
      recursive: true,
      filter: (path) => basename(path) !== 'node_modules',
    })
  if (hasTools) symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  else copyDependencies(folder)
  return {
    folder,
    node: (...args) => outputOf(spawn(process.execPath, ['--no-warnings', ...args], { cwd: folder }), args),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Copies the packages that `npm ci --omit=dev --omit=peer` installs. */
function copyDependencies(folder: string): void {
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const paths = Object.keys(locked).filter((path) => path && !locked[path].dev && !locked[path].peer)
  const isNested = (path: string) => path.lastIndexOf('node_modules/') > 0
  // Those for other platforms are not installed.
  for (const path of paths.filter((path) => !isNested(path) && existsSync(join(root, path))))
    cpSync(join(root, path), join(folder, path), { recursive: true })
  const packages = Object.fromEntries(paths.map((path) => [path, locked[path]]))
  writeFileSync(join(folder, 'node_modules/.package-lock.json'), JSON.stringify({ packages }))
}

async function outputOf(child: ReturnType<typeof spawn>, args: string[]): Promise<string> {
  let text = ''
  const read = (chunk: Buffer) => {
    text += chunk
  }
  child.stdout?.on('data', read)
  child.stderr?.on('data', read)
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}:\n${text}`)
  return text
}
