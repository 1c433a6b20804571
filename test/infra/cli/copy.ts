import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
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

/** Copies the sources of this project to a temporary folder that a test can change. */
export function copyOfProject(): Copy {
  const folder = mkdtempSync(join(tmpdir(), 'webhooks-copy-'))
  for (const name of readdirSync(root).filter((name) => !EXCLUDED.test(name)))
    cpSync(join(root, name), join(folder, name), {
      recursive: true,
      filter: (path) => basename(path) !== 'node_modules',
    })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return {
    folder,
    node: (...args) => outputOf(spawn(process.execPath, ['--no-warnings', ...args], { cwd: folder }), args),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
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
