import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { discord } from '../../functions/notification/discord/discord.ts'
import { mattermost } from '../../functions/notification/mattermost/mattermost.ts'
import { slack } from '../../functions/notification/slack/slack.ts'
import { telegram } from '../../functions/notification/telegram/telegram.ts'
import { compactButton, parseCompactButton } from '../../shared/approvals/compact-token.ts'
import { signToken, verifyToken } from '../../shared/approvals/signed-link.ts'
import { hmacHex } from '../../shared/hmac.ts'
import { expectFailure, startOnce } from '../functions/helpers.ts'
import { startSecrets } from '../functions/secrets.ts'

const approvals = { key: 'a-key-that-signs-approvals-0123456789', previousKey: 'the-key-before-it-0123456789abcdef' }
startOnce(() => startSecrets(new Map([['approvals', approvals]])))

/** The text with one character changed, removed or added. */
const altered = (text: string) =>
  fc
    .tuple(fc.nat(text.length - 1), fc.constantFrom('change', 'omit', 'add'), fc.string({ minLength: 1, maxLength: 1 }))
    .map(
      ([at, how, sign]) => text.slice(0, at) + (how === 'omit' ? '' : sign) + text.slice(how === 'add' ? at : at + 1),
    )
    .filter((other) => other !== text)

/** The object with one field altered. */
const withOneAltered = <T extends Record<string, string>>(good: T): fc.Arbitrary<T> =>
  fc.oneof(...Object.entries(good).map(([name, text]) => altered(text).map((other) => ({ ...good, [name]: other }))))

/** Expects that every value is rejected. */
function expectRejected<T>(
  values: fc.Arbitrary<T>,
  read: (value: T) => Promise<unknown>,
  numRuns = 500,
): Promise<void> {
  const rejection = (value: T) => expectFailure(read(value), 'unauthenticated')
  return fc.assert(fc.asyncProperty(values, rejection), { numRuns })
}

const taskId = '0123456789abcdef0123456789abcdef01234567'
const now = Date.parse('2026-11-24T10:00:00Z')
const until = now / 1_000 + 3_600

describe('A signed link', () => {
  test('contains the task and the deadline', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.stringMatching(/^[0-9a-f]{40}$/),
        fc.integer({ min: 1, max: 2_000_000_000 }),
        async (id, at) => {
          const read = await verifyToken(await signToken(id, at), now)
          expect(read).toEqual({ taskId: id, isExpired: at * 1_000 < now })
        },
      ),
    )
  })

  test('is rejected if any byte changes', async () => {
    await expectRejected(altered(await signToken(taskId, until)), (token) => verifyToken(token, now))
  })

  test('is rejected if it was signed with another key', async () => {
    const claim = `${taskId}.${until.toString(36)}`
    const { key, previousKey } = approvals
    const read = (signingKey: string) => verifyToken(`${claim}.${hmacHex(signingKey, `approval.${claim}`)}`, now)
    for (const valid of [key, previousKey]) expect(await read(valid)).toMatchObject({ taskId })
    await expectRejected(altered(key), read, 100)
  })

  test('is rejected if it is another text', async () => {
    const texts = fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f]{40}\.[0-9a-z]{1,10}\.[0-9a-f]{64}$/))
    await expectRejected(texts, (text) => verifyToken(text, now), 100)
  })
})

describe('A button with a shortened token', () => {
  test('contains the decision, the task and the deadline in 61 characters', async () => {
    for (const decision of ['approve', 'reject'] as const) {
      const text = compactButton({ decision, token: await signToken(taskId, until) })
      expect(text).toMatch(/^[\w-]{61}$/)
      const button = parseCompactButton(text)
      expect(button?.decision).toBe(decision)
      expect(await verifyToken(button?.token ?? '', now)).toEqual({ taskId, isExpired: false })
    }
  })

  test('is rejected if any character of its token changes', async () => {
    const button = parseCompactButton(compactButton({ decision: 'approve', token: await signToken(taskId, until) }))
    await expectRejected(altered(button?.token ?? ''), (token) => verifyToken(token, now))
  })
})

describe('A Slack button', () => {
  const signingSecret = 'the-signing-secret-of-slack'
  const connection = slack.connection.parse({ token: 'a-bot-token', signingSecret })
  const payload = {
    type: 'block_actions',
    user: { id: 'U0JANE', username: 'jane', team_id: 'T0' },
    channel: { id: 'C0' },
    actions: [{ action_id: 'approve', value: 'a-signed-link' }],
  }
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
  const timestamp = String(now / 1_000)
  const good = { body, timestamp, signature: `v0=${hmacHex(signingSecret, `v0:${timestamp}:${body}`)}` }
  const read = ({ body, timestamp, signature }: typeof good, at = now) =>
    slack.buttons.verify(connection, {
      body,
      headers: { 'x-slack-request-timestamp': timestamp, 'x-slack-signature': signature },
      now: at,
    })

  test('is rejected if any byte of its body, time or signature changes', async () => {
    expect(await read(good)).toMatchObject({ decision: 'approve' })
    await expectRejected(withOneAltered(good), read)
  })

  test('is rejected more than five minutes before or after its time', async () => {
    const seconds = fc.integer({ min: 301, max: 1_000_000_000 })
    const times = fc
      .oneof(
        seconds,
        seconds.map((past) => -past),
      )
      .map((offset) => now + offset * 1_000)
    await expectRejected(times, (at) => read(good, at), 100)
  })
})

describe('A Mattermost button', () => {
  const token = 'the-token-of-a-bot-in-mattermost'
  const connection = mattermost.connection.parse({ baseUrl: 'https://chat.example.com', token })
  const mac = hmacHex(hmacHex(token, 'cloud-automation-webhooks: buttons'), 'a-signed-link.approve')
  const good = { reference: 'a-signed-link', decision: 'approve', mac }
  const read = (context: object) =>
    mattermost.buttons.verify(connection, { body: JSON.stringify({ context, user_id: 'u' }), headers: {}, now })

  test('is rejected if any signed byte changes', async () => {
    expect(await read(good)).toMatchObject({ decision: 'approve' })
    await expectRejected(fc.oneof(withOneAltered(good), fc.constant({ ...good, decision: 'reject' })), read)
  })
})

describe('A Discord button', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const connection = discord.connection.parse({
    token: 'the-token-of-a-bot-in-discord',
    publicKey: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex'),
  })
  const body = JSON.stringify({
    type: 3,
    user: { id: '80351110224678912', username: 'jane' },
    data: { custom_id: `a${'A'.repeat(60)}` },
  })
  const timestamp = String(now / 1_000)
  const good = { body, timestamp, signature: sign(null, Buffer.from(timestamp + body), privateKey).toString('hex') }
  const read = ({ body, timestamp, signature }: typeof good, at = now) =>
    discord.buttons.verify(connection, {
      body,
      headers: { 'x-signature-timestamp': timestamp, 'x-signature-ed25519': signature },
      now: at,
    })

  test('is rejected if any byte of its body, time or signature changes, or is old', async () => {
    expect(await read(good)).toMatchObject({ decision: 'approve' })
    await expectFailure(read(good, now + 301_000), 'unauthenticated')
    await expectRejected(withOneAltered(good), read)
  })
})

describe('A Telegram button', () => {
  const webhookSecret = 'the-secret-token-of-a-webhook'
  const connection = telegram.connection.parse({ token: '110201543:the-token-of-a-bot', webhookSecret })
  const body = JSON.stringify({
    callback_query: { id: '1', from: { id: 1111111, first_name: 'Lisa' }, data: `a${'A'.repeat(60)}` },
  })
  const read = (secret: string) =>
    telegram.buttons.verify(connection, { body, headers: { 'x-telegram-bot-api-secret-token': secret }, now })

  test('is rejected if any character of its secret token changes', async () => {
    expect(await read(webhookSecret)).toMatchObject({ decision: 'approve' })
    await expectRejected(altered(webhookSecret), read)
  })
})
