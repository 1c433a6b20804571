import { createHmac } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { findSigner } from '../../../shared/auth/caller-signatures.ts'
import { callersSchema } from '../../../shared/auth/callers.ts'

const KEY = 'a-signing-key-of-a-caller-0123456789'
const whsec = (key: string) => `whsec_${Buffer.from(key).toString('base64')}`
const WHSEC = whsec('a-standard-signing-key-0123456789')
const now = Date.parse('2026-11-27T10:00:00Z')
// Not valid UTF-8: signatures cover bytes.
const body = Buffer.from([0x7b, 0xff, 0x7d])

const callers = callersSchema.parse({
  token: { tokens: [`sha256:${'a'.repeat(64)}`], categories: ['*'] },
  github: {
    categories: ['*'],
    hmac: { header: 'x-hub-signature-256', prefix: 'sha256=', keys: ['an-older-signing-key', KEY] },
  },
  base64: { categories: ['*'], hmac: { header: 'x-signature', encoding: 'base64', keys: [KEY] } },
  standard: { categories: ['*'], standardWebhooks: { keys: [WHSEC] } },
})

const find = (headers: Record<string, string>, of: Uint8Array = body) =>
  findSigner(callers, { headers, rawBody: () => of }, now)?.caller.name
const hmac = (encoding: 'hex' | 'base64', of: Uint8Array = body) =>
  createHmac('sha256', KEY).update(of).digest(encoding)

function standardHeaders({ id = 'msg_1', seconds = now / 1_000, key = WHSEC } = {}) {
  const bytes = Buffer.from(key.slice('whsec_'.length), 'base64')
  const signature = createHmac('sha256', bytes).update(`${id}.${seconds}.`).update(body).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1a,other v1,${signature}` }
}

describe('A signed request', () => {
  it.each([
    ['github', { 'x-hub-signature-256': `sha256=${hmac('hex')}` }],
    ['base64', { 'x-signature': hmac('base64') }],
    ['standard', standardHeaders()],
    ['standard', standardHeaders({ seconds: now / 1_000 - 290 })],
  ])('has the caller %s', (name, headers) => {
    expect(find(headers)).toBe(name)
  })

  it('is another message with another id, if the signature covers the id', () => {
    const messageOf = (headers: Record<string, string>) =>
      findSigner(callers, { headers, rawBody: () => body }, now)?.message
    const [first, second] = ['msg_1', 'msg_2'].map((id) => messageOf(standardHeaders({ id })))
    expect(second).toMatch(/^[0-9a-f]{64}$/)
    expect(second).not.toBe(first)
    expect(messageOf(standardHeaders({ seconds: now / 1_000 - 5 }))).toBe(first)
  })

  it.each([
    ['another body', { 'x-signature': hmac('base64', Buffer.from('{}')) }],
    ['another encoding', { 'x-signature': hmac('hex') }],
    ['no prefix', { 'x-hub-signature-256': hmac('hex') }],
    ['the header of another caller', { 'x-signature': `sha256=${hmac('hex')}` }],
    ['an old timestamp', standardHeaders({ seconds: now / 1_000 - 301 })],
    ['a timestamp in the future', standardHeaders({ seconds: now / 1_000 + 301 })],
    ['another key', standardHeaders({ key: whsec('another-signing-key-0123456789012') })],
    ['another id', { ...standardHeaders(), 'webhook-id': 'msg_2' }],
    ['no timestamp', { 'webhook-id': 'msg_1', 'webhook-signature': standardHeaders()['webhook-signature'] }],
  ])('with a signature of %s has no caller', (_what, headers) => {
    expect(find(headers)).toBeUndefined()
  })
})
