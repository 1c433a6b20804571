import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { stopsOfRuntime } from '../../../../infra/local/operator/operate-stops.ts'
import { readRuntimeFile } from '../../../../infra/local/runtime-file.ts'
import { Service, triggered } from '../../../e2e/service.ts'
import { describeInBrowser, launchBrowser, violations } from './chromium.ts'

describeInBrowser('the stops in the console', () => {
  let service: Service
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    service = await new Service({ timeScale: 20 }).start()
    browser = await launchBrowser()
    page = await newPage({ viewport: { width: 1440, height: 900 } })
  })
  afterAll(async () => {
    await browser?.close()
    await service.end()
  })
  const problems: string[] = []
  afterEach(() => expect(problems.splice(0)).toEqual([]))
  async function newPage(options: BrowserContextOptions): Promise<Page> {
    const opened = await (await browser.newContext({ reducedMotion: 'reduce', ...options })).newPage()
    opened.on('pageerror', (error) => problems.push(error.message))
    opened.on('console', (line) => ['error', 'warning'].includes(line.type()) && problems.push(line.text()))
    return opened
  }
  const operate = () => {
    const runtime = readRuntimeFile(service.state)
    if (!runtime) throw new Error('The runtime does not run.')
    return stopsOfRuntime(runtime.aws)
  }

  it('are set with a reason, shown in each view, and lifted', async () => {
    await page.goto(service.url)
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: 'Stop everything' })
    await dialog.getByRole('button', { name: 'Stop everything' }).click()
    // The browser asks for the reason.
    expect(await dialog.isVisible()).toBe(true)
    expect((await operate()({ operation: 'list' })).stops).toEqual([])
    await dialog.getByLabel('Reason, for everyone whose call waits').fill('bad release')
    expect(await violations(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Stop everything' }).click()
    const bar = page.getByRole('alert')
    await bar.getByText(/^Everything is stopped by an operator, since \d.*: bad release$/).waitFor()
    await dialog.waitFor({ state: 'hidden' })
    await service.openIssue(triggered({ input: { title: 'Slow' } }), '?mode=interactive')
    await page.getByText('Stopped by an operator: bad release').first().waitFor()
    expect(await violations(page)).toEqual([])
    for (const view of ['overview', 'policy', 'sandbox']) {
      await page.goto(`${service.url}/#/${view}`)
      await bar.waitFor()
    }
    await bar.getByRole('button', { name: 'Resume' }).click()
    await bar.getByText('Resume? What waits starts within a minute.').waitFor()
    await bar.getByRole('button', { name: 'Not now' }).click()
    await bar.getByRole('button', { name: 'Resume' }).click()
    await bar.getByRole('button', { name: 'Resume' }).click()
    await bar.waitFor({ state: 'hidden' })
    expect((await operate()({ operation: 'list' })).stops).toEqual([])
  })

  it('stop only some actions, if the form names them', async () => {
    await page.goto(service.url)
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: 'Stop everything' })
    await dialog.getByLabel('Reason, for everyone whose call waits').fill('bad release')
    await dialog.getByLabel('Only these actions').fill('ci-cd/no-such-action')
    const limited = page.getByRole('dialog', { name: 'Stop these actions' })
    await limited.getByRole('button', { name: 'Stop these actions' }).click()
    await limited.getByText('ci-cd/no-such-action: No action matches it.').waitFor()
    expect((await operate()({ operation: 'list' })).stops).toEqual([])
    problems.splice(0)
    await limited.getByLabel('Only these actions').fill('ci-cd/*, remediation/*')
    await limited.getByLabel('But not these').fill('remediation/rollback')
    await limited.getByLabel('Only on these connections').fill('prod-*')
    expect(await violations(page)).toEqual([])
    await limited.getByRole('button', { name: 'Stop these actions' }).click()
    const text = /^ci-cd\/\*, remediation\/\* of prod-\*, except remediation\/rollback is stopped by an operator/
    await page.getByRole('alert').getByText(text).waitFor()
    const { stops } = await operate()({ operation: 'list' })
    const [actions, except] = [['ci-cd/*', 'remediation/*'], ['remediation/rollback']]
    expect(stops).toMatchObject([{ reason: 'bad release', actions, except, connections: ['prod-*'] }])
    await operate()({ operation: 'resume' })
    await limited.waitFor({ state: 'hidden' })
    await page.getByRole('alert').waitFor({ state: 'hidden' })
  })

  it('that the command line sets and lifts appear and disappear in an open page, also on a phone', async () => {
    const phone = await newPage({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true })
    await phone.goto(service.url)
    const scope = { actions: ['ci-cd/*'], connections: ['prod-*'], except: ['ci-cd/cancel-run'] }
    const { changed } = await operate()({ operation: 'stop', reason: 'bad release', ...scope })
    await phone.getByText('ci-cd/* of prod-*, except ci-cd/cancel-run is stopped by an operator').waitFor()
    expect(await violations(phone)).toEqual([])
    const width = await phone.evaluate('document.documentElement.scrollWidth')
    expect(width).toBe(390)
    await operate()({ operation: 'resume', id: changed[0]?.id })
    await phone.getByRole('alert').waitFor({ state: 'hidden' })
    await phone.context().close()
  })
})
