import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { findBrowser } from '../../../../infra/local/console/browser.ts'

/** This project does not install a browser. Without one, the tests of pages are skipped. */
export const executablePath = findBrowser()

/** Returns accessibility violations. The policy of the page does not apply to evaluated code. */
export async function violations(page: Page): Promise<string[]> {
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
