import { createHmac, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { Service, triggered } from './service.ts'

const prefix = 'cloud-automation-webhooks'

const KEY = 'a-signing-key-of-the-tests-0123456789'
const WHSEC = Buffer.from('a-standard-signing-key-0123456789')
const tokens = {
  basic: 'token-of-the-basic-caller',
  limited: 'token-of-the-limited-caller',
  idle: 'token-of-the-idle-caller',
}

const service = new Service({
  secrets: {
    [`${prefix}/callers`]: {
      basic: { tokens: [tokenHash(tokens.basic)], categories: ['*'] },
      signer: { categories: ['issue-ticketing'], hmac: { header: 'x-signature', prefix: 'sha256=', keys: [KEY] } },
      standard: {
        categories: ['issue-ticketing'],
        standardWebhooks: { keys: [`whsec_${WHSEC.toString('base64')}`] },
      },
      limited: {
        tokens: [tokenHash(tokens.limited)],
        categories: ['*'],
        allow: ['issue-ticketing/open-issue', 'notification/*', 'remediation/run-action'],
        allowConnections: { notification: ['team'], remediation: ['mapping'] },
        callsPerMinute: 3,
      },
      idle: { tokens: [tokenHash(tokens.idle)], categories: ['*'], allow: [] },
    },
    [`${prefix}/connections/remediation/mapping`]: {
      provider: 'rundeck',
      baseUrl: 'https://rundeck.example.com',
      token: 'token-of-rundeck',
      project: 'shop',
      actions: { 'toggle-feature': { action: 'toggle-flag', connection: 'flags', input: { flag: 'checkout' } } },
    },
  },
})
beforeAll(() => service.start())
afterAll(() => service.end())

const titled = (title: string) => JSON.stringify({ input: { title } })
const issuesWith = async (title: string) => (await service.issues()).filter((issue) => issue.title === title)
const open = (body: string, headers: Record<string, string>) =>
  service.call('/v1/issue-ticketing/open-issue', body, {
    token: null,
    headers: { 'content-type': 'application/json', ...headers },
  })

describe('A caller', () => {
  it.each([
    ['its name and token', 'basic', tokens.basic, 200],
    ['the name of another caller', 'limited', tokens.basic, 401],
    ['a wrong password', 'basic', 'a-wrong-password', 401],
  ])('with %s in Basic authentication gets %s', async (_what, user, password, status) => {
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    expect(await open(titled('Basic'), { authorization })).toMatchObject({ status })
  })

  it('that signs its raw body needs no token', async () => {
    const body = '{ "input" : { "title" : "Signed \u00fc" } }\n'
    const signature = `sha256=${createHmac('sha256', KEY).update(body).digest('hex')}`
    expect(await open(body, { 'x-signature': signature })).toMatchObject({ status: 200 })
    const changed = await open(body.replaceAll(' ', ''), { 'x-signature': signature })
    expect(changed).toMatchObject({
      status: 401,
      body: { detail: expect.stringContaining('The signature is not valid') },
    })
    expect(await issuesWith('Signed \u00fc')).toHaveLength(1)
  })

  it.each(['webhook', 'svix'])('that signs with %s-signature and delivers twice opens one issue', async (prefix) => {
    const title = `Standard ${randomUUID()}`
    const deliver = () => {
      const seconds = Math.floor(Date.now() / 1_000)
      const signature = createHmac('sha256', WHSEC)
        .update(`msg_1.${seconds}.${titled(title)}`)
        .digest('base64')
      const headers = { [`${prefix}-id`]: 'msg_1', [`${prefix}-timestamp`]: String(seconds) }
      return open(titled(title), { ...headers, [`${prefix}-signature`]: `v1,${signature}` })
    }
    const first = await deliver()
    expect(first).toMatchObject({ status: 200 })
    expect((await deliver()).body).toEqual(first.body)
    expect(await issuesWith(title)).toHaveLength(1)
  })

  it('whose signing key is secret never shows it', () => {
    expect(service.output).not.toContain(KEY)
  })

  it.each([
    [
      'another action',
      '/v1/issue-ticketing/close-issue',
      'may not call issue-ticketing/close-issue. It may call issue-t',
    ],
    ['another category', '/v1/ci-cd/trigger-build', 'may not call ci-cd/trigger-build'],
    [
      'another connection',
      '/v1/notification/push-update',
      'may not use the connection default of notification. It may use team',
    ],
    [
      'another connection that an action is mapped to',
      '/v1/remediation/run-action?connection=mapping',
      'may not use the connection flags of remediation. It may use mapping',
    ],
    ['any action', '/v1/issue-ticketing/open-issue', 'It may call nothing', tokens.idle],
  ])('that may not use %s gets 403 with what it may use', async (_what, path, detail, token = tokens.limited) => {
    const data = { project: 'shop', stage: 'staging', service: 'checkout', action: { action: 'toggle-feature' } }
    const event = triggered({ type: 'sh.keptn.event.action.triggered', data })
    const response = await service.call(path, event, { token })
    expect(response).toMatchObject({ status: 403, body: { detail: expect.stringContaining(detail) } })
  })

  it('that sends more calls than its limit gets 429 and the time until the next minute', async () => {
    const responses = []
    // Two minutes at most, so one of them has at least four calls.
    for (let calls = 0; calls < 7; calls++)
      responses.push(
        await service.call('/v1/issue-ticketing/open-issue?dryRun=true', titled('T'), { token: tokens.limited }),
      )
    const refused = responses.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]?.body.detail).toBe('The caller limited may send 3 calls per minute to issue-ticketing.')
    const seconds = Number(refused[0]?.headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(0)
    expect(seconds).toBeLessThanOrEqual(60)
  })
})
