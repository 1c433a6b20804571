import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { findBrowser } from '../../../../infra/local/console/browser.ts'

/** This project does not install a browser. Without one, the tests of pages are skipped. */
export const executablePath = findBrowser()

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
