import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from '@jest/globals'
import { type SchemeName, type SignatureScheme, signatureSchemes } from '../../../shared/sources/schemes.ts'
import { findSignatureProblem } from '../../../shared/sources/verify.ts'

interface Vector {
  name: string
  secret: string
  body: string
  headers: Record<string, string>
  /** Epoch seconds. */
  now?: number
  valid: boolean
}

const fixtures = join(import.meta.dirname, '../../fixtures')
const vectors: Vector[] = JSON.parse(readFileSync(join(fixtures, 'source-signatures-vectors.json'), 'utf8'))
/** The time of the vectors that have none. */
const NOW = 1_785_000_000

function schemeOf({ name, headers }: Vector): SignatureScheme {
  if (name === 'gitlab-signing-token') return signatureSchemes['standard-webhooks']
  return headers['svix-id'] === undefined ? signatureSchemes[name as SchemeName] : signatureSchemes.svix
}

function problemOf(vector: Vector, changes: Partial<Vector> & { keys?: string[] } = {}): string | undefined {
  const { secret, body, headers, now = NOW } = { ...vector, ...changes }
  const request = { headers, rawBody: Buffer.from(body) }
  return findSignatureProblem(schemeOf(vector), changes.keys ?? [secret], request, now * 1_000)
}

const named = vectors.map((vector, index) => [`${vector.name} (${index})`, vector] as const)
const valid = named.filter(([, vector]) => vector.valid)
const timed = valid.filter(([, vector]) => schemeOf(vector).time !== undefined)

const OTHER_KEY = `whsec_${Buffer.from('another-key-of-32-bytes-01234567').toString('base64')}`

describe('The signature of', () => {
  it.each(named)('%s is recognized', (_name, vector) => {
    expect(problemOf(vector) === undefined).toBe(vector.valid)
  })

  it.each(valid)('%s is refused for a body with one changed byte', (_name, vector) => {
    const body = `${vector.body.slice(0, -1)}${vector.body.endsWith('!') ? '?' : '!'}`
    expect(problemOf(vector, { body })).toContain('does not match')
  })

  it.each(valid)('%s is refused for another key, an empty key and no key', (_name, vector) => {
    for (const keys of [[OTHER_KEY], [''], ['whsec_'], []])
      expect(problemOf(vector, { keys })).toContain('does not match')
  })

  it.each(valid)('%s is accepted for each of three keys', (_name, vector) => {
    for (const keys of [
      [vector.secret, 'unused-1', 'unused-2'],
      ['unused-1', 'unused-2', vector.secret],
    ])
      expect(problemOf(vector, { keys })).toBeUndefined()
  })

  it.each(valid)('%s is refused if one of its headers is missing', (_name, vector) => {
    const scheme = schemeOf(vector)
    const signed = [...(scheme.text ?? '').matchAll(/\{header:(.+?)\}/g)].map(([, name = '']) => name)
    for (const name of [scheme.header, ...signed]) {
      const { [name]: _missing, ...headers } = vector.headers
      expect(problemOf(vector, { headers })).toContain(`The header ${name} is missing`)
    }
  })

  it.each(valid)('%s is refused with one changed character', (_name, vector) => {
    const { header, separator } = schemeOf(vector)
    const change = (text: string) => `${text.slice(0, -3)}${text.at(-3) === 'a' ? 'b' : 'a'}${text.slice(-2)}`
    const sent = vector.headers[header] ?? ''
    const changed = separator === undefined ? change(sent) : sent.split(separator).map(change).join(separator)
    expect(problemOf(vector, { headers: { ...vector.headers, [header]: changed } })).toContain('does not match')
  })

  it.each(timed)('%s is refused outside its window of time', (_name, vector) => {
    const tolerance = schemeOf(vector).toleranceSeconds ?? 0
    for (const seconds of [-1, 1]) {
      const now = (vector.now ?? NOW) + seconds * (2 * tolerance + 1)
      expect(problemOf(vector, { now })).toContain(`within the last ${tolerance} seconds`)
    }
  })
})

describe('A signature', () => {
  const body = '{"a":1}'
  const sign = (text: string) => createHmac('sha256', 'a-key').update(text).digest('hex')
  const problem = (scheme: SignatureScheme, headers: Record<string, string>, of = body) =>
    findSignatureProblem(scheme, ['a-key'], { headers, rawBody: Buffer.from(of) }, NOW * 1_000)

  test('in capitals is accepted if it is hexadecimal', () => {
    expect(problem({ header: 'x' }, { x: sign(body).toUpperCase() })).toBeUndefined()
  })

  test('with an empty key is refused', () => {
    const headers = { x: createHmac('sha256', '').update(body).digest('hex') }
    const request = { headers, rawBody: Buffer.from(body) }
    expect(findSignatureProblem({ header: 'x' }, [''], request, 0)).toContain('does not match')
    const whsec = { header: 'x', key: signatureSchemes.svix.key }
    expect(findSignatureProblem(whsec, ['whsec_', 'whsec_=='], request, 0)).toContain('does not match')
  })

  test('covers bytes, even if they are not UTF-8', () => {
    const rawBody = Buffer.from([0x7b, 0xff, 0x7d])
    const signature = createHmac('sha256', 'a-key').update(rawBody).digest('hex')
    const of = (bytes: Uint8Array) =>
      findSignatureProblem({ header: 'x' }, ['a-key'], { headers: { x: signature }, rawBody: bytes }, 0)
    expect(of(rawBody)).toBeUndefined()
    expect(of(Buffer.from(rawBody.toString('utf8')))).toContain('does not match')
  })

  test.each([
    ['seconds', `${NOW - 300}`, true],
    ['old seconds', `${NOW - 301}`, false],
    ['seconds in the future', `${NOW + 300}`, true],
    ['seconds too far in the future', `${NOW + 301}`, false],
    ['milliseconds', `${NOW * 1_000 - 300_000}`, true],
    ['old milliseconds', `${NOW * 1_000 - 300_001}`, false],
    ['a date', '2026-07-25T17:20:00Z', false],
    ['a negative number', `-${NOW}`, false],
    ['nothing', '', false],
  ])('with a time in %s', (_name, time, isValid) => {
    const scheme = { header: 'x', text: '{header:t}.{body}', time: { header: 't' }, toleranceSeconds: 300 }
    expect(problem(scheme, { x: sign(`${time}.${body}`), t: time }) === undefined).toBe(isValid)
  })

  test.each(['[]', 'null', '{"a":1}', '{"at":"today"}', 'not JSON'])('of the body %s has no time', (of) => {
    const scheme = { header: 'x', time: { body: 'at' }, toleranceSeconds: 300 }
    expect(problem(scheme, { x: sign(of) }, of)).toContain('within the last 300 seconds')
  })
})
