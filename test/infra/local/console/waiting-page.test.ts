import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { Service, triggered } from '../../../e2e/service.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { describeInBrowser, launchBrowser, violations } from './chromium.ts'

const policyFile = join(temporaryFolder(), 'policy.yaml')
writeFileSync(
  policyFile,
  `approval: { connection: default, channel: "#releases" }
rules:
  - name: runbooks need a person
    when: { actions: [remediation/run-runbook] }
    approve: {}
`,
)
/** A word that does not fit a phone. */
const longWord = '5ce3c959a754df202d89ec398d58af2a7abaca48'.repeat(4)

const service = new Service({ policyFile })
// biome-ignore lint/suspicious/noExplicitAny: the tests check the structure.
const read = async (path: string): Promise<any> =>
  (await service.call(`/console/${path}`, undefined, { method: 'GET' })).body
let [waiting, asking] = ['', '']
beforeAll(async () => {
  await service.start()
  const input = { target: 'clear-cache', parameters: { ref: longWord } }
  const call = triggered({ type: 'sh.keptn.event.rollback.triggered', input })
  waiting = (await service.call('/v1/remediation/run-runbook?mode=interactive', call)).body.taskId
  await service.call('/v1/remediation/run-runbook?mode=interactive', call)
  const isAsked = async () => (await read(`calls/${waiting}`)).asking?.[0]?.approval?.messageUrl !== undefined
  await service.until(isAsked, 'the message of the question')
  asking = (await read(`calls/${waiting}`)).asking[0].id
})
afterAll(() => service.end())

describe('A call that waits for the approval of a policy', () => {
  it('is the one that waits for people, and has their question', async () => {
    expect(await read(`calls/${waiting}`)).toMatchObject({
      verdict: 'waiting',
      text: expect.stringContaining('runbooks need a person, until'),
      asking: [{ id: asking, verdict: 'asking', text: expect.stringContaining('Approve remediation/run-runbook') }],
    })
    const { running, waiting: count, calls } = await read('calls')
    expect({ running, count, all: calls.length }).toEqual({ running: 0, count: 1, all: 2 })
    for (const verdict of ['waiting', 'asking'])
      expect((await read(`calls?verdict=${verdict}`)).calls).toMatchObject([
        { id: verdict === 'waiting' ? waiting : asking },
      ])
    const { waiting: open, approvals } = await read('overview?hours=24')
    expect({ open, ids: approvals.map(({ id }: { id: string }) => id) }).toEqual({ open: 1, ids: [waiting] })
    expect((await read('policy')).waiting).toMatchObject([{ call: waiting }])
  })
})

describeInBrowser('The console with an open approval of a policy', () => {
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    const event = triggered({ type: 'sh.keptn.event.sign-off.triggered', input: { question: `Release ${longWord}?` } })
    const { taskId } = (await service.call('/v1/notification/ask-approval?mode=interactive', event)).body
    await service.until(async () => (await read(`calls/${taskId}`)).verdict === 'waiting', 'the long question')
    browser = await launchBrowser()
    page = await (await browser.newContext({ reducedMotion: 'reduce' })).newPage()
  })
  afterAll(() => browser?.close())

  /** Each view, and a text that it shows when it has read its data. */
  const views: [view: string, path: () => string, text: string][] = [
    ['the calls', () => 'calls', 'run-runbook'],
    ['the calls by sequence', () => 'calls?group=sequence', 'run-runbook'],
    ['the call', () => `calls/${waiting}`, 'Required by the policy'],
    ['the input of the call', () => `calls/${waiting}?tab=input`, longWord],
    ['the call that asks', () => `calls/${asking}`, 'What happens next'],
    ['an unknown call', () => 'calls/00000000', 'Back to the calls'],
    ['the overview', () => 'overview', 'run-runbook: Waits for an approval'],
    ['the overview with a long question', () => 'overview', longWord],
    ['the policy', () => 'policy', 'runbooks need a person'],
    ['the alerts', () => 'alerts', 'alerts'],
    ['the sequences', () => 'sequences', 'production'],
    ['the chat', () => 'sandbox/chat', 'Approve'],
    ['Send', () => 'send', 'ask people for approval'],
  ]
  const views390And1440 = views.flatMap(([view, path, text]) =>
    [390, 1440].map((width): [string, number, () => string, string] => [view, width, path, text]),
  )

  it.each(views390And1440)('shows %s accessibly at %i pixels, in light and dark mode', async (_, width, path, text) => {
    await page.setViewportSize({ width, height: 844 })
    await page.goto(`${service.url}/#/${path()}`)
    await page.locator('main').getByText(text).filter({ visible: true }).first().waitFor()
    expect(await violations(page)).toEqual([])
    const fits = () => page.evaluate<boolean>(`document.documentElement.scrollWidth === ${width}`)
    await service.until(fits, 'the layout', 10)
    expect(await page.locator('h1').count()).toBe(1)
  })

  it('shows the question in its call, how often that was run, and leads to the message', async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    await page.goto(`${service.url}/#/calls/${waiting}`)
    await page.locator('.dtitle .v.waiting').waitFor()
    expect(await page.locator('.note .once').textContent()).toBe('Received 2 times, runs once')
    expect(await page.locator('.question').textContent()).toContain(longWord)
    await page.getByRole('link', { name: 'Decide in the chat' }).click()
    await page.locator('main').getByText('Approve remediation/run-runbook').first().waitFor()
  })

  it('shows percentages of a few calls without decimals', async () => {
    await page.goto(`${service.url}/#/overview`)
    await page.getByText(/with a result/).waitFor()
    expect(await page.locator('.stats').textContent()).not.toMatch(/\d\.\d %/)
  })

  it('opens Send with the form of the first of three examples', async () => {
    await page.setViewportSize({ width: 1440, height: 844 })
    await page.goto(`${service.url}/#/send`)
    await page.getByRole('heading', { name: 'open-issue' }).waitFor()
    expect(await page.locator('.picker [aria-current]').textContent()).toBe('open-issue')
    const links = page.locator('main .note a')
    expect(await links.allTextContents()).toEqual(['open an issue', 'ask people for approval', 'run a load test'])
    await links.nth(1).click()
    await page.getByRole('heading', { name: 'ask-approval' }).waitFor()
  })
})
