import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { requirePrinted, stepsOf } from '../documented-output.ts'
import { freePort } from '../e2e/service.ts'
import { type Copy, copyOfProject } from '../infra/cli/copy.ts'
import { Command } from './command.ts'

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

describe('docs/extend.md', () => {
  it('has the next commands in the order of the output', () => {
    const [, provider, ...later] = steps
    // The page ends with an orchestrator, which needs no provider.
    const next = later.slice(0, -1).map(({ command }) => `  ${command}`)
    expect(provider?.printed).toContain(`Next\n${next.join('\n')}\n`)
  })

  it('works from top to bottom', async () => {
    for (const step of steps) {
      const { command } = step
      const started = start(command)
      const isRuntime = command.endsWith('npm start')
      if (isRuntime) runtime = started
      requirePrinted(step, await (isRuntime ? started.listening() : started.output()), normalize)
    }
  })
})
