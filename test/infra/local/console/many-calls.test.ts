import { createServer } from 'node:http'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { sendAsset } from '../../../../infra/local/console/assets.ts'
import { callList } from '../../../../infra/local/console/call-list.ts'
import { CallStore } from '../../../../infra/local/console/call-store.ts'
import { createEventStream } from '../../../../infra/local/console/event-stream.ts'
import { overviewOf } from '../../../../infra/local/console/overview.ts'
import { createRoutes } from '../../../../infra/local/console/routes.ts'
import { closeServer, listen } from '../../../../infra/local/port.ts'
import { describeInBrowser, launchBrowser } from './chromium.ts'
import { RARE_WORD, saveManyCalls, storedCall, summaryWith } from './many-calls.ts'

const COUNT = 50_000

describeInBrowser(`the console with ${COUNT} calls`, () => {
  const store = new CallStore(':memory:')
  const stream = createEventStream()
  const routes = createRoutes({
    calls: (query) => callList(store, query, Date.now()),
    call: () => undefined,
    overview: (ms) => overviewOf(store, ms, Date.now()),
    policy: () => undefined,
    alerts: () => undefined,
    notification: () => undefined,
    stops: async () => ({ stops: [] }),
    openStream: (res) => stream.add(res),
  })
  const server = createServer((req, res) => {
    const { pathname } = new URL(req.url ?? '/', 'http://127.0.0.1')
    if (pathname === '/') void sendAsset(res, 'index.html')
    else void routes(req, res, pathname.replace('/console/', ''))
  })
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    saveManyCalls(store, COUNT, Date.now())
    const url = await listen(server, 0)
    browser = await launchBrowser()
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
    await page.goto(`${url}/#/calls`)
    await page.getByText('Call number 0 of').waitFor()
  })
  afterAll(async () => {
    await browser?.close()
    stream.close()
    await closeServer(server)
    store.close()
  })

  const rows = () => page.locator('a.call').count()

  it('shows them as a list, but draws only the visible ones', async () => {
    await page.getByText('50,000 calls').waitFor()
    expect(await rows()).toBeLessThan(60)
  })

  it('scrolls to the middle and to the last one', async () => {
    const list = page.getByRole('region', { name: 'List of calls' })
    await list.evaluate((element) => element.scrollTo(0, element.scrollHeight / 2))
    await page.getByText(RARE_WORD).waitFor()
    await list.evaluate((element) => element.scrollTo(0, element.scrollHeight))
    await page.getByText(`Call number ${COUNT - 1} of`).waitFor()
    expect(await rows()).toBeLessThan(60)
    await list.evaluate((element) => element.scrollTo(0, 0))
    await page.getByText('Call number 0 of').waitFor()
  })

  it('finds one of them, and filters them', async () => {
    await page.getByLabel('Search calls').fill(RARE_WORD)
    await page.getByText('1 call', { exact: true }).waitFor()
    await page.getByText(`Call number ${COUNT / 2} of`).waitFor()
    await page.getByLabel('Search calls').fill('')
    await page.getByRole('button', { name: 'Verdict' }).click()
    await page.getByRole('checkbox', { name: /Failed/ }).click()
    await page.getByText('6,250 calls').waitFor()
    await page.getByText('Call number 4 of').waitFor()
    await page.getByRole('button', { name: 'Category' }).click()
    await page.getByRole('checkbox', { name: /issue-ticketing/ }).waitFor()
    await page.getByRole('button', { name: 'Context' }).click()
    await page.getByRole('checkbox', { name: /context-100\b/ }).waitFor()
  })

  it('shows new calls from the top', async () => {
    await page.evaluate("location.hash = '#/calls'")
    await page.getByText('50,000 calls').waitFor()
    const list = page.getByRole('region', { name: 'List of calls' })
    await list.evaluate((element) => element.scrollTo(0, element.scrollHeight / 2))
    await page.getByText(RARE_WORD).waitFor()
    const summary = summaryWith({ id: 'ffffffff-call', at: Date.now(), text: 'The newest call' })
    store.save([storedCall(summary)])
    stream.send('calls', { changed: [summary], removed: [] })
    await page.getByRole('button', { name: 'Show 1 new call' }).click()
    await page.getByText('The newest call').waitFor()
    expect(await list.evaluate((element) => element.scrollTop)).toBe(0)
  })

  it('summarizes them', async () => {
    await page.evaluate("location.hash = '#/overview?hours=168'")
    await page.getByRole('heading', { name: 'Outcomes' }).waitFor()
    await page.getByRole('img', { name: /calls: / }).waitFor()
    // Two of eight calls have no result.
    await page.getByRole('link', { name: /^Passed 66\.7 %/ }).waitFor()
  })
})
