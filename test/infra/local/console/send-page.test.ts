import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import type { Browser, Locator, Page } from 'playwright-core'
import { Service } from '../../../e2e/service.ts'
import { waitForAll } from '../../../wait-for-all.ts'
import { describeInBrowser, launchBrowser, violations } from './chromium.ts'

describeInBrowser('the page Send', () => {
  let service: Service
  let browser: Browser
  let page: Page
  const problems: string[] = []
  beforeAll(async () => {
    service = await new Service({ timeScale: 20, concurrency: 1 }).start()
    browser = await launchBrowser()
    const context = await browser.newContext({ reducedMotion: 'reduce', viewport: { width: 1440, height: 900 } })
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: service.url })
    page = await context.newPage()
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (line) => ['error', 'warning'].includes(line.type()) && problems.push(line.text()))
  })
  afterAll(async () => {
    await browser?.close()
    await service.end()
  })
  afterEach(() => expect(problems.splice(0)).toEqual([]))

  /** Loads a view again. A link to a view would keep the document. */
  async function open(path: string): Promise<void> {
    await page.goto('about:blank')
    await page.goto(`${service.url}/#/send${path}`)
  }
  const field = (name: string) => page.getByRole('textbox', { name, exact: true })
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const links = () => page.getByRole('navigation', { name: 'Actions' }).getByRole('link')
  const bodyText = () => page.getByLabel('Body').inputValue()
  /** Returns the text of the elements that describe a field. */
  async function describedBy(control: Locator): Promise<string> {
    const ids = (await control.getAttribute('aria-describedby'))?.split(' ') ?? []
    return (await waitForAll(ids.map((id) => page.locator(`[id="${id}"]`).textContent()))).join(' ')
  }
  async function editLatestCall(): Promise<void> {
    const { body } = await service.call('/console/calls?limit=1', undefined, { method: 'GET' })
    await page.goto(`${service.url}/#/calls/${body.calls[0].id}`)
    await button('Edit and re-run').click()
  }
  const isDisabled = (name: string) => button(name).isDisabled()
  const until = (holds: () => Promise<boolean>, what: string) => service.until(holds, what)
  const code = () => page.getByRole('tabpanel').locator('pre').textContent()

  it('finds an action by words of its names, and opens it with the keyboard', async () => {
    await open('')
    await links().first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('open ticket')
    await until(async () => (await links().allTextContents()).join() === 'open-ticket,open-issue', 'the found actions')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/#/send/issue-ticketing/open-issue')
    await page.getByRole('heading', { name: 'open-issue' }).waitFor()
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'open-ticket' }).waitFor()
  })

  it('finds the actions of a connection, and selects it', async () => {
    await open('')
    await links().first().waitFor()
    await page.getByRole('searchbox').fill('github issue open')
    await page.keyboard.press('Enter')
    // The page shows the form of this action before one is selected, so its heading does not show the selection.
    await page.waitForURL('**/#/send/issue-ticketing/open-issue?connection=default')
    await until(async () => (await page.getByLabel('connection').inputValue()) === 'default', 'the connection')
    await page.getByRole('searchbox').fill('jira open')
    await page.getByRole('link', { name: 'open-issue not connected' }).waitFor()
    await page.getByRole('searchbox').fill('unknown words')
    await page.getByText('No category, action or connection has these words.').waitFor()
  })

  it('makes its fields from the schema: choices, required fields, descriptions and JSON', async () => {
    await open('/feature-flags/set-flag')
    const flag = field('flag required')
    expect(await flag.getAttribute('aria-required')).toBe('true')
    expect(await describedBy(flag)).toBe('Key of the flag')
    expect(await page.getByLabel('state').locator('option').allTextContents()).toEqual(['not set', 'on', 'off'])
    expect(await page.getByLabel('mode').locator('option').allTextContents()).toEqual([
      'silent (default)',
      'silent',
      'interactive',
      'gate',
    ])
    await field('percentage').fill('25')
    await page.getByLabel('mode').selectOption('interactive')
    await field('deadline').fill('PT5M')
    await button('JSON').click()
    expect(JSON.parse(await bodyText()).input).toMatchObject({ flag: 'slow-recommendations', percentage: 25 })
    expect(await page.getByLabel('Query of').inputValue()).toBe('mode=interactive&deadline=PT5M')
    expect(page.url()).toContain('as=json')
  })

  it('keeps everything when people switch between fields and JSON', async () => {
    await open('/issue-ticketing/open-issue?as=json')
    const body = { other: [1], input: { title: 'T', unknown: { a: null }, labels: ['a'] }, id: 'an-id' }
    await page.getByLabel('Body').fill(JSON.stringify(body))
    await page.getByLabel('Query of').fill('mode=silent&data.project=shop')
    await button('Fields').click()
    await page.getByText('In the JSON only: other, input.unknown, data.project').waitFor()
    await field('title').fill('Changed')
    await field('labels list').fill('["a", "b"]')
    await button('JSON').click()
    expect(JSON.parse(await bodyText())).toEqual({
      ...body,
      input: { ...body.input, title: 'Changed', labels: ['a', 'b'] },
    })
    expect(await page.getByLabel('Query of').inputValue()).toBe('mode=silent&data.project=shop')
  })

  it('keeps a text that is not JSON, says what is wrong with it, and does not send it', async () => {
    await open('/issue-ticketing/open-issue')
    await field('labels list').fill('["a", ')
    expect(await describedBy(field('labels list'))).toContain('Not JSON')
    expect([await isDisabled('Send'), await isDisabled('Dry run')]).toEqual([true, true])
    await button('JSON').click()
    expect(JSON.parse(await bodyText()).input.labels).toBe('["a", ')
    await button('Fields').click()
    expect(await field('labels list').inputValue()).toBe('["a", ')
    await field('labels list').fill('a, b')
    expect(await isDisabled('Send')).toBe(false)
    await button('JSON').click()
    await page.getByLabel('Body').fill('{"input": ')
    expect(await describedBy(page.getByLabel('Body'))).toContain('The body is not JSON')
    expect([await isDisabled('Send'), await isDisabled('Fields')]).toEqual([true, true])
    expect(await bodyText()).toBe('{"input": ')
  })

  it('shows what the runtime says about a field next to it, until the field changes', async () => {
    await open('/feature-flags/set-flag')
    await field('flag required').fill('')
    await field('percentage').fill('200')
    await button('Dry run').click()
    await page.getByRole('heading', { name: 'Dry run 400' }).waitFor()
    expect(await describedBy(field('flag required'))).toContain('is required')
    expect(await describedBy(field('percentage'))).toContain('must be a whole number from 0 to 100')
    expect(await violations(page)).toEqual([])
    await field('flag required').fill('checkout-v2')
    expect(await describedBy(field('flag required'))).toBe('Key of the flag')
    await field('percentage').fill('20')
    await page.keyboard.press('Control+Enter')
    await page.getByRole('heading', { name: 'Response 200' }).waitFor()
  })

  it('opens the request of an earlier call with its values in the fields', async () => {
    const input = { title: 'An earlier title', labels: ['x'] }
    await service.openIssue({ id: 'earlier', input }, '?mode=silent&connection=default')
    await editLatestCall()
    await until(async () => (await field('title').inputValue()) === input.title, 'the title of the call')
    expect(await field('labels list').inputValue()).toBe('["x"]')
    expect(await page.getByLabel('connection').inputValue()).toBe('default')
    await button('Send').click()
    await page.getByRole('heading', { name: 'Response 200' }).waitFor()
    expect((await service.issues()).filter(({ title }) => title === input.title)).toHaveLength(2)
  })

  it('opens a form of Keptn as fields', async () => {
    const form = new URLSearchParams({ id: 'from-keptn', 'data.project': 'shop', 'input.title': 'From a form' })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    await service.openIssue(form, '?mode=silent', { headers })
    await editLatestCall()
    await until(async () => (await field('title').inputValue()) === 'From a form', 'the title of the form')
    await button('JSON').click()
    expect(JSON.parse(await bodyText())).toMatchObject({ data: { project: 'shop' }, input: { title: 'From a form' } })
  })

  it('keeps what is typed while a call is sent', async () => {
    await open('/feature-flags/set-flag')
    await field('comment').waitFor()
    await page.route('**/console/actions/feature-flags/set-flag', async (route) => {
      await field('comment').fill('Typed meanwhile')
      await route.continue()
    })
    await button('Dry run').click()
    await page.getByRole('heading', { name: 'Dry run 200' }).waitFor()
    expect(await field('comment').inputValue()).toBe('Typed meanwhile')
    await page.unrouteAll()
  })

  it('copies the current call as code of each engine', async () => {
    await open('/issue-ticketing/open-issue')
    await field('title').fill("It's slow")
    for (const [tab, text] of [
      ['curl', `"title": "It'\\''s slow"`],
      ['Keptn', 'kind: WebhookConfig'],
      ['GitHub', 'id-token: write'],
      ['Step Functions', '"title": "It\'s slow"'],
    ] as const) {
      await page.getByRole('tab', { name: tab }).click()
      await until(async () => (await code())?.includes(text) === true, `${text} in the code`)
      await button('Copy').click()
      expect(await page.evaluate('navigator.clipboard.readText()')).toBe(await code())
    }
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('ArrowRight')
    await page.getByRole('tab', { name: 'curl', selected: true }).waitFor()
    await page.getByLabel('mode').selectOption('gate')
    await page.getByRole('tab', { name: 'Keptn' }).click()
    await page.getByText('Select the mode interactive').waitFor()
    expect(await isDisabled('Copy')).toBe(true)
  })
})
