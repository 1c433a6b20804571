import { beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  clearSecrets,
  MIN_SECRET_LENGTH,
  redact,
  redactDeep,
  registerSecret,
  toMaskedJson,
} from '../../shared/redact.ts'
import { anyCharacter } from './text/any-character.ts'

beforeEach(clearSecrets)

/** Secrets without an asterisk: a masked text may contain a secret with one. */
const secret = fc
  .oneof(
    fc.string({ minLength: MIN_SECRET_LENGTH, maxLength: 40 }),
    fc.string({ minLength: MIN_SECRET_LENGTH, maxLength: 20, unit: anyCharacter }),
    fc.stringMatching(/^[A-Za-z0-9+/]{20,40}={0,2}$/),
    fc.stringMatching(/^[a-zü"'<>&/\\ %+é🚀]{6,12}$/u),
  )
  .filter((text) => text.length >= MIN_SECRET_LENGTH && !text.includes('*'))

const htmlSigns: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Encodings that libraries produce. */
const encodings: Record<string, (text: string) => string> = {
  unchanged: (text) => text,
  'percent-encoded': encodeURIComponent,
  'percent-encoded in lower case': (text) => encodeURIComponent(text).replace(/%../g, (sign) => sign.toLowerCase()),
  'in a form': (text) => new URLSearchParams([['a', text]]).toString().slice(2),
  'in base64': (text) => Buffer.from(text).toString('base64'),
  'in base64 without its end': (text) => Buffer.from(text).toString('base64').replace(/=+$/, ''),
  'in base64 for URLs': (text) => Buffer.from(text).toString('base64url'),
  'in JSON': (text) => JSON.stringify(text).slice(1, -1),
  'in JSON of ASCII': (text) =>
    JSON.stringify(text)
      .slice(1, -1)
      .replace(/[\u007f-\uffff]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`),
  'in JSON as PHP writes it': (text) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
  'in HTML': (text) => text.replace(/[&<>"']/g, (sign) => htmlSigns[sign] ?? sign),
}

/** Texts around a secret. */
const around = fc.constantFrom('', ' ', 'token=', '"', '\n', ': ', '***', '=')

describe('A registered secret', () => {
  test.each(Object.keys(encodings))('is masked in the encoding: %s', (name) => {
    fc.assert(
      fc.property(secret, around, around, (value, before, after) => {
        clearSecrets()
        const form = encodings[name]?.(value.toWellFormed()) ?? ''
        registerSecret(value)
        expect(redact(`${before}${form}${after}`)).not.toContain(form)
        const deep = JSON.stringify(redactDeep({ [form]: [form, { deeper: `${before}${form}` }] }))
        expect(Object.keys(JSON.parse(deep))).not.toContain(form)
        expect(deep).not.toContain(JSON.stringify(form).slice(1, -1))
      }),
      { numRuns: 60 },
    )
  })

  test('is masked independently of other registered secrets', () => {
    fc.assert(
      fc.property(fc.array(secret, { minLength: 2, maxLength: 5 }), (values) => {
        clearSecrets()
        for (const value of values) registerSecret(value)
        const masked = redact(values.map((value) => `${value}${Buffer.from(value).toString('base64')}`).join(''))
        for (const value of values) expect(masked).not.toContain(value)
      }),
      { numRuns: 60 },
    )
  })

  test('is masked in all encodings if it is an encoding of another secret', () => {
    registerSecret('the-first-of-two-secrets')
    const second = Buffer.from('the-first-of-two-secrets').toString('base64')
    registerSecret(second)
    expect(redact(Buffer.from(second).toString('base64'))).toBe('***')
  })

  test('is masked if it contains half of a surrogate pair', () => {
    registerSecret('half-\ud83d-of-one')
    expect(redact('say half-\ud83d-of-one')).toBe('say ***')
  })
})

describe('A masked text', () => {
  test('does not change when it is masked again', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(secret, around), { maxLength: 8 }), (parts) => {
        clearSecrets()
        for (const part of parts) registerSecret(part)
        const masked = redact(parts.join(''))
        expect(redact(masked)).toBe(masked)
        expect(redactDeep(redactDeep({ [masked]: parts }))).toEqual(redactDeep({ [masked]: parts }))
      }),
      { numRuns: 60 },
    )
  })

  test('does not form a secret with the asterisks of the mask', () => {
    registerSecret('a-first-secret')
    registerSecret('**-the-rest')
    expect(redact('a-first-secret-the-rest')).not.toContain('**-the-rest')
  })

  test('does not form a longer secret with the mask of a shorter one', () => {
    registerSecret('a-first-secret')
    registerSecret('before-the-mask-***-after-the-mask')
    expect(redact('before-the-mask-a-first-secret-after-the-mask')).toBe('***')
  })

  test('keeps all other values and their structure', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        fc.pre(redact(text) === text)
        expect(JSON.stringify(redactDeep(value))).toBe(JSON.stringify(JSON.parse(text)))
      }),
      { numRuns: 60 },
    )
  })
})

describe('A secret that a platform returns', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const hex = (text: string) => Buffer.from(text).toString('hex')
  const entities = (text: string, write: (code: number) => string) =>
    text.replace(/[^\w\s]/g, (sign) => write(sign.charCodeAt(0)))
  const words = 'ghpAbCdEf0123456789GhIj'
  const signs = 'p/w+d="a&b"<c>\'d'

  test.each([
    ['base64 after a user name', base64(`robot:${words}`), /^\S{0,8}\*\*\*\S{0,2}$/],
    ['base64 after a scheme', base64(`Bearer ${words}`), /^\S{0,12}\*\*\*\S{0,4}$/],
    ['base64 before something else', base64(`${words}:x`), /^\*\*\*\S{0,5}$/],
    ['hexadecimal', hex(words), /^\*\*\*$/],
    ['hexadecimal in upper case', hex(words).toUpperCase(), /^\*\*\*$/],
    ['upper case', words.toUpperCase(), /^\*\*\*$/],
    ['lower case', words.toLowerCase(), /^\*\*\*$/],
    ['its first 12 characters', `bad token ${words.slice(0, 12)}`, /^bad token \*\*\*$/],
    ['its first 20 characters', `bad token ${words.slice(0, 20)}...`, /^bad token \*\*\*\.\.\.$/],
    ['all but its last 4 characters', `${words.slice(0, -4)}****`, /^\*\*\*\*+$/],
    ['several of these', `${words.slice(0, 14)}, ${words}, ${words.slice(0, 13)}`, /^\*\*\*, \*\*\*, \*\*\*$/],
  ])('is masked as %s', (_what, text, expected) => {
    registerSecret(words)
    expect(redact(text)).toMatch(expected)
  })

  test.each([
    ['decimal entities', entities(signs, (code) => `&#${code};`)],
    ['hexadecimal entities', entities(signs, (code) => `&#x${code.toString(16)};`)],
    ['hexadecimal entities in upper case', entities(signs, (code) => `&#x${code.toString(16).toUpperCase()};`)],
    ['percent-encoded twice', encodeURIComponent(encodeURIComponent(signs))],
    ['percent-encoded twice in lower case', encodeURIComponent(encodeURIComponent(signs)).toLowerCase()],
    ['a path', encodeURI(signs)],
    ['JSON in JSON', JSON.stringify(JSON.stringify(signs)).slice(3, -3)],
    [
      'JSON as Go writes it',
      JSON.stringify(signs)
        .slice(1, -1)
        .replace(/[<>&]/g, (sign) => `\\u00${hex(sign)}`),
    ],
    ['HTML with an entity for the slash', signs.replace(/[&<>"'/]/g, (sign) => `&#x${hex(sign)};`)],
    ['a mixture', signs.replaceAll('/', '%2F').replaceAll('&', '&amp;')],
  ])('is masked with special characters as %s', (_what, text) => {
    registerSecret(signs)
    expect(redact(`a ${text} b`)).toBe('a *** b')
  })

  test.each([
    ['https://hooks.example.com/services/T0/B0/x', 'see https://hooks.example.org/login'],
    ['-----BEGIN PRIVATE KEY-----\nMIIB', '-----BEGIN PUBLIC KEY-----'],
    ['production-of-tomorrow', 'production-of-today'],
    ['Ab3-short', 'AB3-SHORT ab3-short'],
  ])('does not change other text: %s', (value, text) => {
    registerSecret(value)
    expect(redact(text)).toBe(text)
  })
})

test('The password in basic authorization is masked on its own', () => {
  registerSecret(`Basic ${btoa('robot:a-password-of-it')}`)
  expect(redact(`Basic ${btoa('robot:a-password-of-it')}, robot:a-password-of-it`)).toBe('***, robot:***')
})

describe('An invocation', () => {
  test('masks only secrets that it has read', () => {
    registerSecret('the-token-of-one')
    clearSecrets()
    registerSecret('the-token-of-two')
    expect(redact('the-token-of-one, the-token-of-two')).toBe('the-token-of-one, ***')
    clearSecrets()
    registerSecret('the-token-of-one')
    expect(redact('the-token-of-one, the-token-of-two')).toBe('***, the-token-of-two')
  })
})

describe('The link of an approval', () => {
  const [task, signature] = ['0123456789abcdef0123456789abcdef01234567', '89ab'.repeat(16)]

  test.each([
    [`https://api.example.com/v1/notification/approvals/${task}.t0k9zz.${signature}`],
    [`could not post {"url":"https:\\/\\/x\\/approvals\\/${task}.t0k9zz.${signature}"}`],
    [`${encodeURIComponent(`https://x/approvals/${task}.t0k9zz.${signature}`)}&x=1`],
    [`${task}.t0k9zz.${signature.slice(0, 40)}...`],
    [`${task}.t0k9zz.${signature}`.toUpperCase()],
  ])('is masked without its task: %s', (text) => {
    const masked = redact(text)
    expect(masked).toContain('.***')
    expect(masked).not.toMatch(/89ab89ab|t0k9zz/i)
    expect(masked).toMatch(new RegExp(task, 'i'))
    expect(toMaskedJson({ text })).toBe(JSON.stringify({ text: masked }))
  })

  test.each([
    [`sha256:${signature}`],
    [`registry.example.com/shop@sha256:${signature}`],
    [`commit ${task}`],
    [`${task}.json`],
    [`/tasks/${task}`],
  ])('is not confused with %s', (text) => {
    expect(redact(text)).toBe(text)
  })
})

test('JSON: control characters that a terminal may obey are escaped, with and without a secret', () => {
  const text = Array.from({ length: 0x21 }, (_, index) => String.fromCharCode(0x7f + index)).join('')
  registerSecret('hunter2-hunter2')
  for (const secret of ['', 'hunter2-hunter2']) {
    const json = toMaskedJson({ text: `\u001b[2J${text}${secret}` })
    expect(json).toMatch(/^[\x20-\x7e]*$/)
    expect(JSON.parse(json).text).toBe(`\u001b[2J${text}${secret === '' ? '' : '***'}`)
  }
})

test('JSON: texts are masked as each text alone, with any secret and any characters around it', () => {
  const signs = fc.constantFrom('"', '\\', '\n', 'A', '/')
  const character = fc.oneof(fc.string({ unit: anyCharacter, maxLength: 1 }), signs)
  const part = fc.array(character, { maxLength: 12 }).map((characters) => characters.join(''))
  const secret = part.filter(({ length }) => length >= MIN_SECRET_LENGTH)
  fc.assert(
    fc.property(secret, part, part, (value, before, after) => {
      clearSecrets()
      registerSecret(value)
      const line = { text: `${before}${value}${after}`, list: [after, 1, null] }
      const masked = JSON.stringify(line, (_name, item) => (typeof item === 'string' ? redact(item) : item))
      expect(JSON.parse(toMaskedJson(line))).toEqual(JSON.parse(masked))
    }),
  )
})
