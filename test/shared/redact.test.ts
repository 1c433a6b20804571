import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { mask, maskDeep, remember, shortestSecret } from '../../shared/redact.ts'

/** A star of the mask itself would tell of nothing: a secret that holds one may stand in what was masked. */
const secret = fc
  .oneof(
    fc.string({ minLength: shortestSecret, maxLength: 40 }),
    fc.string({ minLength: shortestSecret, maxLength: 20, unit: 'binary' }),
    fc.stringMatching(/^[A-Za-z0-9+/]{20,40}={0,2}$/),
    fc.stringMatching(/^[a-zü"'<>&/\\ %+é🚀]{6,12}$/u),
  )
  .filter((text) => text.length >= shortestSecret && !text.includes('*'))

/** How libraries of all kinds write a text into something else. */
const encodings: Record<string, (text: string) => string> = {
  'as it is': (text) => text,
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
  'in HTML': (text) =>
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;'),
}

/** What is no part of it. */
const around = fc.constantFrom('', ' ', 'token=', '"', '\n', ': ', '***', '=')

describe('a remembered secret', () => {
  test.each(Object.keys(encodings))('survives no mask %s', (name) => {
    fc.assert(
      fc.property(secret, around, around, (value, before, after) => {
        const form = encodings[name]?.(value.toWellFormed()) ?? ''
        remember(value)
        expect(mask(`${before}${form}${after}`)).not.toContain(form)
        const deep = JSON.stringify(maskDeep({ [form]: [form, { deeper: `${before}${form}` }] }))
        expect(Object.keys(JSON.parse(deep))).not.toContain(form)
        expect(deep).not.toContain(JSON.stringify(form).slice(1, -1))
      }),
      { numRuns: 60 },
    )
  })

  test('is masked whatever else was remembered before or after it', () => {
    fc.assert(
      fc.property(fc.array(secret, { minLength: 2, maxLength: 5 }), (values) => {
        for (const value of values) remember(value)
        const masked = mask(values.map((value) => `${value}${Buffer.from(value).toString('base64')}`).join(''))
        for (const value of values) expect(masked).not.toContain(value)
      }),
      { numRuns: 60 },
    )
  })

  test('that is an encoding of another has encodings of its own', () => {
    remember('the-first-of-two-secrets')
    const second = Buffer.from('the-first-of-two-secrets').toString('base64')
    remember(second)
    expect(mask(Buffer.from(second).toString('base64'))).toBe('***')
  })

  test('may hold half of a character, which nothing can encode', () => {
    remember('half-\ud83d-of-one')
    expect(mask('say half-\ud83d-of-one')).toBe('say ***')
  })
})

describe('what was masked', () => {
  test('stays as it is when it is masked again', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(secret, around), { maxLength: 8 }), (parts) => {
        for (const part of parts) remember(part)
        const masked = mask(parts.join(''))
        expect(mask(masked)).toBe(masked)
        expect(maskDeep(maskDeep({ [masked]: parts }))).toEqual(maskDeep({ [masked]: parts }))
      }),
      { numRuns: 60 },
    )
  })

  test('joins to no secret with the star that stands beside it', () => {
    remember('a-first-secret')
    remember('**-the-rest')
    expect(mask('a-first-secret-the-rest')).not.toContain('**-the-rest')
  })

  test('is else untouched, and of the same shape', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        fc.pre(mask(text) === text)
        expect(JSON.stringify(maskDeep(value))).toBe(JSON.stringify(JSON.parse(text)))
      }),
      { numRuns: 60 },
    )
  })
})
