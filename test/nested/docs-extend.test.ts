import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { freePort } from '../e2e/service.ts'
import { type Copy, copyOfProject } from '../infra/cli/copy.ts'
import { Command } from './command.ts'

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
let runtime: Command | undefined
beforeAll(async () => {
  copy = copyOfProject()
  url = `http://127.0.0.1:${await freePort()}`
})
afterAll(async () => {
  await runtime?.kill()
  copy.remove()
})

/** Starts a command in the copy, with its own port. */
function start(command: string): Command {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env
  const env = { PATH, HOME, NODE_COMPILE_CACHE, WEBHOOKS_PORT: new URL(url).port, WEBHOOKS_URL: url }
  return new Command(command.replaceAll(documented.url, url), copy.folder, env)
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
      const started = start(command)
      const isRuntime = command.endsWith('npm start')
      if (isRuntime) runtime = started
      expectPrinted(command, await (isRuntime ? started.listening() : started.output()), printed)
    }
  })
})
