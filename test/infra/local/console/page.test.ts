import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { findBrowser } from '../../../../infra/local/console/browser.ts'
import { Service, triggered } from '../../../e2e/service.ts'

const executablePath = findBrowser()
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
    await page.getByRole('heading').first().waitFor()
    return page
  }

  /** Returns accessibility violations. The policy of the page does not apply to evaluated code. */
  async function violations(page: Page): Promise<string[]> {
    await page.evaluate(axe.source)
    return page.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }> }
      }
      return (await axe.run()).violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`,
      )
    })
  }

  const views = [
    'calls',
    'send',
    'send/ci-cd/trigger-deployment',
    'sequences',
    'sandbox/issues',
    'sandbox/flags',
    'faults',
  ]

  it.each(['light', 'dark'] as const)('has no accessibility violations in %s mode', async (colorScheme) => {
    const page = await open('', { colorScheme })
    for (const view of views) {
      await page.goto(`${service.url}/#/${view}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.waitForLoadState('networkidle', { timeout: 500 }).catch(() => undefined)
      expect([view, await violations(page)]).toEqual([view, []])
    }
    await page.goto(`${service.url}/#/calls`)
    await page.getByRole('link', { name: /ask-approval/ }).click()
    await page.getByRole('heading', { name: 'Durable steps' }).waitFor()
    for (const summary of await page.locator('.detail summary').all()) await summary.click()
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: join(screenshots, `console-${colorScheme}.png`) })
    expect(problems).toEqual([])
    await page.context().close()
  })

  it('fits a phone of 320 pixels, on which a call replaces the list', async () => {
    const page = await open('', { viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true })
    for (const view of views) {
      await page.goto(`${service.url}/#/${view}`)
      await page.getByRole('heading').first().waitFor()
      expect([view, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([view, 320])
    }
    await page.goto(`${service.url}/#/calls`)
    await page.getByRole('link', { name: /open-issue/ }).tap()
    await page.getByRole('heading', { name: 'Inbound request' }).waitFor()
    expect(await page.getByRole('heading', { level: 1 }).isVisible()).toBe(false)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320)
    await page.getByRole('link', { name: 'All calls' }).tap()
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.context().close()
  })

  it('shows data as text, never as markup', async () => {
    const page = await open('#/sandbox/issues')
    await page.getByText(markup).first().waitFor()
    await page.goto(`${service.url}/#/calls`)
    await page.getByRole('link', { name: /open-issue/ }).click()
    await page.locator('summary').first().click()
    await page.getByText('onerror').first().waitFor()
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(await page.title()).toBe('Calls · Console')
    await page.context().close()
  })

  it.each([1_280, 320])('shows the state of an issue next to a long title at %d pixels', async (width) => {
    await service.openIssue({ input: { title: 'x'.repeat(250) } })
    const page = await open('#/sandbox/issues', { viewport: { width, height: 800 } })
    const state = page
      .getByRole('row', { name: 'x'.repeat(250) })
      .getByText('open', { exact: true })
      .first()
    await state.waitFor()
    const lines = await state.evaluate((element) => element.getClientRects().length)
    expect(lines).toBe(1)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
    await page.context().close()
  })

  it.each(['light', 'dark'] as const)('links to accessible pages of the sandbox in %s mode', async (colorScheme) => {
    const page = await open('', { colorScheme })
    for (const path of ['slack', 'dynatrace', 'tool', 'toxiproxy', 'slack?user=unknown']) {
      await page.goto(`${service.url}/sandbox/${path}`)
      expect([path, await violations(page)]).toEqual([path, []])
      const background = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
      expect([path, background === 'rgb(255, 255, 255)']).toEqual([path, colorScheme === 'light'])
    }
    await page.screenshot({ path: join(screenshots, `sandbox-${colorScheme}.png`) })
    await page.context().close()
  })

  it('works with a keyboard and shows new calls', async () => {
    const page = await open('#/calls')
    const focused = () => page.evaluate('document.activeElement?.textContent')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to the content')
    while (!String(await focused()).includes('ask-approval')) await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowDown')
    expect(await focused()).toContain('open-issue')
    await service.call('/v1/feature-flags/set-flag', { input: { flag: 'checkout-v2', state: 'on' } })
    await page.getByRole('link', { name: /set-flag/ }).waitFor()
    expect(await focused()).toContain('open-issue')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 2, name: 'open-issue' }).waitFor()
    expect(await focused()).toContain('open-issue')
    await page.context().close()
  })

  it('sends an example and links to the call', async () => {
    const page = await open('#/send/feature-flags/set-flag')
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByRole('link', { name: 'Open the call' }).click()
    await page.getByRole('heading', { name: 'Outgoing calls' }).waitFor()
    expect(await page.locator('.outcome').textContent()).toContain('slow-recommendations')
    await page.context().close()
  })

  it('switches a fault on and off', async () => {
    const page = await open('#/faults')
    const faults = async () => (await service.call('/sandbox/faults', undefined, { method: 'GET' })).body
    const hangs = page.getByRole('button', { name: 'github: hang', exact: true })
    await hangs.click()
    await page.getByRole('button', { name: 'Switch off github hang', exact: true }).waitFor()
    expect(await faults()).toContainEqual(expect.objectContaining({ target: 'github', kind: 'hang' }))
    expect(await hangs.getAttribute('aria-pressed')).toBe('true')
    await hangs.click()
    await page.getByRole('button', { name: 'Switch off github hang', exact: true }).waitFor({ state: 'detached' })
    expect(await faults()).not.toContainEqual(expect.objectContaining({ target: 'github' }))
    await page.context().close()
  })
})
