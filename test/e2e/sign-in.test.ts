import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { type NtfyServer, startNtfy } from '../functions/notification/ntfy/fake.ts'
import { describeInBrowser, launchBrowser, violations } from '../infra/local/console/chromium.ts'
import { type PeopleProvider, startPeopleProvider } from '../platforms/people-provider.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { waitForAll } from '../wait-for-all.ts'
import { callTool } from './mcp-client.ts'
import { Service } from './service.ts'

const PREFIX = 'cloud-automation-webhooks'
const TOKEN = 'token-of-the-agent'
const PHONE = { javaScriptEnabled: false, viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

const policyFile = join(temporaryFolder(), 'policy.yaml')
writeFileSync(
  policyFile,
  `groups: { sre: [] }
approval: { connection: inbox, by: ["group:sre"], waitAtMost: PT5M }
rules: []
`,
)

describeInBrowser('a sign-in on the page of an approval, in Chromium', () => {
  let inbox: NtfyServer
  let provider: PeopleProvider
  let service: Service
  let browser: Browser
  let contexts: BrowserContext[] = []

  beforeAll(async () => {
    ;[inbox, provider, browser] = await waitForAll([startNtfy(), startPeopleProvider(), launchBrowser()])
    service = new Service({
      policyFile,
      secrets: {
        [`${PREFIX}/people`]: provider.secret,
        [`${PREFIX}/callers`]: { 'incident-bot': { tokens: [tokenHash(TOKEN)], categories: ['*'], agent: true } },
        [`${PREFIX}/connections/notification/inbox`]: {
          provider: 'ntfy',
          baseUrl: inbox.url,
          token: inbox.token,
          channel: inbox.writable[0],
        },
      },
    })
    await service.start()
    await provider.register(`${service.url}/v1/notification/approvals/sign-in`)
  })
  beforeEach(() => {
    inbox.messages.length = 0
  })
  afterEach(async () => {
    Object.assign(provider, { change: undefined, forges: false, tokenStatus: undefined })
    await waitForAll(contexts.map((context) => context.close()))
    contexts = []
  })
  afterAll(async () => {
    await browser?.close()
    await service?.end()
    await waitForAll([inbox, provider].map((server) => server?.close()))
  })

  /** Lets an agent propose a write. Returns the task that waits, and the link that people get. */
  async function proposed(title: string) {
    const sent = { key: `test-${randomUUID()}`, input: { title }, wait: 1 }
    const { taskId } = (await callTool(service, 'issue-ticketing_open-issue', sent, { token: TOKEN })).structuredContent
    await service.until(async () => inbox.messages.length > 0, 'a message')
    return { taskId: String(taskId), link: inbox.messages[0]?.click ?? '' }
  }

  async function opened(link: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext(options)
    contexts.push(context)
    const page = await context.newPage()
    await page.goto(link)
    return page
  }

  /** Follows the link of our page, and enters the name of a person at the provider. */
  async function signIn(page: Page, person: string): Promise<void> {
    await page.getByRole('link', { name: 'Sign in' }).click()
    await authenticate(page, person)
  }
  async function authenticate(page: Page, person: string): Promise<void> {
    await page.locator('input[name=login]').fill(person)
    await page.locator('input[name=password]').fill('any')
    await page.getByRole('button', { name: 'Sign-in' }).click()
    const consent = page.getByRole('button', { name: 'Continue' })
    await consent.or(page.locator('main')).waitFor()
    if (await consent.isVisible()) await consent.click()
    await page.locator('main').waitFor()
  }
  const alert = (page: Page) => page.getByRole('alert').textContent()
  const canDecide = async (page: Page) => (await page.getByRole('button', { name: 'Approve' }).count()) > 0
  const issues = async (title: string) => (await service.issues()).filter((issue) => issue.title === title).length
  const verdict = async (taskId: string) =>
    (await callTool(service, 'get_task', { taskId }, { token: TOKEN })).structuredContent.verdict
  /** A person who may decide ends the approval. Nothing was decided before. */
  async function rejected({ taskId, link }: { taskId: string; link: string }): Promise<void> {
    expect(await verdict(taskId)).toBe('running')
    const page = await opened(link)
    await signIn(page, 'jane')
    await page.getByRole('button', { name: 'Reject' }).click()
    expect(await page.getByRole('status').textContent()).toBe('Rejected by Jane Doe (jane@example.com)')
    await service.until(async () => (await verdict(taskId)) === 'fail', 'the end of the task')
  }

  it('lets a person approve what an agent proposed, on a phone without JavaScript, and the records name both', async () => {
    const { taskId, link } = await proposed('Approved after a sign-in')
    const page = await opened(link, PHONE)
    expect(await canDecide(page)).toBe(false)
    await signIn(page, 'jane')
    expect(page.url()).toBe(link)
    expect(await page.getByText('Signed in as').textContent()).toContain('Jane Doe (jane@example.com)')
    expect(await issues('Approved after a sign-in')).toBe(0)
    const cookies = await page.context().cookies(service.url)
    const expected = { secure: true, httpOnly: true, sameSite: 'Lax', path: '/' }
    expect(cookies).toContainEqual(expect.objectContaining({ name: '__Host-approval', ...expected }))
    const box = await page.getByRole('button', { name: 'Approve' }).boundingBox()
    expect(box?.height).toBeGreaterThanOrEqual(44)
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(390)
    await page.getByLabel('Reason').fill('The runbook says so')
    await page.getByRole('button', { name: 'Approve' }).tap()
    const by = 'Jane Doe (jane@example.com)'
    expect(await page.getByRole('status').textContent()).toBe(`Approved by ${by}: The runbook says so`)
    await service.until(async () => (await verdict(taskId)) === 'pass', 'the end of the task')
    expect(await issues('Approved after a sign-in')).toBe(1)
    // The id of a task of an agent starts with its category.
    const id = taskId.split('.').at(-1)
    await service.until(() => service.logs().some(({ auditId }) => auditId === id), 'a record')
    const records = service.logs().filter(({ message }) => message === 'audit')
    expect(records).toContainEqual(
      expect.objectContaining({
        audit: 'task',
        taskId: id,
        caller: 'incident-bot',
        action: 'open-issue',
        decisions: [expect.objectContaining({ by, decision: 'approve', reason: 'The runbook says so' })],
      }),
    )
    expect(records).toContainEqual(expect.objectContaining({ audit: 'decision', by, outcome: 'approve' }))
    // The browser may be that of several people.
    expect(await page.context().cookies(service.url)).not.toContainEqual(
      expect.objectContaining({ name: '__Host-approval' }),
    )
    for (const secret of [provider.secret.clientSecret, new URL(link).pathname.split('.').at(-1) ?? ''])
      expect(service.output).not.toContain(secret)
  })

  it('passes accessibility checks: signed out, signed in, refused, and with a provider that is down', async () => {
    const asked = await proposed('Accessible')
    const page = await opened(asked.link)
    expect(await violations(page)).toEqual([])
    await signIn(page, 'jane')
    expect(await violations(page)).toEqual([])
    const refused = await opened(asked.link)
    await signIn(refused, 'ben')
    expect(await violations(refused)).toEqual([])
    const failing = await opened(asked.link)
    provider.tokenStatus = 503
    await signIn(failing, 'jane')
    expect(await failing.getByRole('status').textContent()).toContain('does not answer')
    expect(await violations(failing)).toEqual([])
    provider.tokenStatus = undefined
    await failing.getByRole('link', { name: 'Back to the approval' }).click()
    expect(failing.url()).toBe(asked.link)
    await rejected(asked)
  })

  it('does not let another person with the link decide', async () => {
    const asked = await proposed('Stolen link')
    const page = await opened(asked.link)
    await signIn(page, 'ben')
    expect(await alert(page)).toContain('Only group:sre may decide this')
    expect(await canDecide(page)).toBe(false)
    // The request that the missing form would send.
    const status = await page
      .evaluate(
        `fetch(location.href, { method: 'POST', body: new URLSearchParams({ decision: 'approve', name: 'Jane' }) }).then((sent) => sent.status)`,
      )
      .catch(() => 'refused by the policy of the page')
    expect(['refused by the policy of the page', 403]).toContain(status)
    await rejected(asked)
  })

  it('shows who is signed in in this browser, and lets another person sign in', async () => {
    const { taskId, link } = await proposed('Shared browser')
    const page = await opened(link)
    await signIn(page, 'ben')
    await page.goto(link)
    // The session at the provider is still that of Ben.
    await page.context().clearCookies({ name: '__Host-approval' })
    await page.goto(link)
    await page.getByRole('link', { name: 'Sign in to decide' }).click()
    expect(await page.getByText('Signed in as').textContent()).toContain('Ben Roe (ben@example.com)')
    expect(await canDecide(page)).toBe(false)
    await page.getByRole('link', { name: 'Sign in as another person' }).click()
    await authenticate(page, 'jane')
    await page.getByRole('button', { name: 'Approve' }).click()
    expect(await page.getByRole('status').textContent()).toBe('Approved by Jane Doe (jane@example.com)')
    await service.until(async () => (await verdict(taskId)) === 'pass', 'the end of the task')
  })

  it.each(['unverified', 'entra', 'stranger'])(
    'gives nothing to an account without a verified address: %s',
    async (person) => {
      const asked = await proposed(`Unverified ${person}`)
      const page = await opened(asked.link)
      await signIn(page, person)
      expect(await alert(page)).toMatch(
        /no verified e-mail address that counts|does not say that your e-mail address is verified/,
      )
      expect(await canDecide(page)).toBe(false)
      await rejected(asked)
    },
  )

  it('is not repeated with the URL of the return, in this or another browser', async () => {
    const asked = await proposed('Replayed')
    const page = await opened(asked.link)
    const returned = page.waitForRequest((request) => request.url().includes('/approvals/sign-in?'))
    await signIn(page, 'jane')
    const url = (await returned).url()
    for (const other of [page, await opened(asked.link)]) {
      await other.goto(url)
      expect(await other.getByRole('status').textContent()).toContain('was not started in this browser')
      expect(await canDecide(other)).toBe(false)
    }
    await rejected(asked)
  })

  it.each([
    ['another audience', { aud: 'another-client' }],
    ['another issuer', { iss: 'https://accounts.example.com' }],
    ['another sign-in', { nonce: 'another' }],
    ['the future', { iat: 4_000_000_000 }],
    ['the past', { exp: 1_000_000_000 }],
  ])('is refused with a token of %s', async (_what, claims) => {
    const asked = await proposed('Wrong token')
    const page = await opened(asked.link)
    provider.change = (issued) => ({ ...issued, ...claims })
    await signIn(page, 'jane')
    expect(await page.getByRole('heading').textContent()).toBe('You are not signed in')
    provider.change = undefined
    await rejected(asked)
  })

  it('is refused with a forged signature', async () => {
    const asked = await proposed('Forged')
    const page = await opened(asked.link)
    provider.forges = true
    await signIn(page, 'jane')
    expect(await page.getByRole('status').textContent()).toContain('its signature is not valid')
    provider.forges = false
    await rejected(asked)
  })
})
