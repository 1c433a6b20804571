import { describe, it } from '@jest/globals'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { findBrowser } from '../../../../infra/local/console/browser.ts'
import { PATIENCE } from '../../../e2e/service.ts'

const executablePath = findBrowser()
/** With `npm run test:stalled`, a page is this many times slower, so that a test which reads it too early fails. */
const SLOWDOWN = process.env['NODE_OPTIONS']?.includes('stall.mjs') ? 6 : 1
/** How long Playwright waits by default. */
const TIMEOUT_MS = 30_000
const NOT_FOUND = 'Chromium was not found. Install it, or set CHROMIUM=<path>.'
if (!executablePath && process.env['CI'] === 'true') throw new Error(NOT_FOUND)

/** Registers tests that need a browser. Without one, they are skipped, except in CI, and their name says why. */
export function describeInBrowser(name: string, tests: () => void): void {
  if (executablePath) describe(name, tests)
  else describe.skip(`${name}: ${NOT_FOUND}`, tests)
}

/** Registers a test that needs a browser, as `describeInBrowser` does. */
export function itInBrowser(name: string, test: () => Promise<void>): void {
  if (executablePath) it(name, test)
  else it.skip(`${name}: ${NOT_FOUND}`, test)
}

export async function launchBrowser(): Promise<Browser> {
  const timeout = TIMEOUT_MS * PATIENCE
  // The path of a socket may have about a hundred characters, and those of the tests have more on some systems.
  const env = { ...process.env, TMPDIR: process.env['SYSTEM_TMPDIR'] }
  const browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'], env, timeout })
  const newContext = browser.newContext.bind(browser)
  browser.newContext = async (options) => {
    const context = await newContext(options)
    context.setDefaultTimeout(timeout)
    const newPage = context.newPage.bind(context)
    context.newPage = async () => {
      const page = await newPage()
      if (SLOWDOWN > 1) {
        const session = await context.newCDPSession(page)
        await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN })
      }
      return page
    }
    return context
  }
  return browser
}

/**
 * Returns accessibility violations: all in light mode, and those of colors in dark mode, which changes nothing else.
 * The policy of the page does not apply to evaluated code.
 */
export async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate('"axe" in globalThis'))) await page.evaluate(axe.source)
  await page.emulateMedia({ colorScheme: 'light' })
  const found = await page.evaluate(runAxe, {})
  await page.emulateMedia({ colorScheme: 'dark' })
  return [...found, ...(await page.evaluate(runAxe, { runOnly: ['color-contrast', 'link-in-text-block'] }))]
}

async function runAxe(options: { runOnly?: string[] }): Promise<string[]> {
  const { axe } = globalThis as unknown as {
    axe: {
      run(
        options: object,
      ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }>
    }
  }
  return (await axe.run(options)).violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`,
  )
}
