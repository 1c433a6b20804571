import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import * as z from 'zod/mini'
import { canonicalJson } from '../../shared/canonical-json.ts'
import { identify } from '../../shared/core/call-id.ts'
import {
  Failure,
  invalidFields,
  outcomeUnknown,
  refused,
  refusedInput,
  retryLater,
  serviceUnavailable,
} from '../../shared/errors.ts'
import { id, onOff, secret, secretsIn, url, words } from '../../shared/fields.ts'
import { errored } from '../../shared/outcome.ts'
import { validate } from '../../shared/validate.ts'
import { failureOf } from '../functions/helpers.ts'

describe('A secret value', () => {
  it('is found in a connection by its schema, in optional and nested fields', () => {
    const schema = z.strictObject({
      baseUrl: url('a'),
      token: secret('b'),
      other: z.optional(secret('c')),
      oauth: z.optional(z.strictObject({ clientSecret: secret('d') })),
    })
    const value = { baseUrl: 'https://x', token: 'token-1', oauth: { clientSecret: 'client-1' } }
    expect(secretsIn(schema, value)).toEqual(['token-1', 'client-1'])
    const others = { baseUrl: 'https://x', token: 'token-1', other: 'other-1' }
    expect(secretsIn(schema, others)).toEqual(['token-1', 'other-1'])
  })
})

describe('The id of a task', () => {
  const key = 'a-key-of-the-deployment'
  const one = {
    deployment: 'table-of-one-stack',
    caller: 'c',
    eventId: 'e',
    category: 'issue-ticketing',
    action: 'open-issue',
    connection: 'default',
    mode: 'silent' as const,
    dryRun: false,
    input: { title: 't', labels: ['a'] },
  }
  it('has 40 hex digits', async () => {
    expect(identify(one, key)).toMatch(/^[0-9a-f]{40}$/)
  })
  it('does not depend on the order of fields or on what is undefined', async () => {
    const expected = identify(one, key)
    expect(identify({ ...one, input: { labels: ['a'], title: 't', project: undefined } }, key)).toBe(expected)
  })
  const another = {
    deployment: 'table-of-another-stack',
    caller: 'd',
    eventId: 'f',
    category: 'slo',
    action: 'close-issue',
    connection: 'other',
    mode: 'interactive' as const,
    dryRun: true,
    input: { title: 'u' },
  }
  it.each(Object.entries(another))('changes with its %s (%j)', async (name, value) => {
    expect(identify({ ...one, [name]: value }, key)).not.toBe(identify(one, key))
  })
  it('changes with the key of the deployment', async () => {
    expect(identify(one, 'another-key')).not.toBe(identify(one, key))
  })
  it('is made from JSON that reads back as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) =>
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value))),
      ),
    )
  })
})

describe('Fields', () => {
  it('convert text to lists and numbers to ids', () => {
    expect(words('w').parse(' a, b,,c ')).toEqual(['a', 'b', 'c'])
    expect(words('w').parse(['a, b'])).toEqual(['a, b'])
    expect([id('i').parse(7), id('i').parse('7')]).toEqual(['7', '7'])
  })
  it('convert on and off to a state and reject other values', () => {
    expect(['on', 'OFF', true, 'false'].map((value) => onOff('o').parse(value))).toEqual(['on', 'off', 'on', 'off'])
    for (const bad of ['', 1, null, {}, [], { toString: 'on' }, [{ toString: 'on', valueOf: 'on' }]])
      expect(onOff('o').safeParse(bad).success).toBe(false)
  })
  it('report every invalid field, with the most similar known name', async () => {
    const schema = z.strictObject({ title: z.string(), labels: z.optional(words('w')) })
    const validating = async () => validate(schema, { titel: 'x', labels: 5 }, { what: 'The input', root: 'input' })
    const failure = await failureOf(validating())
    expect(failure.errors?.map(({ path }) => path).sort()).toEqual(['input.labels', 'input.titel', 'input.title'])
    expect(failure.message).toContain('input.titel is not a known field. Did you mean "title"?')
  })
})

it('The outcome of a Failure contains its message, and that of a bug "Internal error"', () => {
  const outcome = { status: 'errored', result: 'fail', message: 'No.', data: {}, links: {} }
  expect(errored(new Failure('refused', 'No.'))).toEqual(outcome)
  expect(errored(new TypeError('x is undefined')).message).toMatch(/^Internal error/)
})

it.each([
  ['refused ends the call', refused('No.'), { status: 422, transient: false }],
  ['refusedInput names the field', refusedInput('input.target', 'is not allowed'), { status: 422, transient: false }],
  [
    'retryLater repeats the call when the platform says',
    retryLater('Busy.', { after: 7 }),
    { status: 502, transient: true },
  ],
  ['serviceUnavailable repeats the call', serviceUnavailable('Down.', { after: 7 }), { status: 503, transient: true }],
  ['outcomeUnknown ends the call', outcomeUnknown('Unknown.'), { status: 502, transient: false }],
])('%s', (_, failure, { status, transient }) => {
  expect(failure).toMatchObject({ status, transient, retryAfter: transient ? 7 : undefined })
})
it('The error for several fields names each of them', () => {
  const errors = [
    { path: 'input.a', message: 'is required' },
    { path: 'input.b', message: 'must be a number' },
  ]
  expect(invalidFields(errors)).toMatchObject({ message: 'input.a is required. input.b must be a number', errors })
})
