import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import * as z from 'zod/mini'
import { messageOf, templates } from '../../../functions/notification/templates/index.ts'
import type { CallEvent } from '../../../shared/orchestrators/event/event.ts'
import { anyCharacter } from '../../shared/text/any-character.ts'
import { messageFor, shown } from './template-messages.ts'

type Parts = Partial<Pick<CallEvent, 'type' | 'kind' | 'task'>> & { data?: Partial<CallEvent['data']> }

/** An event without any name. */
const almostNothing: CallEvent = {
  id: undefined,
  type: '',
  context: undefined,
  gitcommitid: undefined,
  kind: undefined,
  task: undefined,
  data: {
    project: undefined,
    stage: undefined,
    service: undefined,
    result: undefined,
    status: undefined,
    message: undefined,
    labels: {},
  },
  properties: {},
}

describe('hostile event', () => {
  it('contains only safe links', () => {
    const labels = {
      script: 'javascript:alert(1)',
      file: 'file:///etc/passwd',
      broken: 'https://',
      deceit: 'https://bank.example.com@evil.example.com/',
      lines: 'https://good.example.com/a\nb "c" <d>',
    }
    const message = messageFor('hello.finished', { labels, hello: { url: ' javascript:alert(1)' } })
    expect(shown(message).links).toBe('lines: https://good.example.com/ab%20%22c%22%20%3Cd%3E')
    expect(message.fields.map(({ name }) => name)).toEqual(expect.arrayContaining(['script', 'file', 'deceit']))
  })

  it('omits long links', () => {
    const base = 'https://x.example.com/'
    const links = (path: string) => messageFor('hello.finished', { hello: { report: `${base}${path}` } }).links.length
    expect([links('x'.repeat(1_900)), links('x'.repeat(2_000)), links('ü'.repeat(1_000))]).toEqual([1, 0, 0])
  })

  it('has a title on one line that ends with the state', () => {
    const long = '\n<!channel> 😀'.repeat(19)
    const data = { project: long, stage: long, service: long, result: 'fail' }
    const { title } = messageFor(`${'a'.repeat(128)}.finished`, data)
    expect(title).toMatch(/^a+… of <!channel>[^\n]+… in [^\n]+…\/[^\n]+… failed$/)
    expect(title.length).toBeLessThanOrEqual(200)
    expect(title.isWellFormed()).toBe(true)
  })

  it.each<[Parts, string]>([
    [{ type: '' }, 'Event'],
    [{ type: ' \n', kind: 'started' }, 'Event has started'],
    [{ type: '', data: { service: ' ', project: ' ', stage: '' } }, 'Event'],
    [{ task: 'hello', data: { service: '\t', project: 'shop', stage: ' ' } }, 'hello in shop'],
  ])('%j has the title "%s"', ({ data, ...fields }, title) => {
    const event = { ...almostNothing, ...fields, data: { ...almostNothing.data, ...data } }
    expect(messageOf({ event, sequenceUrl: undefined }).title).toBe(title)
  })

  it('is cut to the limits', () => {
    const labels = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [`${at}`, at % 2 ? `https://x.example.com/${at}` : '😀'.repeat(900)]),
    )
    const message = messageFor('hello.finished', { message: `${'x'.repeat(2_998)}😀${'y'.repeat(100_000)}`, labels })
    expect(message.text).toBe(`${'x'.repeat(2_998)}…`)
    expect(message.fields).toHaveLength(12)
    expect(message.fields[11]?.value).toBe(`${'😀'.repeat(249)}…`)
    expect(message.links).toHaveLength(5)
  })

  const wellFormed = z.refine<string>((text) => text.isWellFormed())
  // Any JSON, often with names and values that the templates read.
  const names = [
    'score result status timeStart timeEnd indicatorResults displayName keySli value metric success message passTargets',
    'warningTargets criteria targetValue thresholds op warn actual p95 duration errorRate start end teststrategy url id',
    'number 0 1 deploymentURIsPublic deploymentURIsLocal deploymentNames State ProblemTitle ProblemURL Tags ProblemID',
    'toString hasOwnProperty length',
  ].flatMap((line) => line.split(' '))
  const words = 'pass fail toString 1e308 -1 https://x.example.com 2021-03-16T12:44:54Z \ud83d'.split(' ')
  const text = fc.oneof(
    fc.constantFrom(...words, ''),
    fc.string({ unit: anyCharacter }),
    fc.constantFrom(1, 99, 499, 3_000).map((length) => '\ud83d\ude00 '.repeat(length)),
  )
  const name = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names) }, fc.string())
  const values = [text, fc.double(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant(undefined)]
  const junk = fc.anything({ key: name, values, maxDepth: 4, maxKeys: 6 })
  const records = fc.dictionary(name, junk, { maxKeys: 15 })
  const optional = fc.option(text, { nil: undefined })
  const place = { project: optional, stage: optional, service: optional }
  const events: fc.Arbitrary<CallEvent> = fc.record({
    id: optional,
    type: optional,
    context: optional,
    gitcommitid: optional,
    kind: fc.constantFrom(undefined, 'triggered', 'started', 'status.changed', 'finished', 'invalidated'),
    task: fc.constantFrom(undefined, 'evaluation', 'deployment', 'test', 'hello', '\ud83d'),
    data: fc.record({
      ...place,
      result: optional,
      status: optional,
      message: optional,
      labels: fc.dictionary(name, text, { maxKeys: 15 }),
      problem: fc.option(records, { nil: undefined }),
      incident: fc.option(records, { nil: undefined }),
    }),
    properties: records,
  })

  const line = (maxLength: number) => z.string().check(z.regex(/^\S(?:.*\S)?$/u), z.maxLength(maxLength), wellFormed)
  const cell = z.union([z.literal(''), line(200)])
  const fitting = z.strictObject({
    mood: z.enum(['good', 'warning', 'bad', 'neutral']),
    title: line(200),
    text: z.optional(z.string().check(z.regex(/\S/), z.maxLength(3_000), wellFormed)),
    fields: z.array(z.strictObject({ name: line(80), value: line(500) })).check(z.maxLength(12)),
    links: z.array(z.strictObject({ label: line(80), url: z.url({ protocol: /^https?$/ }) })).check(
      z.maxLength(5),
      z.refine((links) => new Set(links.map(({ url }) => url)).size === links.length),
    ),
    table: z.optional(
      z
        .strictObject({
          columns: z.array(z.string()),
          rows: z
            .array(z.strictObject({ mood: z.string(), cells: z.tuple([line(200)], cell) }))
            .check(z.minLength(1), z.maxLength(21)),
        })
        .check(z.refine(({ columns, rows }) => rows.every(({ cells }) => cells.length === columns.length))),
    ),
  })

  it('results in a message within the limits for any content', () => {
    const template = fc.constantFrom(undefined, ...(Object.keys(templates) as (keyof typeof templates)[]))
    fc.assert(
      fc.property(fc.record({ event: events, sequenceUrl: optional }), template, (occasion, template) => {
        expect(z.safeParse(fitting, messageOf(occasion, template)).error?.issues).toBeUndefined()
      }),
      { numRuns: 1_000, examples: [[{ event: almostNothing, sequenceUrl: undefined }, undefined]] },
    )
  })
})
