import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { helpIfAsked } from '../../project/help.ts'
import { type Runtime, startRuntime } from '../runtime.ts'
import { findBrowser } from './browser.ts'

/** Folder of the images in the README. */
const folder = join(import.meta.dirname, '..', '..', '..', 'docs', 'images')
const desk: BrowserContextOptions = { viewport: { width: 1440, height: 900 } }
const phone: BrowserContextOptions = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }

helpIfAsked(`npm run screenshots: starts a runtime, saves screenshots of the console to docs/images/, and stops the runtime.

  CHROMIUM=<path>   path of Chromium, if it is not found
  --help            print this text`)
const executablePath = findBrowser()
if (!executablePath) {
  console.error('Chromium was not found. Install it (apt-get install chromium), or set CHROMIUM=<path>.')
  process.exit(1)
}
const state = mkdtempSync(join(tmpdir(), 'webhooks-screenshots-'))
mkdirSync(folder, { recursive: true })
const runtime = await startRuntime({ port: 0, state })
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
try {
  await takeAll(runtime, browser)
} finally {
  await browser.close()
  await runtime.close()
  rmSync(state, { recursive: true, force: true })
}

/** Fills the sandbox through the page and takes all screenshots. */
async function takeAll({ url }: Runtime, browser: Browser): Promise<void> {
  const page = await open(browser, desk, url)
  for (const name of ['incident', 'optimization']) {
    await page.goto(`${url}/#/sequences/${name}`)
    await page.getByRole('button', { name: `Run ${name}` }).click()
    await page.locator('.panel .v.pass', { hasText: 'Passed' }).last().waitFor({ timeout: 60_000 })
  }
  await page.goto(`${url}/#/sequences/incident`)
  await take(page, 'console-sequences')
  await sendExample(page, url, 'issue-ticketing', 'open-issue')
  await sendExample(page, url, 'notification', 'ask-approval')
  await page.goto(`${url}/#/sandbox`)
  for (let times = 0; times < 2; times++) await addFault(page)
  await take(page, 'console-sandbox')
  await sendExample(page, url, 'incident-management', 'open-ticket')
  await page.getByRole('link', { name: 'Open the call' }).click()
  await page.locator('.dtitle .v.pass').waitFor({ timeout: 60_000 })
  await take(page, 'console-call')
  const address = page.url()
  await page.goto(`${url}/#/calls`)
  await page
    .getByRole('link', { name: /open-issue/ })
    .first()
    .waitFor()
  await take(page, 'console-calls')
  await page.goto(`${url}/#/overview?hours=1`)
  await page.getByRole('heading', { name: 'Outcomes' }).waitFor()
  await take(page, 'console-overview')
  await page.goto(`${url}/#/send/notification/ask-approval`)
  await page.getByRole('heading', { name: 'Input' }).waitFor()
  await take(page, 'console-send')
  await page.context().close()

  for (const [name, options] of Object.entries({ dark: desk, phone })) {
    const other = await open(browser, { ...options, colorScheme: 'dark' }, address)
    await other.locator('.dhead').waitFor()
    await take(other, `console-${name}`)
    await other.context().close()
  }
}

/** Makes ServiceNow unavailable for its next request. */
async function addFault(page: Page): Promise<void> {
  await page.getByLabel('Platform').selectOption('servicenow')
  await page.getByLabel('Fault', { exact: true }).selectOption('503')
  await page.getByRole('button', { name: 'Add fault', exact: true }).click()
  await page.getByRole('button', { name: 'Switch off ServiceNow 503' }).first().waitFor()
}

async function open(browser: Browser, options: BrowserContextOptions, pageUrl: string): Promise<Page> {
  const page = await (await browser.newContext({ colorScheme: 'light', reducedMotion: 'reduce', ...options })).newPage()
  await page.goto(pageUrl)
  return page
}

async function sendExample(page: Page, url: string, category: string, action: string): Promise<void> {
  await page.goto(`${url}/#/send/${category}/${action}`)
  await page.getByRole('heading', { name: action }).waitFor()
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.getByRole('heading', { name: /^Response/ }).waitFor()
}

async function take(page: Page, name: string): Promise<void> {
  // Waits for fonts and the last event.
  await sleep(400)
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path })
  console.log(`${path}: ${Math.round(statSync(path).size / 1024)} KB`)
}
