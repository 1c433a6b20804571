import { spawnSync } from 'node:child_process'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { Browser, Page } from 'playwright-core'
import { describeInBrowser, launchBrowser, violations } from '../infra/local/console/chromium.ts'
import { listen } from '../listen.ts'

const root = join(import.meta.dirname, '../..')
const site = join(root, 'site')
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.md': 'text/markdown',
}
const server = createServer(({ url = '' }, res) => {
  const { pathname } = new URL(url, 'http://site')
  const file = join(site, pathname.endsWith('/') ? `${pathname}index.html` : pathname)
  if (!existsSync(file)) return void res.writeHead(404).end()
  res.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream')
  createReadStream(file).pipe(res)
})
let origin: string
beforeAll(async () => {
  const build = spawnSync(process.execPath, ['--no-warnings', 'infra/tools/release/site/main.ts'], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(`${build.stdout}${build.stderr}`).toContain('no broken links')
  origin = `http://127.0.0.1:${await listen(server)}`
})
afterAll(() => void server.close())

it('The site contains no report of the API, and each page names its Markdown', () => {
  expect(existsSync(join(site, 'docs'))).toBe(false)
  const [, href = ''] =
    /<link rel="alternate" type="text\/markdown" href="\/(.+?)">/.exec(
      readFileSync(join(site, 'policy.html'), 'utf8'),
    ) ?? []
  expect(readFileSync(join(site, href), 'utf8')).toMatch(/^# Policy\n/)
})

describeInBrowser('the site in Chromium', () => {
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    browser = await launchBrowser()
    page = await (await browser.newContext({ reducedMotion: 'reduce' })).newPage()
  })
  afterAll(() => browser?.close())

  it.each([
    ['WEBHOOKS_PORT', '/console.html#settings'],
    ['retry', '/what-if.html#the-platform-is-down-retries'],
    ['killed', '/what-if.html#something-is-killed'],
    ['threat', '/threat-model.html#threat-model'],
    ['Flagger', '/callers/flagger.html#flagger'],
    ['Argo Rollouts', '/callers/argo-rollouts.html#argo-rollouts'],
    ['happens once', '/evidence.html#how-we-know-that-it-happens-once'],
  ])('finds %s on %s', async (query, expected) => {
    await page.goto(`${origin}/`)
    await page.getByRole('button', { name: 'Search' }).first().click()
    await page.getByRole('searchbox').fill(query)
    const first = page.locator('.results a').first()
    await first.waitFor()
    await expect(first.getAttribute('href')).resolves.toBe(expected)
  })

  const pages = [
    '',
    'overview.html',
    'console.html',
    'threat-model.html',
    'reference.html',
    'http-api.html',
    'evidence.html',
    'callers/argo-rollouts.html',
    'platforms/github.html',
  ]
  it.each(pages)('/%s passes accessibility checks, and fits windows of 390 and 1440 pixels', async (path) => {
    for (const width of [390, 1440]) {
      await page.setViewportSize({ width, height: 900 })
      await page.goto(`${origin}/${path}`)
      await page.locator('.VPContent').waitFor()
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect({ width, overflow }).toEqual({ width, overflow: 0 })
      expect(await violations(page)).toEqual([])
    }
  })

  it('has a home page with the commands to try, and a picture', async () => {
    await page.goto(`${origin}/`)
    const [code, isLoaded] = [
      page.locator('.VPContent pre'),
      '[...document.images].some((image) => image.naturalWidth > 0)',
    ]
    await expect(code.first().textContent()).resolves.toContain('npx webhooks demo agent')
    expect(await page.evaluate(isLoaded)).toBe(true)
  })

  it('shows the pages of its section on the page of a folder', async () => {
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.goto(`${origin}/callers/`)
    await expect(page.locator('.VPSidebar').getByRole('link', { name: 'Flagger' }).isVisible()).resolves.toBe(true)
  })

  it('has a dark mode, headings with links, and buttons that copy code', async () => {
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.goto(`${origin}/console.html`)
    const isDark = () => page.evaluate('document.documentElement.classList.contains("dark")')
    const before = await isDark()
    await page.getByRole('switch').first().click()
    expect(await isDark()).toBe(!before)
    expect(await page.locator('h2 a.header-anchor').count()).toBeGreaterThan(5)
    expect(await page.locator('button.copy').count()).toBeGreaterThan(1)
  })
})
