import { readdirSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { spawnWebhooks, webhooks } from '../infra/cli/webhooks.ts'
import { temporaryFolder } from '../temporary-folder.ts'

const folder = temporaryFolder()
const states = () => readdirSync(folder).filter((name) => name.startsWith('webhooks-demo-'))

/** Starts the demonstration, and returns the URL of its console when it has printed a text. */
async function startDemo(text: string, ...options: string[]) {
  const { child, ended } = spawnWebhooks(['demo', 'incident', ...options], { TMPDIR: folder })
  const url = await new Promise<string>((resolve, reject) => {
    let printed = ''
    const read = (chunk: Buffer) => {
      printed += chunk
      const [, url] = /shows each call at (\S+)\n/.exec(printed) ?? []
      if (url !== undefined && printed.includes(text)) resolve(url)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('close', () => reject(new Error(printed)))
  })
  return { url, child, ended }
}

test('webhooks demo incident --stay: each step happens once, and the console can be read until Ctrl-C', async () => {
  const { url, child, ended } = await startDemo('runtime  continues until Ctrl-C', '--stay', '--json')
  const page = await fetch(url, { headers: { accept: 'text/html' } }).then((response) => response.text())
  const tasks = await fetch(`${url}tasks`).then((response) => response.text())
  child.kill('SIGINT')
  const { code, out, err } = await ended
  expect({ code, effects: JSON.parse(out) }).toEqual({
    code: 0,
    effects: { passed: true, results: 3, incidents: 1, isFlagOn: false, messages: 1 },
  })
  expect(page).toContain('<script')
  expect(tasks).toContain('incident-management')
  for (const text of [
    'result   openticket: pass. Opened incident INC0010001',
    'result   toggleflag: pass. slow-recommendations in production is off',
    'result   evaluation: pass',
    'result   notify: pass',
    'Problem open: Response time of casdemoapp',
    'runtime  ended, and the console with it',
  ])
    expect(err).toContain(text)
  await expect(fetch(url)).rejects.toThrow('fetch failed')
})

test('webhooks demo incident: Ctrl-C in between ends the runtime and deletes its state', async () => {
  const { url, child, ended } = await startDemo('keptn    production openticket')
  expect(states()).toHaveLength(1)
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ code: 130 })
  await expect(fetch(url)).rejects.toThrow('fetch failed')
  expect(states()).toEqual([])
})

test('webhooks demo: without a name, lists the demonstrations with a line each', async () => {
  const { code, out } = await webhooks('demo')
  const names = out.split('\n').flatMap((line) => /^(\w+) {2,}an? \w/.exec(line)?.[1] ?? [])
  expect({ code, names }).toEqual({ code: 0, names: ['agent', 'release', 'incident', 'alert'] })
  expect(JSON.parse((await webhooks('demo --json')).out)).toHaveLength(4)
  expect(await webhooks('demo nothing')).toMatchObject({ code: 2, err: expect.stringContaining('agent, release') })
})
