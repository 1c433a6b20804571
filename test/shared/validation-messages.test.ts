import { describe, expect, it } from '@jest/globals'
import * as z from 'zod/mini'
import { categories } from '../../functions/index.ts'
import { callersSchema } from '../../shared/auth/callers.ts'
import { Failure, type FieldError } from '../../shared/errors.ts'
import { eventSchema } from '../../shared/orchestrators/event/event.ts'
import { keptnSecret } from '../../shared/orchestrators/keptn/keptn.ts'
import type { Category } from '../../shared/providers/category.ts'
import { connectionSchema } from '../../shared/providers/connections.ts'
import { unknownName, validate } from '../../shared/validate.ts'

const bad: unknown[] = [
  undefined,
  null,
  true,
  -1.5,
  1e300,
  Number.NaN,
  '',
  'x',
  '!',
  'x'.repeat(70_000),
  'http://a:b@c',
  'https://x',
  [],
  [null],
  [{}],
  ['x'.repeat(300)],
  Array(60).fill('x'),
  Array(60).fill({}),
  {},
  { a: null },
  { a: {} },
  { '': 'x' },
  { ['x'.repeat(300)]: 'x' },
  { unknown: 1 },
  '{}',
  '[]',
  '[{}]',
  '{"a":1}',
  '[{"metric":"","op":"?","value":"x"}]',
  '[{"name":"a","state":"?"}]',
  'P1W2',
]

const PLAIN = / (must|is|has|may|does|cannot) /
const JARGON = /invalid|\bexpected|too (?:big|small)|received|unrecognized|undefined|NaN|Infinity|>=|<=/i

/** Returns the distinct errors of a schema for invalid values, of the value and of each field, with their paths. */
function messagesOf(schema: z.core.$ZodType): string[] {
  const fields = Object.keys((schema as z.ZodMiniObject).shape ?? {})
  const values = [...bad, ...fields.flatMap((field) => bad.map((value) => ({ [field]: value })))]
  const messages = values.flatMap((value) => errorsOf(schema, value).map(({ path, message }) => `${path} ${message}`))
  return [...new Set(messages)]
}

function errorsOf(schema: z.core.$ZodType, value: unknown): readonly FieldError[] {
  try {
    validate(schema, value, { what: 'The input', root: 'input' })
    return []
  } catch (error) {
    if (error instanceof Failure) return error.errors ?? []
    throw error
  }
}

const schemas: [string, z.core.$ZodType][] = [
  ['callers', callersSchema],
  ['keptn', keptnSecret],
  ['an event', eventSchema],
]
for (const category of categories as readonly Category[]) {
  for (const [name, { input }] of Object.entries(category.actions)) schemas.push([`${category.name}/${name}`, input])
  for (const [name, load] of Object.entries(category.providers))
    schemas.push([`a connection ${category.name}/${name}`, connectionSchema(await load(), category)])
}

describe('Validation messages', () => {
  it.each(schemas)('of %s continue the path in plain English', (_, schema) => {
    const messages = messagesOf(schema)
    expect(messages.length).toBeGreaterThan(2)
    expect(messages.filter((message) => !PLAIN.test(message))).toEqual([])
    const own = messages.map((message) => message.replace(/^\S* |"[^"]*"|Fields: .*/g, ''))
    expect(own.filter((message) => JARGON.test(message))).toEqual([])
  })

  const sizes = z.object({
    title: z.optional(z.string().check(z.minLength(1), z.maxLength(255))),
    count: z.optional(z.int().check(z.gte(1), z.lte(10))),
    share: z.optional(z.number().check(z.gt(0), z.lt(1))),
    labels: z.optional(z.array(z.string()).check(z.minLength(2), z.maxLength(3))),
    one: z.optional(z.array(z.string()).check(z.length(1))),
    step: z.optional(z.number().check(z.multipleOf(5))),
    id: z.optional(z.union([z.string().check(z.minLength(1), z.maxLength(255)), z.int()])),
    state: z.optional(z.enum(['on', 'off'])),
    type: z.optional(z.literal('keptn')),
    url: z.optional(z.url({ protocol: /^https?$/ })),
    code: z.optional(z.string().check(z.regex(/^[a-z]+$/))),
    map: z.optional(z.record(z.string().check(z.maxLength(3)), z.string())),
    inner: z.optional(z.strictObject({ name: z.string() })),
    list: z.optional(z.union([z.string(), z.array(z.object({ name: z.string() }))])),
  })
  it.each([
    [{ title: 'x'.repeat(312) }, 'input.title must be at most 255 characters (it has 312)'],
    [{ title: '' }, 'input.title must not be empty'],
    [{ title: ['x'] }, 'input.title must be text, not a list'],
    [{ title: null }, 'input.title must be text, not null'],
    [{ count: 33.3 }, 'input.count must be a whole number'],
    [{ count: 'many' }, 'input.count must be a whole number, not text'],
    [{ count: 11 }, 'input.count must be at most 10'],
    [{ count: 0 }, 'input.count must be at least 1'],
    [{ share: 1 }, 'input.share must be less than 1'],
    [{ share: 0 }, 'input.share must be more than 0'],
    [{ labels: ['a', 'b', 'c', 'd'] }, 'input.labels must have at most 3 items (it has 4)'],
    [{ labels: ['a'] }, 'input.labels must have at least 2 items'],
    [{ one: ['a', 'b'] }, 'input.one must have exactly 1 items (it has 2)'],
    [{ step: 7 }, 'input.step must be a multiple of 5'],
    [{ id: '' }, 'input.id must not be empty'],
    [{ id: {} }, 'input.id must be text or a whole number'],
    [{ state: 'maybe' }, 'input.state must be one of "on", "off"'],
    [{ type: 'tekton' }, 'input.type must be "keptn"'],
    [{ url: 'example.com' }, 'input.url must be a URL that starts with http:// or https://'],
    [{ code: 'A' }, 'input.code must match /^[a-z]+$/'],
    [{ map: { long: 'x' } }, 'input.map.long has a name that is not valid: it must be at most 3 characters (it has 4)'],
    [{ inner: {} }, 'input.inner.name is required'],
    [{ inner: { name: 'x', nmae: 'y' } }, 'input.inner.nmae is not a known field'],
    [{ list: [{}] }, 'input.list has 0.name, which is required'],
    ['title', 'input must be an object, not text'],
  ])('explain how to fix %j', (value, said) => {
    const expected = `The input is not valid: ${said}`
    expect(() => validate(sizes, value, { what: 'The input', root: 'input' })).toThrow(expected)
  })
})

describe('An unknown name', () => {
  const names = ['ci-cd', 'feature-flags', 'issue-ticketing', 'load-testing', 'slo']
  const all = 'Categories: ci-cd, feature-flags, issue-ticketing, load-testing, slo.'

  it.each([
    ['issues', 'issue-ticketing'],
    ['isue-ticketing', 'issue-ticketing'],
    ['Load-Tests', 'load-testing'],
    ['load', 'load-testing'],
    ['feature-toggles', 'feature-flags'],
    ['cicd', 'ci-cd'],
    ['slo-evaluation', 'slo'],
  ])('suggests a similar name: %s', (name, similar) => {
    const expected = `Unknown category "${name}". Did you mean "${similar}"? ${all}`
    expect(unknownName('category', name, names)).toBe(expected)
  })

  it.each(['foo', 'nagios', 'x', 'tickets', ''])('lists all names if none is similar: "%s"', (name) => {
    expect(unknownName('category', name, names)).toBe(`Unknown category "${name}". ${all}`)
  })

  it('is shortened even if no name is known', () => {
    expect(unknownName('query', 'x'.repeat(99), [])).toBe(`Unknown query "${'x'.repeat(60)}". There are no queries.`)
  })
})
