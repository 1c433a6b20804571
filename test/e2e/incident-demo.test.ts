import { expect, test } from '@jest/globals'
import { spawnWebhooks, webhooks } from '../infra/cli/webhooks.ts'

test('webhooks demo incident --stay: each step happens once, and the console can be read until Ctrl-C', async () => {
  const { child, ended } = spawnWebhooks(['demo', 'incident', '--stay', '--json'], {})
  const url = await new Promise<string>((resolve, reject) => {
    let printed = ''
    child.stderr.on('data', (chunk) => {
      printed += chunk
      if (printed.includes('runtime  continues until Ctrl-C'))
        resolve(/shows each call at (\S+)/.exec(printed)?.[1] ?? '')
    })
    child.once('close', () => reject(new Error(printed)))
  })
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

test('webhooks demo: without a name, lists the demonstrations with a line each', async () => {
  const { code, out } = await webhooks('demo')
  const names = out.split('\n').flatMap((line) => /^(\w+) {2,}an? \w/.exec(line)?.[1] ?? [])
  expect({ code, names }).toEqual({ code: 0, names: ['agent', 'release', 'incident', 'alert'] })
  expect(JSON.parse((await webhooks('demo --json')).out)).toHaveLength(4)
  expect(await webhooks('demo nothing')).toMatchObject({ code: 2, err: expect.stringContaining('agent, release') })
})
