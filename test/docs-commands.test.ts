import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Service } from './e2e/service.ts'

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)
const page = readFileSync(join(root, 'docs/cloud-automation.md'), 'utf8')

let folder: string
const service = new Service({ timeScale: 20 })
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'webhooks-docs-'))
  await service.start()
})
afterAll(async () => {
  await service.end()
  rmSync(folder, { recursive: true, force: true })
})

/** What somebody does who reads from top to bottom: files are written as they are named, and commands run. */
const steps = [...page.matchAll(/^(?:[^\n]*?`([\w./-]+\.json)`:\n\n)?```(sh|json)\n([\s\S]*?)^```/gm)].map(
  ([, file, kind, text = '']) => ({ file, kind, text: text.trim() }),
)

/** What `npm run --silent webhooks -- ..` runs. */
const defined = `npm() { shift 4; node --no-warnings ${join(root, 'infra/cli/main.ts')} "$@"; }`

describe('Cloud Automation in ten minutes', () => {
  it('has commands for each of its steps', () => {
    expect(steps.filter(({ kind }) => kind === 'sh').length).toBeGreaterThanOrEqual(6)
  })

  it('has files written that git, and so npm run check, ignores', async () => {
    const files = new Set(
      [...page.matchAll(/(?:^|[ `])((?:my-sequence|tracker)[\w./-]*)/gm)].map(([, file = '']) => file),
    )
    expect([...files]).toEqual(expect.arrayContaining(['tracker.json', 'my-sequence/shipyard.yaml']))
    const written = [...files].filter((file) => /\.(json|yaml)$/.test(file))
    const { stdout } = await run('git', ['check-ignore', ...written], { cwd: root })
    expect(stdout.trim().split('\n')).toEqual(written)
  })

  it('works from top to bottom as it is written', async () => {
    let before = defined
    for (const { file, kind, text } of steps) {
      const here = text.replaceAll('http://127.0.0.1:8787', service.url)
      if (kind === 'json') {
        if (file === undefined) throw new Error(`It is not said which file this is: ${text.slice(0, 60)}`)
        mkdirSync(dirname(join(folder, file)), { recursive: true })
        writeFileSync(join(folder, file), here)
        continue
      }
      const env = { ...process.env, WEBHOOKS_URL: service.url, WEBHOOKS_STATE: service.state, NO_COLOR: '1' }
      const { stdout, stderr } = await run('bash', ['-e', '-c', `${before}\n${here}`], { cwd: folder, env }).catch(
        (error: { stdout: string; stderr: string; message: string }) => {
          throw new Error(`${text}\n${error.stdout}\n${error.stderr || error.message}`)
        },
      )
      if (/^webhooks\(\)/m.test(here)) before += `\n${here}`
      expect({ text, out: `${stdout}${stderr}` }).not.toMatchObject({
        out: expect.stringMatching(/did not pass|Error/),
      })
    }
    const issues = await service.call('/sandbox/issues', undefined, { method: 'GET' })
    const titles = issues.body.map(({ title }: { title: string }) => title)
    // By hand, by the sequence, and once more while GitHub failed.
    expect(titles).toEqual(['Checkout is slow', ...Array(2).fill(`It's "down"; $1 | 2 > ü`)])
  })
})
