import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { quoteForShell } from '../infra/project/shell-words.ts'
import type { MessageSummary } from '../infra/sandbox/platforms/slack/responses.ts'
import { requirePrinted, sectionsOf } from './documented-output.ts'
import { Service } from './e2e/service.ts'
import { webhooks } from './infra/cli/webhooks.ts'
import { temporaryFolder } from './temporary-folder.ts'

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)
const page = readFileSync(join(root, 'docs/cloud-automation.md'), 'utf8')

const folder = temporaryFolder()
const service = new Service({ timeScale: 20 })
beforeAll(() => service.start())
afterAll(() => service.end())

/** The files to write and the commands to run, in the order of the page. */
const steps = [...page.matchAll(/^(?:[^\n]*?`([\w./-]+\.json)`:\n\n)?```(sh|json)\n([\s\S]*?)^```/gm)].map(
  ([, file, kind, text = '']) => ({ file, kind, text: text.trim() }),
)

const CLI = [process.execPath, '--no-warnings', join(root, 'infra/cli/main.ts')]
/** Replaces `npx webhooks ..`. */
const NPX_FUNCTION = `npx() { shift; ${CLI.map(quoteForShell).join(' ')} "$@"; }`

describe('docs/cloud-automation.md', () => {
  it('has commands for each step', () => {
    expect(steps.filter(({ kind }) => kind === 'sh').length).toBeGreaterThanOrEqual(6)
  })

  it('writes only files that Git ignores', () => {
    const files = new Set(
      [...page.matchAll(/(?:^|[ `])((?:my-sequence|tracker)[\w./-]*)/gm)].map(([, file = '']) => file),
    )
    expect([...files]).toEqual(expect.arrayContaining(['tracker.json', 'my-sequence/shipyard.yaml']))
    const written = [...files].filter((file) => /\.(json|yaml)$/.test(file))
    const ignored = readFileSync(join(root, '.gitignore'), 'utf8').split('\n')
    for (const file of written) expect(ignored).toContain(file.includes('/') ? `/${dirname(file)}/` : `/${file}`)
  })

  it('works from top to bottom', async () => {
    let before = NPX_FUNCTION
    for (const { file, kind, text } of steps) {
      // The platform fails for some requests instead of some seconds.
      const here = text.replaceAll('http://127.0.0.1:8787', service.url).replace('"seconds":5', '"count":3')
      if (kind === 'json') {
        if (file === undefined) throw new Error(`The page does not name the file of: ${text.slice(0, 60)}`)
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
        out: expect.stringMatching(/did not pass|Error|has no source/),
      })
    }
    const issues = await service.call('/sandbox/issues', undefined, { method: 'GET' })
    const titles = issues.body.map(({ title }: { title: string }) => title)
    // One by a command, two by sequences, the second of them while GitHub failed.
    expect(titles).toEqual(['Checkout is slow', ...Array(2).fill(`It's "down"; $1 | 2 > ü`)])
  })
})

/** The sections with commands of a page, in the order of the page. Those without a policy are for one runtime. */
const documented = ['docs/recipes.md', 'docs/policy.md'].flatMap((page) => {
  const sections = sectionsOf(page)
  const together = sections.filter(({ policy }) => policy === undefined).flatMap(({ steps }) => steps)
  return [
    ...(together.length > 0 ? [{ page, part: 'most sections', policy: undefined, steps: together }] : []),
    ...sections.flatMap(({ title: part, policy, steps }) =>
      policy === undefined ? [] : [{ page, part, policy, steps }],
    ),
  ]
})

describe.each(documented)('$page, $part', ({ policy, steps }) => {
  const policyFile = join(temporaryFolder(), 'policy.yaml')
  if (policy !== undefined) writeFileSync(policyFile, policy)
  const started = new Service({ timeScale: 20, ...(policy === undefined ? {} : { policyFile }) })
  beforeAll(() => started.start())
  afterAll(() => started.end())
  // Ids, times and ages of tasks differ, and with them the width of columns.
  const normalize = (text: string) =>
    text
      .replaceAll(started.url, 'http://127.0.0.1:8787')
      .replace(/\b[0-9a-f]{8}\b/g, '<id>')
      .replace(/\b\d+ s\b/g, '<age>')
      .replace(/\b\d\d:\d\d:\d\d\b/g, '<time>')
      .replace(/ {2,}/g, ' ')
      .split('\n')
      .filter(Boolean)

  /** Approves the request, for which the command waits. */
  async function approve(): Promise<void> {
    const requests = async () =>
      ((await started.list('messages')) as MessageSummary[]).filter(({ buttons }) => buttons.length > 0)
    await started.until(async () => (await requests()).length > 0, 'the request for an approval')
    for (const request of await requests()) await started.press(request, 'approve', 'jane')
  }

  it('shows what its commands print', async () => {
    const env = { ...process.env, WEBHOOKS_URL: started.url, WEBHOOKS_STATE: started.state, NO_COLOR: '1' }
    for (const step of steps) {
      const command = step.command.replaceAll('http://127.0.0.1:8787', started.url)
      const [{ stdout }] = await Promise.all([
        run('bash', ['-e', '-c', `exec 2>&1\n${NPX_FUNCTION}\n${command}`], { cwd: root, env }),
        policy === undefined ? undefined : approve(),
      ])
      requirePrinted(step, stdout, normalize)
    }
  })
})

describe('docs/what-if.md', () => {
  it('shows a call while the platform is down, and one that is sent twice and runs once', async () => {
    const commands = [...readFileSync(join(root, 'docs/what-if.md'), 'utf8').matchAll(/^ {4}((?:curl|npx) .*)$/gm)].map(
      ([, line = '']) => line.replace('http://127.0.0.1:8787', service.url).replace('"seconds":20', '"count":1'),
    )
    const [fault = '', interactive = '', again = ''] = commands
    const env = { ...process.env, WEBHOOKS_URL: service.url, WEBHOOKS_STATE: service.state, NO_COLOR: '1' }
    const { stdout } = await run('bash', ['-e', '-c', [NPX_FUNCTION, fault, interactive, again, again].join('\n')], {
      cwd: folder,
      env,
    })
    expect(stdout).toContain('HTTP 202')
    expect(stdout).toContain('"verdict": "pass"')
    const [late, first, second] = stdout.match(/Opened issue \d+/g) ?? []
    expect(second).toBe(first)
    expect(first).not.toBe(late)
  })
})

describe('docs/quick-start.md', () => {
  const text = readFileSync(join(root, 'docs/quick-start.md'), 'utf8')

  it("shows a call with the quick start's payload that works", async () => {
    const [, command = ''] = /^```sh\n(.*?)^```/ms.exec(text) ?? []
    const { stdout } = await run('bash', ['-c', command.replace('http://127.0.0.1:8787', service.url)])
    expect(JSON.parse(stdout)).toMatchObject({ taskId: expect.any(String), duplicate: false })
  })

  it.each(
    [...text.matchAll(/`webhooks (config [^`]+)`/g)].flatMap(([, command = '']) =>
      command.includes('/') ? [command] : [],
    ),
  )('webhooks %s prints a webhook without a warning', async (command) => {
    const { code, err } = await webhooks(`${command} --url https://api.example.com`)
    expect([code, err]).toEqual([0, ''])
  })

  const place = { project: 'slo-demo', service: 'casdemoapp', stage: 'production' }
  const evaluated = { ...place, event: 'sh.keptn.event.evaluation.finished', result: 'pass (90 / 100)' }
  const task = (mode: string) => ({
    event: `sh.keptn.event.mytask-${mode}.triggered`,
    stage: 'production',
    custom: 'a',
    shkeptncontext: '6e7bc693-1dd2-4ab4-8a65-91949312d23c',
    id: mode,
  })
  const interactive = 'issue-ticketing/open-issue?mode=interactive'
  it.each<[string, string, object, number, string]>([
    ['of the SLO guide', 'notification/push-update', evaluated, 200, 'in slo-demo/production passed (score 90)'],
    ['of the SLO guide', 'slo/push-report?connection=events', evaluated, 200, 'passed (score 90)'],
    ['of SILENT.md', 'notification/push-update', task('silent'), 200, 'mytask-silent in production was triggered'],
    ['of SILENT.md', 'issue-ticketing/open-issue', task('silent'), 400, 'input.title is required'],
    ['of INTERACTIVE.md', interactive, task('interactive'), 400, 'data.project (the project), data.service'],
    ['of INTERACTIVE.md, completed,', interactive, { ...place, ...task('interactive') }, 202, 'taskId'],
  ])('is right about the payload %s sent to %s', async (_, path, payload, status, says) => {
    const answer = await service.call(`/v1/${path}`, payload)
    expect(answer.status).toBe(status)
    expect(JSON.stringify(answer.body)).toContain(says)
  })
})
