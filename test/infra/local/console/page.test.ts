import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { Service, triggered } from '../../../e2e/service.ts'
import { type NtfyServer, startNtfy } from '../../../functions/notification/ntfy/fake.ts'
import { describeInBrowser, launchBrowser, violations } from './chromium.ts'

describeInBrowser('the console in Chromium', () => {
  let service: Service
  let browser: Browser
  let page: Page
  let inbox: NtfyServer
  const markup = '<img src=x onerror="document.title=\'run\'"><script>document.title="run"</script>'
  beforeAll(async () => {
    inbox = await startNtfy()
    const connection = { provider: 'ntfy', baseUrl: inbox.url, token: inbox.token, channel: inbox.writable[0] }
    const secrets = { 'cloud-automation-webhooks/connections/notification/inbox': connection }
    service = await new Service({ timeScale: 20, concurrency: 1, secrets }).start()
    browser = await launchBrowser()
    page = await newPage()
    await service.openIssue({ input: { title: markup, description: markup } })
    await service.call(
      '/v1/notification/ask-approval?mode=interactive&sendStarted=true',
      triggered({ type: 'sh.keptn.event.sign-off.triggered', input: { question: markup } }),
    )
    await service.fault({ target: 'slack', kind: 'slow', seconds: 600, delayMs: 10 })
  })
  afterAll(async () => {
    await browser?.close()
    await service.end()
    await inbox.close()
  })

  const problems: string[] = []
  afterEach(() => expect(problems.splice(0)).toEqual([]))
  async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
    const opened = await (await browser.newContext({ reducedMotion: 'reduce', ...options })).newPage()
    opened.on('pageerror', (error) => problems.push(error.message))
    opened.on('console', (line) => ['error', 'warning'].includes(line.type()) && problems.push(line.text()))
    return opened
  }
  const link = (name: RegExp, on = page) => on.getByRole('link', { name }).first()
  /** Loads a view again. A link to a view would keep the document. */
  async function open(hash: string): Promise<void> {
    await page.goto('about:blank')
    await page.goto(`${service.url}/${hash}`)
  }

  /** Each view, and a text that it shows when it has read its data. */
  const views: [view: string, text: string][] = [
    ['calls', 'open-issue'],
    ['calls?group=sequence', 'ask-approval'],
    ['calls?q=nothing-at-all', 'Stored: '],
    ['overview', 'p95 of a request'],
    ['policy', 'No policy yet'],
    ['send', 'trigger-deployment'],
    ['send/ci-cd/trigger-deployment', 'What to run'],
    ['send/ci-cd/trigger-deployment?as=json', 'Body'],
    ['sequences/release', 'production'],
    ['cli', 'npx webhooks tasks'],
    ['sandbox', 'Make it fail'],
    ['sandbox/chat', 'Approve'],
    ['sandbox/engines', 'No engine has called yet.'],
    ['sandbox/issues', markup],
    ['sandbox/flags', 'production-guarded on, 100 %'],
    ['sandbox/events', 'sh.keptn.event.sign-off.started'],
    ['sandbox/requests', '/issues'],
  ]
  async function show(page: Page, view: string, text: string): Promise<void> {
    await page.goto(`${service.url}/#/${view}`)
    await page.locator('main').getByText(text).filter({ visible: true }).first().waitFor()
  }

  describe('is accessible:', () => {
    it.each(views)('%s, which fits 320 pixels', async (view, text) => {
      await show(page, view, text)
      expect(await violations(page)).toEqual([])
      await page.setViewportSize({ width: 320, height: 640 })
      const isNarrow = () => page.evaluate<boolean>('document.documentElement.scrollWidth === 320')
      await service.until(isNarrow, 'the narrow layout', 10)
      await page.setViewportSize({ width: 1280, height: 720 })
    })

    it.each(['Waterfall', 'Requests', 'Input', 'Answer', 'Log'])('the tab %s of a call', async (tab) => {
      await page.goto(`${service.url}/#/calls`)
      await page.getByRole('link', { name: /ask-approval/ }).click()
      await page.getByRole('tab', { name: new RegExp(`^${tab}`) }).click()
      await page.getByRole('tab', { name: new RegExp(`^${tab}`), selected: true }).waitFor()
      if (tab === 'Requests') {
        await page.locator('.req').getByText('Send started to Keptn').first().waitFor()
        await page.keyboard.press('x')
      }
      expect(await violations(page)).toEqual([])
    })

    it.each(['slack', 'dynatrace', 'engines', 'tool', 'toxiproxy', 'slack?user=unknown'])(
      'the page %s of the sandbox, which is dark in dark mode',
      async (path) => {
        await page.goto(`${service.url}/sandbox/${path}`)
        expect(await violations(page)).toEqual([])
        const background = 'getComputedStyle(document.documentElement).backgroundColor'
        expect(await page.evaluate(background)).not.toBe('rgb(255, 255, 255)')
        await page.emulateMedia({ colorScheme: 'light' })
        expect(await page.evaluate(background)).toBe('rgb(255, 255, 255)')
        // Chromium reports the status 404 of the page for an unknown user.
        expect(problems.splice(0)).toHaveLength(path.includes('unknown') ? 1 : 0)
      },
    )
  })

  it('fits a phone, on which a call replaces the list', async () => {
    const phone = await newPage({ viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true })
    await phone.goto(`${service.url}/#/calls`)
    await link(/open-issue/, phone).tap()
    await phone.getByRole('heading', { name: 'open-issue' }).waitFor()
    expect(await phone.getByRole('searchbox').isVisible()).toBe(false)
    expect(await phone.evaluate('document.documentElement.scrollWidth')).toBe(320)
    await phone.getByRole('button', { name: 'Back to the calls' }).tap()
    await phone.getByRole('searchbox').waitFor()
    await phone.context().close()
  })

  it('shows data as text, never as markup', async () => {
    await open('#/sandbox/issues')
    await page.getByText(markup).first().waitFor()
    await page.goto(`${service.url}/#/calls`)
    await link(/open-issue/).click()
    await page.getByRole('tab', { name: 'Input' }).click()
    await page.getByText('onerror').first().waitFor()
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(await page.title()).toBe('Calls · Webhooks')
  })

  it('works with a keyboard, and the list does not move while people read', async () => {
    await open('#/calls')
    await link(/open-issue/).waitFor()
    const focused = () => page.evaluate('document.activeElement?.dataset.id')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement?.textContent')).toBe('Skip to the content')
    await page.keyboard.press('p')
    await page.getByText('Paused').waitFor()
    await page.keyboard.press('j')
    await page.locator('a.call:focus').waitFor()
    const first = await focused()
    await service.call('/v1/feature-flags/set-flag', { input: { flag: 'checkout-v2', state: 'on' } })
    await page.getByRole('button', { name: 'Show 1 new call' }).waitFor()
    expect(await focused()).toBe(first)
    await page.keyboard.press('Enter')
    await page.getByRole('tab', { name: 'Waterfall' }).waitFor()
    await page.keyboard.press('2')
    await page.getByRole('tab', { name: /^Requests/, selected: true }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('tab', { name: 'Waterfall' }).waitFor({ state: 'detached' })
    await page.keyboard.press('?')
    await page.getByRole('heading', { name: 'Keyboard shortcuts' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('link', { name: /set-flag/ }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('set-flag')
    await link(/open-issue/).waitFor({ state: 'detached' })
    expect(page.url()).toContain('q=set-flag')
  })

  it('filters by the values of a field', async () => {
    await open('#/calls')
    await page.getByRole('button', { name: 'Verdict' }).click()
    await page.getByRole('checkbox', { name: /Waiting for approval/ }).click()
    await link(/open-issue/).waitFor({ state: 'detached' })
    expect(page.url()).toContain('verdict=waiting')
    await page.getByRole('link', { name: 'Clear' }).click()
    await link(/open-issue/).waitFor()
  })

  it('names the values of a filter as the columns do', async () => {
    await open('#/calls?orchestrator=sandbox')
    const chip = page.getByRole('button', { name: 'Orchestrator Keptn' })
    await chip.click()
    await page.getByRole('checkbox', { name: /^Keptn/, checked: true }).waitFor()
    await page.getByRole('button', { name: 'Provider' }).click()
    await page.getByRole('checkbox', { name: /^Slack/ }).click()
    await page.getByRole('button', { name: 'Provider Slack' }).waitFor()
    expect(page.url()).toContain('provider=slack')
  })

  it('shows a request and its response below the waterfall, and asks before it runs a call again', async () => {
    await open('#/calls?action=open-issue')
    await page
      .getByRole('link', { name: /open-issue/ })
      .last()
      .click()
    await page
      .getByRole('button', { name: /POST .*issues/ })
      .first()
      .click()
    await page.getByText(/^Response after/).waitFor()
    await page.getByText('masked').first().waitFor()
    const before = page.url()
    await page.getByRole('button', { name: 'Re-run', exact: true }).click()
    await page.getByRole('button', { name: 'Run again' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Run again' }).waitFor({ state: 'detached' })
    expect(page.url()).toBe(before)
    await page.getByRole('button', { name: 'Re-run', exact: true }).click()
    await page.getByRole('button', { name: 'Run again' }).click()
    await page.waitForURL((url) => url.href !== before)
    await page.getByText('again', { exact: false }).first().waitFor()
  })

  it('shows what an example would do, without running it', async () => {
    await open('#/send/feature-flags/set-flag')
    await page.getByRole('button', { name: 'Dry run' }).click()
    await page
      .getByRole('status', { name: 'Response' })
      .getByText(/dryRun|would/i)
      .first()
      .waitFor()
    await page.getByRole('heading', { name: 'Dry run 200' }).waitFor()
  })

  it('sends an example and links to the call', async () => {
    await open('#/send/feature-flags/set-flag')
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByRole('link', { name: 'Open the call' }).click()
    await page.getByRole('heading', { name: 'set-flag' }).waitFor()
    expect(await page.locator('.dhead .note').textContent()).toContain('slow-recommendations')
  })

  it('leads to the command line, whose commands can be copied', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await open('#/calls')
    await page.getByRole('link', { name: 'Command line' }).click()
    await page.getByRole('button', { name: 'Copy npx webhooks sequence --list', exact: true }).click()
    await page.getByText('Copied').waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('npx webhooks sequence --list')
  })

  it('never breaks the number of an incident', async () => {
    const title = 'checkout-service-in-production-is-slow '.repeat(4).trim()
    await service.call('/v1/incident-management/open-ticket', { input: { title } })
    await open('#/sandbox/incidents')
    const number = page.getByRole('link', { name: /^INC\d+$/ }).first()
    await number.waitFor()
    expect(await number.evaluate((link) => link.getClientRects().length)).toBe(1)
  })

  it('adds a fault for some requests, and switches it off', async () => {
    await open('#/sandbox')
    const faults = async () => (await service.call('/sandbox/faults', undefined, { method: 'GET' })).body
    await page.getByRole('button', { name: 'Make it fail: GitHub', exact: true }).click()
    // The longest text fits into its field.
    const spare = await page.evaluate<number>(`(() => {
      const field = document.getElementById('fault-kind')
      const copy = document.body.appendChild(field.cloneNode(true))
      copy.style.width = 'max-content'
      const needed = copy.offsetWidth
      copy.remove()
      return field.offsetWidth - needed
    })()`)
    expect(spare).toBeGreaterThanOrEqual(0)
    await page.getByLabel('Method').selectOption('POST')
    await page.getByLabel('Path contains').fill('/issues')
    await page.getByLabel('Fault', { exact: true }).selectOption('hang')
    await page.getByLabel('Duration').selectOption('until switched off')
    await page.getByRole('button', { name: 'Add fault', exact: true }).last().click()
    await page.getByRole('button', { name: 'Switch off GitHub hang', exact: true }).waitFor()
    const match = { method: 'POST', path: '/issues' }
    expect(await faults()).toContainEqual(expect.objectContaining({ target: 'github', kind: 'hang', match }))
    await page.getByRole('button', { name: 'Switch off GitHub hang', exact: true }).click()
    await page.getByRole('button', { name: 'Switch off GitHub hang', exact: true }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Lose the response of the next write' }).click()
    await page.getByRole('button', { name: 'Switch off GitHub reset', exact: true }).waitFor()
    expect(await faults()).toContainEqual(expect.objectContaining({ kind: 'reset', after: true, count: 1 }))
    await service.fault({ target: 'slack', kind: 'slow', seconds: 600, delayMs: 10 })
  })

  it('links the tasks of a sequence, and their ids in its output, to the calls', async () => {
    await open('#/sequences/release')
    await page.getByRole('button', { name: 'Run release' }).click()
    const output = page.getByRole('region', { name: 'Output of release' })
    await output
      .getByRole('link', { name: /^[0-9a-f]{40}$/ })
      .first()
      .click()
    await page.getByRole('heading', { name: 'trigger-deployment' }).waitFor()
    await page.goBack()
    // Only the call of the task knows that it waits for people.
    await page.locator('.task.waiting').getByRole('link', { name: 'approval' }).click()
    await page.getByRole('heading', { name: 'ask-approval' }).waitFor()
    await page.goBack()
    await page.getByRole('button', { name: 'Stop release' }).click()
  })

  it('leads to the message of an approval, or says where it was sent, and never shows its link', async () => {
    const ask = async (connection: string) => {
      const event = triggered({ type: 'sh.keptn.event.sign-off.triggered', input: { question: 'Ship it?' } })
      const { body } = await service.call(
        `/v1/notification/ask-approval?mode=interactive&connection=${connection}`,
        event,
      )
      await open(`#/calls/${body.taskId}`)
      await page.getByRole('heading', { name: 'What happens next' }).waitFor()
      return page.locator('.detail')
    }
    const tool = await ask('tool')
    await tool.getByRole('link', { name: 'Open the message' }).waitFor()
    const url = await tool.getByRole('link', { name: 'Open the message' }).getAttribute('href')
    expect(url).toMatch(`${service.url}/sandbox/tool#message-`)
    expect(await tool.getByText(/^Reminder/).count()).toBe(0)

    const mail = await ask('inbox')
    const place = `The request was sent to ${inbox.writable[0]} by ntfy. Only that message leads to the decision.`
    await mail.getByText(place).waitFor()
    expect(await mail.getByRole('link', { name: /message|chat/ }).count()).toBe(0)
    await mail.getByText('Reminder', { exact: true }).waitFor()
    expect(await mail.getByText(/Keptn gets/).allTextContents()).toEqual([' Keptn gets pass', ' Keptn gets fail'])
    const key = /approvals\/(.+)/.exec(inbox.messages[0]?.click ?? '')?.[1]
    expect(key).toBeDefined()
    for (const tab of ['Waterfall', 'Requests', 'Input', 'Answer', 'Log']) {
      await mail.getByRole('tab', { name: new RegExp(`^${tab}`) }).click()
      expect(await page.content()).not.toContain(key)
    }
  })

  it('decides an approval in the chat', async () => {
    await open('#/calls?verdict=waiting&connection=default')
    await link(/ask-approval/).click()
    await link(/^Decide in the chat/).click()
    await page.getByRole('button', { name: 'Approve' }).first().click()
    await page.goto(`${service.url}/#/calls?action=ask-approval`)
    await link(/ask-approval/).waitFor()
    await page.getByText('Passed').first().waitFor()
  })
})
