import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { freePort, until } from '../e2e/service.ts'
import { type Copy, copyOfProject } from '../infra/cli/copy.ts'

/** Returns the commands of a page with their output; `...` replaces omitted lines. */
function stepsOf(page: string) {
  const text = readFileSync(join(import.meta.dirname, '../..', page), 'utf8')
  return [...text.matchAll(/^```console\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = '', ...lines] = step.trim().split('\n')
        return { command, printed: lines.join('\n') }
      }),
  )
}
const steps = stepsOf('docs/extend.md')
const documented = { url: 'http://127.0.0.1:8787', state: '.webhooks' }

let copy: Copy
let url: string
let runtime: ChildProcess | undefined
beforeAll(async () => {
  copy = copyOfProject()
  url = `http://127.0.0.1:${await freePort()}`
})
afterAll(async () => {
  if (runtime?.pid !== undefined && runtime.exitCode === null) {
    // Kills npm, its shell and Node.js.
    process.kill(-runtime.pid, 'SIGKILL')
    await once(runtime, 'close')
  }
  copy.remove()
})

/** Runs a command in a shell, with its own port. */
function start(command: string): { child: ChildProcess; said(): string } {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env
  const child = spawn('bash', ['-c', command.replaceAll(documented.url, url)], {
    cwd: copy.folder,
    detached: true,
    env: { PATH, HOME, NODE_COMPILE_CACHE, NO_COLOR: '1', WEBHOOKS_PORT: new URL(url).port, WEBHOOKS_URL: url },
  })
  let text = ''
  const read = (chunk: Buffer) => {
    text += chunk
  }
  child.stdout?.on('data', read)
  child.stderr?.on('data', read)
  return { child, said: () => text }
}

/** Removes folders, ports, times and the output of npm itself. */
function normalize(text: string): string[] {
  return text
    .replaceAll(url, documented.url)
    .replaceAll(`${copy.folder}/`, '')
    .replace(/ \(\d+ ms\)/g, '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('> '))
}

/** The output must contain the documented parts in order, and nothing else unless the page has `...`. */
function expectPrinted(command: string, said: string, printed: string): void {
  const parts = printed.split(/^\.\.\.$/m).map((part) => normalize(part).join('\n'))
  const output = normalize(said).join('\n')
  if (parts.length === 1) expect({ command, said: output }).toEqual({ command, said: parts[0] })
  let rest = output
  for (const part of parts) {
    const at = rest.indexOf(part)
    if (at < 0) throw new Error(`The output of ${command} does not contain:\n${part}\n\nOutput:\n${output}`)
    rest = rest.slice(at + part.length)
  }
}

describe('docs/extend.md', () => {
  it('has the next commands in the order of the output', () => {
    const [, provider, ...later] = steps
    // The page ends with an orchestrator, which needs no provider.
    const next = later.slice(0, -1).map(({ command }) => `  ${command}`)
    expect(provider?.printed).toContain(`Next\n${next.join('\n')}\n`)
  })

  it('works from top to bottom', async () => {
    for (const { command, printed } of steps) {
      const { child, said } = start(command)
      if (command.endsWith('npm start')) {
        runtime = child
        await until(async () => said().includes('Stop with Ctrl-C') || child.exitCode !== null, 120, said)
      } else {
        const [code] = await once(child, 'close')
        if (code !== 0) throw new Error(`${command} exited with ${code}:\n${said()}`)
      }
      expectPrinted(command, said(), printed)
    }
  })
})
