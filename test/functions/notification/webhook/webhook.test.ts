import { describe, expect, jest, test } from '@jest/globals'
import { signatures, webhook } from '../../../../functions/notification/webhook/webhook.ts'
import { secretsIn } from '../../../../shared/fields.ts'
import { expectFailure, failureOf, keyOf } from '../../helpers.ts'
import { reminder, testMessages } from '../../messages.ts'
import { decided, evaluation, question } from '../messages.ts'
import { type EndpointServer, endpointServer } from './fake.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const url = question.buttons?.[0]?.url
const choices = ['Approve', 'Reject'].map((label) => ({ decision: label.toLowerCase(), label, url }))
/** The secret parts of the URL. */
const secretParts = /a-secret-path|that\+is\+secret|that is secret/

const { server, connection, client, post } = testMessages(webhook, {
  start: () => endpointServer(secret),
  connection: ({ endpoint }) => ({ baseUrl: endpoint, secret }),
  visible: ({ deliveries }) => deliveries.length,
  hidden: secretParts,
  checks: [
    { requests: [{ body: { type: 'ping', id: expect.any(String) }, text: expect.not.stringContaining('message') }] },
  ],
  checkWrites: true,
  unexpectedBodies: { page: 'success', text: 'success' },
  verify({ deliveries, calls }, { title, fields, links }) {
    const web = links.filter(({ url }) => url.startsWith('http'))
    expect(deliveries.at(-1)?.body['message']).toMatchObject({ title, fields, links: web })
    expect(calls.at(-1)?.text).not.toContain('"token"')
  },
  newest: ({ deliveries }) => deliveries.at(-1)?.body,
  shows: {
    evaluation: { type: 'notification', id: keyOf(1), message: evaluation },
    question: { type: 'approval', message: { mood: 'waiting', choices } },
    reminder: { type: 'reply', about: keyOf(1), message: { title: 'Still open' } },
  },
  refused: [301, 302, 307, 308].map((status) => ({
    name: `a server that redirects with the status ${status}`,
    change: ({ failNext }: EndpointServer) => failNext(status, '', { headers: { location: '/elsewhere' } }),
    reason: 'which is not followed',
  })),
})

describe('Webhook: signature', () => {
  test('matches the published example of Standard Webhooks', () => {
    const signed = signatures(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, '{"test": 2432232314}')
    expect(signed).toMatchObject({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  test('matches the published example of GitHub', () => {
    const expected = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    expect(signatures("It's a Secret to Everybody", 'x', 0, 'Hello, World!')['x-hub-signature-256']).toBe(expected)
  })

  test.each([secret, 'any text that both have', 'ein Schlüssel'])('is verified with the secret %j', async (secret) => {
    const other = await endpointServer(secret)
    await post(evaluation, { connection: { baseUrl: other.endpoint, secret } })
    await other.close()
    expect(other.deliveries).toMatchObject([{ id: keyOf(1) }])
  })
})

describe('Webhook: post', () => {
  test('sends the time, once to the exact URL', async () => {
    jest.spyOn(Date, 'now').mockReturnValue(1_795_532_645_999)
    jest.spyOn(Date.prototype, 'toISOString').mockReturnValue('2026-11-24T15:04:05.999Z')
    await post(evaluation)
    jest.restoreAllMocks()
    expect(server.deliveries).toEqual([
      {
        id: keyOf(1),
        body: { type: 'notification', id: keyOf(1), timestamp: '2026-11-24T15:04:05.999Z', message: evaluation },
      },
    ])
    const { pathname, searchParams } = new URL(server.endpoint)
    const headers = { 'webhook-id': keyOf(1), 'webhook-timestamp': '1795532645' }
    expect(server.calls).toMatchObject([{ method: 'POST', path: pathname, headers }])
    expect([...(server.calls[0]?.query ?? [])]).toEqual([...searchParams])
  })

  test('of replies and updates contains the id of the first message, and a retry has the same id', async () => {
    const posted = await post(question)
    for (const isRetry of [false, true]) {
      await webhook.reply(client({ isRetry }), posted, reminder)
      await webhook.replace(client({ isRetry }), posted, decided)
    }
    expect(server.calls).toHaveLength(5)
    expect(server.deliveries.map(({ body }) => [body['type'], body['about']])).toEqual([
      ['approval', undefined],
      ['reply', keyOf(1)],
      ['decision', keyOf(1)],
    ])
    expect(server.deliveries[2]?.body).toMatchObject({ message: { mood: 'good', text: 'Approved by Jane Doe' } })
    // The signed content is separated by full stops.
    for (const { id, body } of server.deliveries) expect([id, id.includes('.')]).toEqual([body['id'], false])
  })

  test('of replies and updates has another id for another text', async () => {
    const posted = await post(question)
    await webhook.reply(client(), posted, { ...decided, title: 'Still open' })
    await webhook.reply(client(), posted, { ...decided, title: 'Still open, and soon over' })
    await webhook.replace(client(), posted, { ...decided, title: 'Still open' })
    expect(server.deliveries).toHaveLength(4)
  })

  test('masks the URL in the response', async () => {
    const moved = post(evaluation, { connection: { baseUrl: server.endpoint.replace('?', '-moved?') } })
    const failure = await failureOf(moved)
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('Cannot POST ***') })
    expect(failure.message).not.toMatch(secretParts)
  })
})

describe('Webhook: connection', () => {
  test('adds token and headers, and masks those with credentials', async () => {
    const fields = {
      token: 'a-bearer-token',
      headers: { 'X-Team-Key': 'of-the-team', 'Webhook-Id': 'not-this-one', 'X-Env': 'prod' },
      secretHeaders: { 'X-Team': 'the-secret-team' },
    }
    await post(evaluation, { connection: fields })
    const custom = { 'x-team-key': 'of-the-team', 'x-env': 'prod', 'x-team': 'the-secret-team' }
    expect(server.calls[0]?.headers).toMatchObject({ authorization: 'Bearer a-bearer-token', ...custom })
    expect(server.deliveries).toMatchObject([{ id: keyOf(1) }])
    const secrets = [secret, 'a-bearer-token', 'of-the-team', 'the-secret-team']
    expect(secretsIn(webhook.connection, connection(fields))).toEqual(secrets)
    server.failNext(400, { message: 'What are a-bearer-token and of-the-team?' })
    await expectFailure(post(evaluation, { connection: fields }), 'refused', 'What are *** and ***?')
  })

  test.each([
    ['a missing secret', { secret: undefined }, 'secret'],
    ['an invalid key', { secret: 'whsec_not base64!' }, 'whsec_'],
    ['an empty key', { secret: 'whsec_' }, 'whsec_'],
    ['an invalid header name', { headers: { 'x team': 'of-the-team' } }, 'valid header names'],
    ['a header with a line break', { headers: { 'x-team': 'of-the-team\r\nhost: x' } }, 'valid header names'],
    ['the header Host', { headers: { Host: 'evil.example' } }, 'valid header names'],
    ['another scheme', { baseUrl: 'ftp://example.com' }, ''],
    ['credentials in the URL', { baseUrl: 'https://a:b@example.com' }, 'must not contain credentials'],
  ])('rejects %s', (_what, fields, words) => {
    const given = { baseUrl: 'https://example.com/x', secret: 'a secret', ...fields }
    const { success, error } = webhook.connection.safeParse(given)
    expect(success).toBe(false)
    expect(error?.message).toContain(words)
  })
})
