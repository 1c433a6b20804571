import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { type NtfyServer, startNtfy } from '../functions/notification/ntfy/fake.ts'
import { describeInBrowser, launchBrowser, violations } from '../infra/local/console/chromium.ts'
import { Service, triggered } from './service.ts'

describeInBrowser('the page of an approval, in Chromium', () => {
  let inbox: NtfyServer
  let service: Service
  let browser: Browser
  beforeAll(async () => {
    inbox = await startNtfy()
    service = new Service({
      timeScale: 60,
      secrets: {
        'cloud-automation-webhooks/connections/notification/inbox': {
          provider: 'ntfy',
          baseUrl: inbox.url,
          token: inbox.token,
          channel: inbox.writable[0],
        },
      },
    })
    await service.start()
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await service.end()
    await inbox.close()
  })

  /** A question that waits, and its link. */
  async function asked(input: object = {}) {
    inbox.messages.length = 0
    const event = triggered({
      type: 'sh.keptn.event.sign-off.triggered',
      data: { project: 'shop', stage: 'production', service: 'checkout', result: 'warning' },
      input: {
        question: 'Version 2.3.1 goes to production tonight.\n\nThe load test warned: p95 is 480 ms.',
        ...input,
      },
    })
    await service.call('/v1/notification/ask-approval?connection=inbox&mode=interactive&sendStarted=true', event)
    await service.until(async () => inbox.messages.length > 0, 'a message')
    return { event, link: inbox.messages[0]?.click ?? '' }
  }

  async function opened(link: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('console', (line) => line.type() === 'error' && errors.push(line.text()))
    await page.goto(link)
    expect(errors).toEqual([])
    return page
  }

  it('passes accessibility checks, open and decided, in light and dark mode', async () => {
    const { event, link } = await asked()
    const page = await opened(link)
    expect(await violations(page)).toEqual([])
    await page.getByLabel('Your name').fill('Jane Doe')
    await page.getByLabel('Reason').fill('The tests are green')
    await page.getByRole('button', { name: 'Approve' }).click()
    await expect(page.getByRole('status').textContent()).resolves.toBe(
      'Approved by link: Jane Doe: The tests are green',
    )
    expect(await page.getByRole('button').count()).toBe(0)
    expect(await violations(page)).toEqual([])
    expect((await service.finishedOf(event.id)).finished).toMatchObject([{ result: 'pass' }])
    await page.context().close()
  })

  it('works on a phone without JavaScript and fits its width', async () => {
    const { event, link } = await asked({ question: `A${'a'.repeat(300)} word that does not end` })
    const page = await opened(link, {
      javaScriptEnabled: false,
      viewport: { width: 320, height: 640 },
      isMobile: true,
      hasTouch: true,
    })
    const box = await page.getByRole('button', { name: 'Reject' }).boundingBox()
    expect(box?.height).toBeGreaterThanOrEqual(44)
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(320)
    await page.getByLabel('Your name').fill('Ben')
    await page.getByRole('button', { name: 'Reject' }).tap()
    expect(await page.getByRole('status').textContent()).toBe('Rejected by link: Ben')
    expect((await service.finishedOf(event.id)).finished).toMatchObject([{ result: 'fail' }])
    await page.context().close()
  })

  it('works with a keyboard: Enter in a field does not decide, a button does', async () => {
    const { event, link } = await asked()
    const page = await opened(link)
    await page.keyboard.press('Tab')
    while ((await page.evaluate('document.activeElement?.id')) !== 'name') await page.keyboard.press('Tab')
    await page.keyboard.type('Kim')
    await page.keyboard.press('Enter')
    expect(await page.getByRole('button', { name: 'Approve' }).isVisible()).toBe(true)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement?.textContent')).toBe('Approve')
    await page.keyboard.press('Space')
    expect(await page.getByRole('status').textContent()).toBe('Approved by link: Kim')
    await service.finishedOf(event.id)
    await page.context().close()
  })

  it('reports a missing field and keeps the input', async () => {
    const { event, link } = await asked()
    const page = await opened(link)
    await page.evaluate("document.querySelector('input').removeAttribute('required')")
    await page.getByLabel('Reason').fill('Why not')
    const answered = page.waitForResponse((response) => response.request().method() === 'POST')
    await page.getByRole('button', { name: 'Approve' }).click()
    expect((await answered).status()).toBe(400)
    expect(await page.getByRole('alert').textContent()).toContain('Enter your name')
    expect(await page.getByLabel('Reason').inputValue()).toBe('Why not')
    expect(await violations(page)).toEqual([])
    await page.getByLabel('Your name').fill('Lu')
    await page.getByRole('button', { name: 'Reject' }).click()
    await page.getByRole('status').waitFor()
    await service.finishedOf(event.id)
    await page.context().close()
  })
})
