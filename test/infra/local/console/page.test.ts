import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { Service, triggered } from '../../../e2e/service.ts'
import { executablePath, violations } from './chromium.ts'

const screenshots = join(import.meta.dirname, '..', '..', '..', '..', 'screenshots')

// This project does not install a browser. Without one, console.test.ts still tests the console through HTTP.
if (!executablePath) console.log('Skipped the tests of the console page: Chromium was not found. Set CHROMIUM=<path>.')
const describeIfBrowser = executablePath ? describe : describe.skip

describeIfBrowser('the console in Chromium', () => {
  let service: Service
  let browser: Browser
  const markup = '<img src=x onerror="document.title=\'run\'"><script>document.title="run"</script>'
  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true })
    service = await new Service({ timeScale: 10 }).start()
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
    await service.openIssue({ input: { title: markup, description: markup } })
    await service.call(
      '/v1/notification/ask-approval?mode=interactive&sendStarted=true',
      triggered({ type: 'sh.keptn.event.sign-off.triggered', input: { question: markup } }),
    )
    await service.fault({ target: 'slack', kind: 'slow', seconds: 600 })
  })
  afterAll(async () => {
    await browser?.close()
    await service.end()
  })

  const problems: string[] = []
  async function open(hash: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await browser.newContext({ reducedMotion: 'reduce', ...options })).newPage()
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (line) => ['error', 'warning'].includes(line.type()) && problems.push(line.text()))
    await page.goto(`${service.url}/${hash}`)
    await page.getByRole('heading').first().waitFor({ state: 'attached' })
    return page
  }

  const views = [
    ...['calls', 'calls?group=sequence', 'calls?q=nothing-at-all', 'overview', 'send', 'send/ci-cd/trigger-deployment'],
    ...[
      'sequences/release',
      'sandbox',
      'sandbox/chat',
      'sandbox/engines',
      'sandbox/issues',
      'sandbox/flags',
      'sandbox/requests',
    ],
  ]
  const tabs = ['waterfall', 'requests', 'input', 'answer', 'log']
  const idle = (page: Page) => page.waitForLoadState('networkidle', { timeout: 500 }).catch(() => undefined)

  it.each(['light', 'dark'] as const)('has no accessibility violations in %s mode', async (colorScheme) => {
    const page = await open('', { colorScheme })
    for (const view of views) {
      await page.goto(`${service.url}/#/${view}`)
      await page.getByRole('heading', { level: 1 }).first().waitFor({ state: 'attached' })
      await idle(page)
      expect([view, await violations(page)]).toEqual([view, []])
    }
    await page.goto(`${service.url}/#/calls`)
    await page.getByRole('link', { name: /ask-approval/ }).click()
    for (const tab of tabs) {
      await page.getByRole('tab', { name: new RegExp(`^${tab}`, 'i') }).click()
      await page.keyboard.press('x')
      await idle(page)
      expect([tab, await violations(page)]).toEqual([tab, []])
    }
    await page.screenshot({ path: join(screenshots, `console-${colorScheme}.png`) })
    expect(problems).toEqual([])
    await page.context().close()
  })

  it('fits a phone of 320 pixels, on which a call replaces the list', async () => {
    const page = await open('', { viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true })
    for (const view of views) {
      await page.goto(`${service.url}/#/${view}`)
      await idle(page)
      expect([view, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([view, 320])
    }
    await page.goto(`${service.url}/#/calls`)
    await page
      .getByRole('link', { name: /open-issue/ })
      .first()
      .tap()
    await page.getByRole('heading', { name: 'open-issue' }).waitFor()
    expect(await page.getByRole('searchbox').isVisible()).toBe(false)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320)
    await page.getByRole('button', { name: 'Back to the calls' }).tap()
    await page.getByRole('searchbox').waitFor()
    await page.context().close()
  })

  it('shows data as text, never as markup', async () => {
    const page = await open('#/sandbox/issues')
    await page.getByText(markup).first().waitFor()
    await page.goto(`${service.url}/#/calls`)
    await page
      .getByRole('link', { name: /open-issue/ })
      .first()
      .click()
    await page.getByRole('tab', { name: 'Input' }).click()
    await page.getByText('onerror').first().waitFor()
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(await page.title()).toBe('Calls · Webhooks')
    await page.context().close()
  })

  it.each(['light', 'dark'] as const)('links to accessible pages of the sandbox in %s mode', async (colorScheme) => {
    const page = await open('', { colorScheme })
    for (const path of ['slack', 'dynatrace', 'engines', 'tool', 'toxiproxy', 'slack?user=unknown']) {
      await page.goto(`${service.url}/sandbox/${path}`)
      expect([path, await violations(page)]).toEqual([path, []])
      const background = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
      expect([path, background === 'rgb(255, 255, 255)']).toEqual([path, colorScheme === 'light'])
    }
    await page.screenshot({ path: join(screenshots, `sandbox-${colorScheme}.png`) })
    await page.context().close()
  })

  it('works with a keyboard, and the list does not move while people read', async () => {
    const page = await open('#/calls')
    await page
      .getByRole('link', { name: /open-issue/ })
      .first()
      .waitFor()
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
    await page
      .getByRole('link', { name: /open-issue/ })
      .first()
      .waitFor({ state: 'detached' })
    expect(page.url()).toContain('q=set-flag')
    await page.context().close()
  })

  it('filters by the values of a field', async () => {
    const page = await open('#/calls')
    await page.getByRole('button', { name: 'Verdict' }).click()
    await page.getByRole('checkbox', { name: /Waiting for approval/ }).click()
    await page
      .getByRole('link', { name: /open-issue/ })
      .first()
      .waitFor({ state: 'detached' })
    expect(page.url()).toContain('verdict=waiting')
    await page.getByRole('link', { name: 'Clear' }).click()
    await page
      .getByRole('link', { name: /open-issue/ })
      .first()
      .waitFor()
    await page.context().close()
  })

  it('shows a request and its response below the waterfall, and asks before it runs a call again', async () => {
    const page = await open('#/calls?action=open-issue')
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
    await page.getByRole('button', { name: 'Run again' }).click()
    await page.waitForURL((url) => url.href !== before)
    await page.getByText('again', { exact: false }).first().waitFor()
    await page.context().close()
  })

  it('sends an example and links to the call', async () => {
    const page = await open('#/send/feature-flags/set-flag')
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByRole('link', { name: 'Open the call' }).click()
    await page.getByRole('heading', { name: 'set-flag' }).waitFor()
    expect(await page.locator('.dhead .note').textContent()).toContain('slow-recommendations')
    await page.context().close()
  })

  it('adds a fault for some requests, and switches it off', async () => {
    const page = await open('#/sandbox')
    const faults = async () => (await service.call('/sandbox/faults', undefined, { method: 'GET' })).body
    await page.getByRole('button', { name: 'Make it fail: github', exact: true }).click()
    await page.getByLabel('Method').selectOption('POST')
    await page.getByLabel('Path contains').fill('/issues')
    await page.getByLabel('Fault', { exact: true }).selectOption('hang')
    await page.getByLabel('Duration').selectOption('until switched off')
    await page.getByRole('button', { name: 'Add fault', exact: true }).last().click()
    await page.getByRole('button', { name: 'Switch off github hang', exact: true }).waitFor()
    const match = { method: 'POST', path: '/issues' }
    expect(await faults()).toContainEqual(expect.objectContaining({ target: 'github', kind: 'hang', match }))
    await page.getByRole('button', { name: 'Switch off github hang', exact: true }).click()
    await page.getByRole('button', { name: 'Switch off github hang', exact: true }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Lose the response of the next write' }).click()
    await page.getByRole('button', { name: 'Switch off github reset', exact: true }).waitFor()
    expect(await faults()).toContainEqual(expect.objectContaining({ kind: 'reset', after: true, count: 1 }))
    await service.fault({ target: 'slack', kind: 'slow', seconds: 600 })
    await page.context().close()
  })

  it('decides an approval in the chat', async () => {
    const page = await open('#/sandbox/chat')
    await page.getByRole('button', { name: 'Approve' }).first().click()
    await page.goto(`${service.url}/#/calls?action=ask-approval`)
    await page
      .getByRole('link', { name: /Passed ask-approval|ask-approval/ })
      .first()
      .waitFor()
    await page.getByText('Passed').first().waitFor()
    await page.context().close()
  })
})
