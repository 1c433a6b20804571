import { randomUUID } from 'node:crypto'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { JWTPayload } from 'jose'
import type { Task } from '../../shared/core/call.ts'
import { readApproval } from '../../shared/state/approvals.ts'
import { startOnce } from '../functions/helpers.ts'
import { withLogLines } from '../log-lines.ts'
import { startPeopleProvider } from '../platforms/people-provider.ts'
import { SignInClient } from '../platforms/sign-in-client.ts'
import { triggered } from './lifecycle.ts'
import { passTime } from './runner.ts'
import { useApprovals } from './waiting.ts'

const { lifecycle, platform, slack, deploy, run } = useApprovals()
const provider = startOnce(() => startPeopleProvider())
const ORIGIN = 'https://webhooks.example.com/v1/notification'

beforeAll(() => provider.register(`${ORIGIN}/approvals/sign-in`))
beforeEach(() => lifecycle.replace('people', provider.secret))
afterEach(async () => {
  Object.assign(provider, { change: undefined, forges: false, hangs: false, tokenStatus: undefined })
  lifecycle.secrets.delete('cloud-automation-webhooks/people')
})

const byJane = { name: 'jane', approve: { connection: 'chat', by: ['jane@example.com'] } }
const anyone = { name: 'anyone', approve: { connection: 'chat' } }

/** A browser of its own. */
function browser(): SignInClient {
  return new SignInClient((method, { pathname, searchParams }, headers, body) =>
    lifecycle.request(method, pathname.replace('/v1/notification/', ''), {
      headers,
      body: body ?? null,
      queryStringParameters: Object.fromEntries(searchParams),
    }),
  )
}
const pageOf = ({ id }: Task) => `${ORIGIN}/${platform.messages.find(({ key }) => key === id)?.page}`
const form = (fields: object) => new URLSearchParams({ decision: 'approve', ...fields }).toString()
const decide = (client: SignInClient, page: string, fields = {}) => client.open(page, 'POST', form(fields))
/** Signs in and decides, in a browser of its own. */
async function decideAs(person: string, asking: Task, fields = {}) {
  const client = browser()
  await client.signIn(pageOf(asking), person)
  return decide(client, pageOf(asking), fields)
}
/** Asks people, does something while they have not decided, and lets Jane approve. */
async function whileOpen(act: (page: string, asking: Task) => Promise<void>, rule: object = byJane) {
  deploy([rule])
  const ended = await run({
    async people(asking) {
      await act(pageOf(asking), asking)
      const { decision } = (await readApproval(asking.id)) ?? {}
      expect(decision).toBeUndefined()
      Object.assign(provider, { change: undefined, forges: false, hangs: false, tokenStatus: undefined })
      expect((await decideAs('jane', asking)).statusCode).toBe(200)
    },
  })
  expect([ended.outcome?.result, ended.early]).toEqual(['pass', 0])
  return ended
}

describe('A person who is signed in', () => {
  it('sees the question again, and approves under the verified name', async () => {
    const { result, lines } = await withLogLines(async () => {
      deploy([byJane])
      return run({
        async people(asking) {
          const client = browser()
          const page = pageOf(asking)
          const before = await client.open(page)
          expect(before.body).toContain(`href="${page}/sign-in"`)
          expect(before.body).not.toContain('<form')
          const { statusCode, body } = await client.signIn(page, 'jane')
          expect([statusCode, body]).toEqual([200, expect.stringContaining('Jane Doe (jane@example.com)')])
          expect(body).not.toContain('name="name"')
          const decided = await decide(client, page, { name: 'Ben', reason: 'It is tested' })
          expect([decided.statusCode, client.cookie]).toEqual([200, undefined])
        },
      })
    })
    const { outcome, asked } = result
    const by = 'Jane Doe (jane@example.com)'
    expect([outcome?.result, asked[0]?.outcome?.message]).toEqual(['pass', `Approved by ${by}: It is tested`])
    const records = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
    const audited = records.filter(({ message }) => message === 'audit')
    expect(audited).toContainEqual(expect.objectContaining({ audit: 'decision', by, outcome: 'approve' }))
    expect(audited).toContainEqual(
      expect.objectContaining({
        audit: 'task',
        caller: 'keptn',
        decisions: [expect.objectContaining({ by, rule: 'jane' })],
      }),
    )
    expect(lines.join('\n')).not.toContain(provider.secret.clientSecret)
  })

  it('may decide as a member of a group that the provider names', async () => {
    deploy([{ name: 'group', approve: { connection: 'chat', by: ['group:sre'] } }], { groups: { sre: [] } })
    const statuses: number[] = []
    const { outcome } = await run({
      async people(asking) {
        for (const person of ['ben', 'kim', 'jane']) statuses.push((await decideAs(person, asking)).statusCode)
      },
    })
    expect([outcome?.result, statuses]).toEqual(['pass', [403, 403, 200]])
  })

  it('is not a member of a group whose people the policy lists', async () => {
    const groups = { sre: ['ben@example.com'] }
    deploy([{ name: 'group', approve: { connection: 'chat', by: ['group:sre'] } }], { groups })
    const statuses: number[] = []
    await run({
      async people(asking) {
        for (const person of ['jane', 'ben']) statuses.push((await decideAs(person, asking)).statusCode)
      },
    })
    expect(statuses).toEqual([403, 200])
  })

  it('approves what the agent of another person has proposed, and the audit record names both', async () => {
    const audience = 'https://webhooks.example.com/v1/mcp'
    const oidc = { issuer: provider.issuer, audience, claims: { email: '*@example.com' } }
    lifecycle.replace('callers', { ...callers(), bot: { oidc, categories: ['*'], agent: true, writes: 'allow' } })
    deploy([{ name: 'others', approve: { connection: 'chat', notRequester: true } }])
    const token = await provider.tokenOf('ben', { aud: audience, scope: 'actions:write' })
    const proposed = await lifecycle.send('POST', 'start-run?connection=job&mode=interactive', {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id: randomUUID(), input: { target: 'deploy' } }),
    })
    const task = lifecycle.accepted(proposed)
    const statuses: number[] = []
    const { result, lines } = await withLogLines(() =>
      run({
        task,
        async people(asking) {
          for (const person of ['ben', 'jane']) statuses.push((await decideAs(person, asking)).statusCode)
        },
      }),
    )
    expect([result.outcome?.result, statuses]).toEqual(['pass', [403, 200]])
    const records = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
    expect(records.filter(({ audit }) => audit === 'task')).toContainEqual(
      expect.objectContaining({
        caller: 'bot',
        person: 'ben@example.com',
        decisions: [expect.objectContaining({ by: 'Jane Doe (jane@example.com)' })],
      }),
    )
  })

  it('counts once, in any browser', async () => {
    deploy([{ name: 'two', approve: { connection: 'chat', count: 2 } }])
    const shown: string[] = []
    const { promise: pagesOpened, resolve: finishOpening } = Promise.withResolvers<void>()
    let last: Promise<unknown> | undefined
    const { outcome } = await run({
      async people(asking, wait) {
        // Pressing again wakes the task, too, and the next wait may start before the pages are open.
        if (wait !== 'decision-wake-0') {
          last ??= pagesOpened.then(() => decideAs('ben', asking))
          return last
        }
        await decideAs('jane', asking)
        shown.push((await decideAs('jane', asking)).body, (await browser().open(pageOf(asking))).body)
        expect(platform.runs).toEqual([])
        finishOpening()
      },
    })
    const soFar = expect.stringContaining('1 of 2 have approved: Jane Doe (jane@example.com)')
    expect(shown).toEqual([soFar, soFar])
    const by = 'Jane Doe (jane@example.com), Ben Roe (ben@example.com)'
    expect([outcome?.result, outcome?.message]).toEqual(['pass', expect.anything()])
    expect(platform.messages[0]?.texts.at(-1)).toContain(`Approved by ${by}`)
  })

  it.each([
    ['an owner of the caller', ['jane@example.com'], 403, 'You requested this approval'],
    ['another person', ['ben@example.com'], 200, 'Approved by'],
  ])('as %s gets %s with notRequester', async (_who, owners, status, text) => {
    lifecycle.replace('callers', { ...callers(), keptn: { ...callers()['keptn'], owners } })
    deploy([{ name: 'others', approve: { connection: 'chat', notRequester: true } }])
    await run({
      async people(asking) {
        const { statusCode, body } = await decideAs('jane', asking)
        expect([statusCode, body]).toEqual([status, expect.stringContaining(text)])
        if (status !== 200) expect((await decideAs('kim', asking)).statusCode).toBe(200)
      },
    })
  })

  it('is not the person of an address in the token that only another answer calls verified', async () => {
    await whileOpen(async (page) => {
      // Because the token has no groups, a second answer follows: it says that the address of Jane is verified.
      provider.change = ({ groups: _, email_verified: _1, ...claims }) => ({ ...claims, email: 'ben@example.com' })
      const { body } = await browser().signIn(page, 'jane')
      expect(body).toContain('does not say that your e-mail address is verified')
    }, anyone)
  })

  it('does not approve a call with the own token, which names the same address', async () => {
    const oidc = { issuer: provider.issuer, audience: provider.secret.clientId, claims: { email: '*@example.com' } }
    lifecycle.replace('callers', { ...callers(), people: { oidc, categories: ['*'], orchestrator: 'keptn' } })
    deploy([{ name: 'others', approve: { connection: 'chat', notRequester: true } }])
    const accepted = await lifecycle.send('POST', 'start-run?connection=job&mode=interactive', {
      headers: { authorization: `Bearer ${await provider.tokenOf('jane')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...triggered(), input: { target: 'deploy' } }),
    })
    const statuses: number[] = []
    const { outcome } = await run({
      task: lifecycle.accepted(accepted),
      async people(asking) {
        for (const person of ['jane', 'ben']) statuses.push((await decideAs(person, asking)).statusCode)
      },
    })
    expect([outcome?.result, statuses]).toEqual(['pass', [403, 200]])
  })

  it('has the owners of the caller behind the call, too, who may not approve it either', async () => {
    const oidc = { issuer: provider.issuer, audience: provider.secret.clientId, claims: { email: '*@example.com' } }
    const people = { oidc, categories: ['*'], orchestrator: 'keptn', owners: ['ben@example.com'] }
    lifecycle.replace('callers', { ...callers(), people })
    deploy([{ name: 'others', approve: { connection: 'chat', notRequester: true } }])
    const accepted = await lifecycle.send('POST', 'start-run?connection=job&mode=interactive', {
      headers: { authorization: `Bearer ${await provider.tokenOf('jane')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...triggered(), input: { target: 'deploy' } }),
    })
    const statuses: number[] = []
    const { outcome } = await run({
      task: lifecycle.accepted(accepted),
      async people(asking) {
        for (const person of ['jane', 'ben', 'kim']) statuses.push((await decideAs(person, asking)).statusCode)
      },
    })
    expect([outcome?.result, statuses]).toEqual(['pass', [403, 403, 200]])
  })

  it.each([
    [
      'unverified',
      'an address that the provider has not verified',
      'does not say that your e-mail address is verified',
    ],
    [
      'entra',
      'an address of which the provider does not say if it is verified',
      'does not say that your e-mail address is verified',
    ],
    [
      'stranger',
      'an address of another domain',
      'no verified e-mail address that counts: it must be an e-mail address of',
    ],
    [
      'kelvin',
      'an address with a letter that becomes another one in lower case',
      'no verified e-mail address that counts',
    ],
  ])('as %s, with %s, cannot decide anything', async (person, _, reason) => {
    await whileOpen(async (page, asking) => {
      const client = browser()
      const { body } = await client.signIn(page, person)
      expect(body).toContain(reason)
      expect(body).not.toContain('<form')
      expect((await decideAs(person, asking)).statusCode).toBe(403)
    }, anyone)
  })

  it('may have an address and groups that the provider does not put into the token', async () => {
    const other = await startPeopleProvider(false)
    await other.register(`${ORIGIN}/approvals/sign-in`)
    lifecycle.replace('people', other.secret)
    deploy([{ name: 'group', approve: { connection: 'chat', by: ['group:sre'] } }], { groups: { sre: [] } })
    await run({ people: async (asking) => expect((await decideAs('jane', asking)).statusCode).toBe(200) })
    expect(other.requests).toContain('GET /me')
    await other.close()
  })
})

const callers = () => lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>

describe('A link', () => {
  it('that another person opens does not decide, neither before nor after a sign-in', async () => {
    await whileOpen(async (page) => {
      const thief = browser()
      expect((await decide(thief, page, { name: 'Jane Doe' })).statusCode).toBe(403)
      const { body } = await thief.signIn(page, 'ben')
      expect(body).toContain('Only jane@example.com may decide this')
      expect(body).not.toContain('<form')
      const { statusCode } = await decide(thief, page)
      expect([statusCode, thief.cookie]).toEqual([403, expect.any(String)])
    })
  })

  it('of another approval needs another sign-in', async () => {
    deploy([
      { ...byJane, name: 'first' },
      { ...byJane, name: 'second' },
    ])
    const client = browser()
    let first: Promise<unknown> | undefined
    await run({
      async people(asking) {
        const isFirst = first === undefined
        first ??= client.signIn(pageOf(asking), 'jane')
        await first
        if (!isFirst) expect((await decide(client, pageOf(asking))).statusCode).toBe(403)
        expect((await decideAs('jane', asking)).statusCode).toBe(200)
      },
    })
    expect(platform.messages).toHaveLength(2)
  })
})

describe('The return from the provider', () => {
  it('is refused in another browser, which did not start the sign-in', async () => {
    await whileOpen(async (page) => {
      const attacker = browser()
      const callback = await attacker.authenticate(await attacker.start(page), 'ben')
      const victim = browser()
      expect((await victim.open(callback)).statusCode).toBe(403)
      // Even if it has started another one.
      await victim.start(page)
      expect((await victim.open(callback)).statusCode).toBe(403)
      expect((await victim.open(page)).body).toContain('Sign in to decide')
    })
  })

  it('is refused a second time, by the page, and with the old cookie by the provider', async () => {
    await whileOpen(async (page) => {
      const client = browser()
      const start = await client.start(page)
      const old = client.cookie
      const callback = await client.authenticate(start, 'jane')
      expect((await client.open(callback)).statusCode).toBe(303)
      expect((await client.open(callback)).statusCode).toBe(403)
      client.cookie = old
      const again = await client.open(callback)
      expect([again.statusCode, again.body]).toEqual([403, expect.stringContaining('invalid_grant')])
      expect(client.cookie).toBeUndefined()
    })
  })

  it('is refused with the code of another sign-in, which has another secret of PKCE', async () => {
    await whileOpen(async (page) => {
      const [client, attacker] = [browser(), browser()]
      const stolen = await attacker.authenticate(await attacker.start(page), 'ben')
      const callback = await client.authenticate(await client.start(page), 'jane')
      callback.searchParams.set('code', stolen.searchParams.get('code') ?? '')
      const { statusCode, body } = await client.open(callback)
      expect([statusCode, body]).toEqual([403, expect.stringContaining('You are not signed in')])
    })
  })

  it('is refused after ten minutes, and the sign-in ends after ten minutes', async () => {
    await whileOpen(async (page) => {
      const [late, client] = [browser(), browser()]
      const start = await late.start(page)
      await client.signIn(page, 'jane')
      passTime(601)
      expect((await client.open(page)).body).toContain('Sign in to decide')
      expect((await decide(client, page)).statusCode).toBe(403)
      const callback = await late.authenticate(start, 'jane')
      expect((await late.open(callback)).statusCode).toBe(403)
    })
  })

  it('is not accepted as a sign-in: a state identifies no one', async () => {
    await whileOpen(async (page) => {
      const client = browser()
      await client.start(page)
      expect((await decide(client, page)).statusCode).toBe(403)
      client.cookie = `${client.cookie?.slice(0, -4)}AAAA`
      expect((await decide(client, page)).statusCode).toBe(403)
    })
  })

  it('shows why the provider refuses a person, and leads back', async () => {
    await whileOpen(async (page) => {
      const client = browser()
      const start = await client.start(page)
      const callback = new URL(start.searchParams.get('redirect_uri') ?? '')
      callback.searchParams.set('error', 'access_denied')
      callback.searchParams.set('iss', provider.issuer)
      callback.searchParams.set('state', start.searchParams.get('state') ?? '')
      const { statusCode, body } = await client.open(callback)
      expect([statusCode, body]).toEqual([403, expect.stringContaining('access_denied')])
      expect(body).toContain(`href="${page}"`)
    })
  })
})

const shift = (seconds: number) => (claims: JWTPayload) => ({
  ...claims,
  iat: Number(claims.iat) + seconds,
  exp: Number(claims.exp) + seconds,
})

describe('A token of a person', () => {
  it.each<[string, (claims: JWTPayload) => JWTPayload]>([
    ['for another audience', (claims) => ({ ...claims, aud: 'another-client' })],
    [
      'for two audiences, of which another one asked for it',
      (claims) => ({ ...claims, aud: ['approvals', 'other'], azp: 'other' }),
    ],
    ['of another issuer', (claims) => ({ ...claims, iss: 'https://accounts.example.com' })],
    ['of another sign-in', (claims) => ({ ...claims, nonce: 'another-nonce' })],
    ['from the future', shift(90)],
    ['that has expired', shift(-400)],
  ])('%s is refused', async (_what, change) => {
    await whileOpen(async (page) => {
      provider.change = change
      const client = browser()
      const { statusCode, body } = await client.signIn(page, 'jane')
      expect([statusCode, body]).toEqual([403, expect.stringContaining('You are not signed in')])
      expect((await decide(client, page)).statusCode).toBe(403)
    })
  })

  it.each([45, -320])('of a clock that differs by less than a minute is accepted: %s s', async (seconds) => {
    await whileOpen(async (page) => {
      provider.change = shift(seconds)
      expect((await browser().signIn(page, 'jane')).body).toContain('Signed in as')
    })
  })

  it('with the signature of another key is refused', async () => {
    await whileOpen(async (page) => {
      provider.forges = true
      const { body } = await browser().signIn(page, 'jane')
      expect(body).toContain('its signature is not valid')
    })
  })

  it('is accepted after the provider has changed its key', async () => {
    await whileOpen(async (page) => {
      await browser().signIn(page, 'jane')
      await provider.rotate()
      // A key that is not known is looked up once a minute.
      passTime(61)
      expect((await browser().signIn(page, 'jane')).body).toContain('Signed in as')
    })
  })
})

describe('A client secret that the provider refuses', () => {
  it('is a problem of the configuration, and lets no one in', async () => {
    await whileOpen(async (page) => {
      lifecycle.replace('people', { ...provider.secret, clientSecret: 'another-secret-of-the-client' })
      const { statusCode, body } = await browser().signIn(page, 'jane')
      expect([statusCode, body]).toEqual([503, expect.stringContaining('Check clientSecret in the secret people')])
      lifecycle.replace('people', provider.secret)
    })
  })
})

describe('A provider that is down', () => {
  it('lets no one in, and the approval waits for it', async () => {
    await whileOpen(async (page) => {
      // The configuration is cached for an hour.
      passTime(3_601)
      await provider.close()
      const client = browser()
      const { statusCode, headers, body } = await client.open(`${page}/sign-in`)
      expect([statusCode, headers['retry-after']]).toEqual([503, '30'])
      expect(body).toContain('does not answer. Nothing was decided.')
      expect((await client.open(page)).statusCode).toBe(200)
      expect((await decide(client, page)).statusCode).toBe(403)
      await provider.restart()
      const { length } = provider.requests
      expect((await client.open(`${page}/sign-in`)).statusCode).toBe(503)
      expect(provider.requests).toHaveLength(length)
      passTime(31)
    })
  })

  it('or has an error, lets no one in', async () => {
    await whileOpen(async (page) => {
      const client = browser()
      provider.tokenStatus = 502
      const { statusCode, body } = await client.signIn(page, 'jane')
      expect([statusCode, body]).toEqual([503, expect.stringContaining('does not answer')])
      expect((await decide(client, page)).statusCode).toBe(403)
    })
  })

  it('that does not end its response is not waited for', async () => {
    await whileOpen(async (page) => {
      provider.hangs = true
      expect((await browser().signIn(page, 'jane')).statusCode).toBe(503)
    })
    // Without the limit of two seconds, half a minute.
  }, 20_000)

  it('gets few requests for one approval', async () => {
    await whileOpen(async (page) => {
      // To the start of a minute.
      passTime(60 - ((Date.now() / 1_000) % 60))
      const statuses: number[] = []
      for (let attempt = 0; attempt < 61; attempt++) statuses.push((await browser().open(`${page}/sign-in`)).statusCode)
      expect(statuses).toEqual([...Array.from({ length: 60 }, () => 303), 429])
      passTime(60)
    })
  })
})

describe('The page', () => {
  it('decides nothing that another page sends', async () => {
    await whileOpen(async (page) => {
      const client = browser()
      await client.signIn(page, 'jane')
      const path = new URL(page).pathname.replace('/v1/notification/', '')
      for (const sent of [
        { 'sec-fetch-site': 'same-site' },
        { origin: 'https://other.example.com' },
        { origin: 'https://webhooks.example.com.evil.example' },
        { origin: 'null' },
      ]) {
        const headers = { cookie: `__Host-approval=${client.cookie}`, ...sent }
        const { statusCode } = await lifecycle.request('POST', path, { headers, body: form({}) })
        expect([sent, statusCode]).toEqual([sent, 403])
      }
    })
  })

  it('decides nothing without the secret if it depends on who decides', async () => {
    await whileOpen(async (page) => {
      lifecycle.secrets.delete('cloud-automation-webhooks/people')
      passTime(301)
      const client = browser()
      expect((await client.open(page)).statusCode).toBe(503)
      expect((await decide(client, page, { name: 'Jane Doe' })).statusCode).toBe(503)
      lifecycle.replace('people', provider.secret)
    })
  })

  it('of a version without sign-ins refuses such an approval', async () => {
    await whileOpen(async (_page, { id }) => {
      expect((await readApproval(id))?.approval).toMatchObject({ hasButtons: true, needsSignIn: true })
    })
  })

  it('accepts only what a sign-in needs', async () => {
    await whileOpen(async (page) => {
      const client = browser()
      const statuses = await Promise.all(
        [
          `${page}/sign-in/more`,
          `${page}/other`,
          `${ORIGIN}/approvals/sign-in/sign-in`,
          `${ORIGIN}/approvals/sign-in`,
        ].map(async (url) => (await client.open(url)).statusCode),
      )
      expect(statuses).toEqual([403, 403, 403, 403])
      expect((await client.open(`${page}/sign-in`, 'POST', '')).statusCode).toBe(405)
    })
  })
})

describe('A rule whose people no sign-in identifies', () => {
  it.each([
    ['an id', { by: ['U012ABCDEF'] }, 'has "U012ABCDEF"'],
    ['an address of another domain', { by: ['jane@example.org'] }, 'has "jane@example.org"'],
  ])('ends the task before people are asked: %s', async (_what, approve, text) => {
    deploy([{ name: 'unknown', approve: { connection: 'chat', ...approve } }])
    const { outcome } = await run()
    expect([outcome?.result, outcome?.message]).toEqual(['fail', expect.stringContaining(text)])
    expect([platform.messages, platform.runs, slack.posts]).toEqual([[], [], []])
  })

  it('cannot be a group of the provider in a chat', async () => {
    deploy([{ name: 'chat', approve: { connection: 'ops', by: ['group:sre'] } }], { groups: { sre: [] } })
    const { outcome } = await run()
    expect([outcome?.result, outcome?.message]).toEqual(['fail', expect.stringContaining('has "group:sre"')])
  })
})
