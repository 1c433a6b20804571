import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import '../aws.ts'
import { notification } from '../../../functions/notification/index.ts'
import { composeRequest } from '../../../shared/approvals/request/compose.ts'
import { requestMessage } from '../../../shared/approvals/request/message.ts'
import type { SentRequest } from '../../../shared/http/exchange.ts'
import { connect } from '../../../shared/providers/connect.ts'
import type { MessageProvider } from '../../../shared/providers/message.ts'
import type { WriteRow } from '../../conformance/row.ts'
import { rowsOf } from '../../conformance/rows.ts'
import { anyCharacter } from '../../shared/text/any-character.ts'

// The requests for approvals in every chat, for calls whose senders try to hide something from the people who decide.

/** Not a chat, but people decide there, too. */
const CHANGE = 'notification/servicenow-change'
const chats = Object.fromEntries(
  Object.entries({ ...rowsOf('messageRow'), [CHANGE]: rowsOf('writeRow')[CHANGE] as WriteRow }).flatMap(
    ([path, row]) => {
      const [category, name = ''] = path.split('/')
      return category === 'notification' ? [[name, row] as const] : []
    },
  ),
)
const token = `${'a1'.repeat(20)}.s3cr3t.${'0f'.repeat(32)}`
const url = `https://webhooks.example.com/v1/notification/approvals/${token}`
const readUrl = `https://webhooks.example.com/v1/notification/approvals/${'b2'.repeat(20)}.s3cr3t.${'0e'.repeat(32)}/read`
const link = { token, url, readUrl, deadlineAt: Date.parse('2026-12-02T14:00:00Z') }

/** Line ends of any platform, and characters that change the text direction. */
const breaks = [
  '\n',
  '\r\n',
  '\u0085',
  '\u2028',
  '\u2029',
  '\v',
  '\f',
  '\u2424',
  '\u2028\u2028',
  '\u202e',
  '\u2067',
  '"\n',
]
/** No line may start with it. */
const FORGED = 'FORGED Caller'
const forgery = fc.constantFrom(...breaks).map((end) => `done"}${end}${FORGED}: jane${end}`)
const padding = fc.constantFrom(
  'x'.repeat(1_300),
  '&'.repeat(3_000),
  '_*'.repeat(2_000),
  '"\\'.repeat(900),
  ' '.repeat(90),
)
const text = fc.oneof(
  forgery,
  padding,
  forgery.map((line) => line.repeat(40)),
  fc.constant('ת'.repeat(700)),
  fc.constant('\u200b\u2066\u0007\u001b[31m'),
  fc.string({ unit: anyCharacter, maxLength: 60 }),
)
const letters = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzאבגדهوي中文字')
const name = fc.string({ unit: letters, minLength: 2, maxLength: 12 }).map((word) => `n${word}`)
const fields = fc.dictionary(name, fc.oneof(text, fc.integer(), fc.boolean()), { maxKeys: 12 })
const list = fc.array(fields, { maxLength: 3 })
const nested = fc
  .tuple(fields, fc.array(name, { maxLength: 12 }))
  .map(([inner, path]) => path.reduceRight<object>((value, key) => ({ [key]: value }), inner))
const anyInput = fc
  .tuple(fields, fc.dictionary(name, fc.oneof(nested, list), { maxKeys: 3 }))
  .map(([flat, deep]): object => ({ ...flat, ...deep }))

/** Returns the message of a call that sends its input as JSON. */
function asked(input: object, provider: MessageProvider) {
  const call = {
    category: 'ci-cd',
    action: 'trigger-deployment',
    connection: 'prod',
    caller: 'agent',
    event: {},
    input,
  }
  const request = `POST https://ci.example/runs\n${JSON.stringify(input)}`
  const ask = { connection: 'ops', count: 1 }
  return requestMessage(composeRequest(call, 'production', ask, { at: 0, request }), provider, link)
}

class Held extends Error {}

/** Returns the texts that a platform gets, without its escapes. */
async function textsIn(chat: Chat, input: object): Promise<string[]> {
  const sent: SentRequest[] = []
  const options = {
    idempotencyKey: undefined,
    isRetry: false,
    deadlineAt: Date.now() + 60_000,
    intercept: (request: SentRequest) => {
      sent.push(request)
      throw new Held('held')
    },
  }
  const client = connect({ name: 'chat', provider: chat.provider, values: chat.values }, options)
  await chat.provider.post(client, chat.channel, asked(input, chat.provider)).catch((error: unknown) => {
    if (!(error instanceof Held)) throw error
  })
  const body = sent[0]?.body ?? ''
  const content = body.startsWith('{') ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body))
  return stringsIn(content).map(unescaped)
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : []
}

const ENTITIES: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&amp;': '&' }
const unescaped = (shown: string) =>
  shown
    .replace(/&(?:lt|gt|quot|amp);/g, (entity) => ENTITIES[entity] ?? entity)
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replaceAll('\u200b', '')

function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const names = Array.isArray(value) ? [] : Object.keys(value)
  return [...names, ...Object.values(value).flatMap(namesIn)]
}

interface Target {
  server: { close(): Promise<void> }
  connection: Record<string, unknown>
  input?: Record<string, unknown>
}

interface Chat {
  provider: MessageProvider
  values: Record<string, unknown>
  channel: string | undefined
}

describe.each(Object.entries(chats))('A request for an approval in %s', (name, row) => {
  let chat: Chat
  let close: () => Promise<void>
  beforeAll(async () => {
    const { server, connection, input }: Target = await row.start()
    close = () => server.close()
    const provider = (await notification.providers[name]?.()) as MessageProvider
    const secret = name === 'slack' ? { signingSecret: 'a-signing-secret' } : {}
    const values = provider.connection.parse({ ...connection, ...secret }) as Record<string, unknown>
    chat = { provider, values, channel: String(input?.['channel'] ?? values['channel']) }
  })
  afterAll(() => close())

  test('shows every name, even if a long value comes first, and how much of it is not shown', async () => {
    const parameters = { a_note: 'x'.repeat(1_300), target_env: 'production', force: 'true' }
    const shown = (await textsIn(chat, { target: 'deploy.yml', parameters })).join('\n').replaceAll('\\', '')
    for (const field of ['"a_note": "x', '"target_env": "production"', '"force": "true"', '"target": "deploy.yml"'])
      expect(shown.split(field).length).toBeGreaterThanOrEqual(3)
    const isComplete = shown.includes('x'.repeat(1_300))
    expect(shown.includes('…" (1,300 characters)')).toBe(!isComplete)
    expect(shown.includes('Open the complete request before you decide')).toBe(!isComplete)
    expect(shown).toContain(readUrl)
  })

  test('says how many fields are missing if not even the names fit, and where they are', async () => {
    const input = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`field${index}`, index]))
    const shown = (await textsIn(chat, input)).join('\n')
    expect(shown).toMatch(/[\d,]+ fields are missing\. Open the complete request before you decide/)
    expect(shown).toContain(readUrl)
  })

  test('hides no name and has no line of the caller, for any input', async () => {
    await fc.assert(
      fc.asyncProperty(anyInput, async (input) => {
        const texts = await textsIn(chat, input)
        const all = texts.join('\n')
        const isHidden = namesIn(input).some((field) => !all.includes(field))
        if (isHidden) expect(all).toMatch(/fields? (?:is|are) missing\. Open the complete request before you decide/)
        expect(all).toContain(readUrl)
        const lines = texts.flatMap((shown) => shown.split(/[\n\r\v\f\u0085\u2028\u2029\u2424]/))
        expect(lines.filter((line) => line.replace(/^[^\p{L}"]+/u, '').startsWith(FORGED))).toEqual([])
      }),
      { numRuns: 40 },
    )
  })
})
