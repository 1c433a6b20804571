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
const plainName = fc.string({ unit: letters, minLength: 2, maxLength: 12 }).map((word) => `n${word}`)
/** The caller also chooses the names of its fields. */
const name = fc.oneof(
  { weight: 6, arbitrary: plainName },
  { weight: 1, arbitrary: fc.tuple(plainName, forgery).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.constantFrom(`n${'x'.repeat(400)}`, `n${'ת'.repeat(300)}`, `n${' '.repeat(200)}end`) },
)
const fields = fc.dictionary(name, fc.oneof(text, fc.integer(), fc.boolean()), { maxKeys: 12 })
const list = fc.array(fields, { maxLength: 3 })
const nested = fc
  .tuple(fields, fc.array(name, { maxLength: 12 }))
  .map(([inner, path]) => path.reduceRight<object>((value, key) => ({ [key]: value }), inner))
const anyInput = fc
  .tuple(fields, fc.dictionary(name, fc.oneof(nested, list), { maxKeys: 3 }))
  .map(([flat, deep]): object => ({ ...flat, ...deep }))

/** The origin of a call, as its caller names it. */
const anyOrigin = fc.record(
  { project: text, stage: text, service: text, person: text, operator: text },
  { requiredKeys: [] },
)
type Origin = Partial<Record<'project' | 'stage' | 'service' | 'person' | 'operator', string>>

/** Returns the message of a call that sends its input as JSON. */
function asked(input: object, provider: MessageProvider, { person, operator, ...event }: Origin) {
  const call = {
    category: 'ci-cd',
    action: 'trigger-deployment',
    connection: 'prod',
    caller: 'agent',
    person,
    operator,
    event,
    input,
  }
  const request = `POST https://ci.example/runs\n${JSON.stringify(input)}`
  const ask = { connection: 'ops', count: 1 }
  return requestMessage(composeRequest(call, 'production', ask, { at: 0, request }), provider, link)
}

class Held extends Error {}

/** Returns the texts that a platform gets, without its escapes. */
async function textsIn(chat: Chat, input: object, origin: Origin = {}): Promise<string[]> {
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
  await chat.provider.post(client, chat.channel, asked(input, chat.provider, origin)).catch((error: unknown) => {
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

function textsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)]
  return Object.values(value).flatMap(textsOf)
}

/** Returns the letters and digits of a text, which platforms do not escape. */
function lettersIn(shown: string): string {
  return shown.replace(/[^\p{L}\p{N}]|\p{Default_Ignorable_Code_Point}/gu, '')
}

/** Returns the letters and digits of a message, without those of escaped characters and of counted spaces. */
function lettersOf(message: string): string {
  return lettersIn(message.replace(/\\+(?:u[0-9a-f]{4}|[nrtbf])|… \\?\(\d+ spaces\\?\)/g, ''))
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

  test('hides no name or value without saying so, and has no line of the caller, for any call', async () => {
    await fc.assert(
      fc.asyncProperty(anyInput, anyOrigin, async (input, origin) => {
        const texts = await textsIn(chat, input, origin)
        const all = texts.join('\n')
        const letters = lettersOf(all)
        const isShown = (part: string) => letters.includes(lettersIn(part))
        if (!namesIn(input).every(isShown))
          expect(all).toMatch(/fields? (?:is|are) missing\. Open the complete request before you decide/)
        if (!textsOf(input).every(isShown)) expect(all).toMatch(/Open the complete request before you decide/)
        expect(all).toContain(readUrl)
        const lines = texts.flatMap((shown) => shown.split(/[\n\r\v\f\u0085\u2028\u2029\u2424]/))
        expect(lines.filter((line) => line.replace(/^[^\p{L}"]+/u, '').startsWith(FORGED))).toEqual([])
      }),
      { numRuns: 40 },
    )
  })
})
