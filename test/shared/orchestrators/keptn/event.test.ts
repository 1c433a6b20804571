import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { categories } from '../../../../functions/index.ts'
import { parseCallBody, repairEncoding } from '../../../../shared/core/webhook/body.ts'
import { nest, overlay } from '../../../../shared/dotted-keys.ts'
import { parseEvent } from '../../../../shared/orchestrators/event/event.ts'
import { triggeredTask } from '../../../../shared/orchestrators/event/task-type.ts'
import { finishedReply, redactReply, startedReply } from '../../../../shared/orchestrators/keptn/reply.ts'
import { passed } from '../../../../shared/outcome.ts'
import { registerSecret } from '../../../../shared/redact.ts'
import { anyCharacter } from '../../text/any-character.ts'

it('Labels with dots survive a form, which splits names at dots', () => {
  const body = nest(new URLSearchParams('data.labels.app.kubernetes.io/name=checkout&data.labels.team=shop'))
  expect(parseEvent(body).data.labels).toEqual({ 'app.kubernetes.io/name': 'checkout', team: 'shop' })
})

it.each([
  ['pass (87.5 / 100)', 'pass', { result: 'pass', score: 87.5 }],
  ['fail (0 / 100)', 'fail', { result: 'fail', score: 0 }],
  ['warning', 'warning', {}],
])("The quick start's payload for a finished evaluation can have the result %s", (result, expected, properties) => {
  const place = { project: 'slo-demo', service: 'casdemoapp', stage: 'production' }
  const { data, ...event } = parseEvent({ ...place, event: 'sh.keptn.event.evaluation.finished', result })
  expect(data).toMatchObject({ ...place, result: expected })
  expect(event).toMatchObject({ kind: 'finished', properties })
})

describe('An evaluation that Keptn merged with an earlier one', () => {
  const indicator = (metric: string, value: number) => ({ displayName: metric, value: { metric, value } })
  const merged = {
    score: 95,
    scoreText: '81.5',
    result: 'warning',
    timeframe: '5m',
    indicatorResults: [indicator('p95', 700), indicator('errors', 2), indicator('p95', 300), indicator('errors', 1)],
  }
  const newest = [indicator('p95', 700), indicator('errors', 2)]
  const read = (type: string | undefined, evaluation: object) =>
    parseEvent({ type, data: { evaluation } }).data.evaluation

  const types = ['notify.triggered', 'report.triggered', 'evaluation.triggered', 'production.release.finished']
  it.each(types)('has its own score and its own indicators in %s', (type) => {
    const { score: _, ...others } = merged
    const expected = { result: 'warning', timeframe: '5m', indicatorResults: newest }
    expect(read(`sh.keptn.event.${type}`, merged)).toEqual({ ...expected, score: 81.5 })
    const { scoreText: __, ...byLighthouse } = others
    expect(read(`sh.keptn.event.${type}`, { ...byLighthouse, score: 95 })).toEqual(expected)
  })

  it('is read from a list in a form', () => {
    const indicatorResults = { 0: indicator('p95', 700), 1: indicator('p95', 300) }
    const evaluation = read('sh.keptn.event.notify.triggered', { indicatorResults })
    expect(evaluation).toEqual({ indicatorResults: [indicator('p95', 700)] })
  })

  it.each(['sh.keptn.event.evaluation.finished', undefined])('is read unchanged from %s', (type) => {
    expect(read(type, merged)).toEqual(merged)
  })
})

describe('The type of an event', () => {
  it.each([
    ['sh.keptn.event.openticket.triggered', 'openticket'],
    ['sh.keptn.event.my-task2.triggered', 'my-task2'],
    ['sh.keptn.event.openticket.started', undefined],
    ['sh.keptn.event.openticket.finished', undefined],
    ['sh.keptn.event.openticket.status.changed', undefined],
    ['sh.keptn.event.production.incident.triggered', undefined],
    ['sh.keptn.event..triggered', undefined],
    ['sh.keptn.events.problem', undefined],
    ['SH.KEPTN.EVENT.x.triggered', undefined],
    ['sh.keptn.event.x.triggered\n', undefined],
  ])('%s triggers the task %s', (type, task) => {
    expect(triggeredTask(type)).toBe(task)
  })
})

describe('Text with a broken encoding', () => {
  it('is repaired, and ASCII text is not changed', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), (text) => {
        const wellFormed = text.toWellFormed()
        expect(repairEncoding(Buffer.from(wellFormed).toString('latin1'))).toBe(wellFormed)
      }),
    )
  })
  it('is distinguished from intact text', () => {
    for (const text of ['Grüße', '日本', 'naïve', '€', 'ÄÖ']) expect(repairEncoding(text)).toBe(text)
  })
})

describe('A JSON body', () => {
  it.each([
    '{"__proto__":{"a":1}}',
    '{"a":[{"\\u005f_proto__":{"a":1}}]}',
    '{"__pr\\u006Fto__":1}',
    '{"constructor":{"prototype":{"a":1}}}',
    '{"constructor":1}',
    '{"a":{"prototype":1}}',
    '{"a":{"\\u0063onstructor":{"proto\\u0074ype":{}}}}',
  ])('that could reach a prototype is refused: %s', (body) => {
    expect(() => parseCallBody(body, false, 'application/json')).toThrow('is not allowed')
  })

  it('may contain the word constructor', () => {
    const body = '{"a":"the __proto__ of a constructor \\u00fc"}'
    expect(parseCallBody(body, false, 'application/json')).toEqual({ a: 'the __proto__ of a constructor ü' })
  })
})

describe('A form', () => {
  it('turns repeated names into a list, and ignores empty values', () => {
    const entries: [string, string][] = [
      ...['a', 'b', 'c'].map((label): [string, string] => ['input.labels', label]),
      ['input.title', ''],
    ]
    expect(nest(entries)).toEqual({ input: { labels: ['a', 'b', 'c'] } })
  })

  it('cannot reach a prototype', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('__proto__', 'constructor', 'prototype', 'a'), { minLength: 1, maxLength: 4 }),
        (parts) => {
          try {
            nest([[parts.join('.'), 'polluted']])
          } catch (error) {
            expect((error as Error).name).toBe('Failure')
          }
          expect(({} as Record<string, unknown>)['a']).toBeUndefined()
          expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
        },
      ),
    )
  })

  it('overrides a body field by field', () => {
    expect(overlay({ a: { b: 1, c: 2 }, d: [1] }, { a: { b: 3 }, d: [2] })).toEqual({ a: { b: 3, c: 2 }, d: [2] })
  })
})

describe('A reply', () => {
  const place = { project: 'p', stage: 's', service: 'x' }
  const event = { id: 'i', task: 'openticket', context: 'c', gitcommitid: 'g', ...place, labels: { team: 'blue' } }

  it.each(categories.map(({ name }) => name))('has a source that Keptn does not change, in the category %s', (name) => {
    // Keptn's API parses the source as a URL, which would encode spaces and other characters.
    const { source } = startedReply(event, name)
    expect(source).toMatch(/^[a-z\d/-]+$/)
  })

  it('contains the fields that strict validation requires', () => {
    const outcome = passed('Opened', { id: '1' }, { 'jira OPS-1': 'https://x' })
    const ids = { shkeptncontext: 'c', triggeredid: 'i', gitcommitid: 'g' }
    const labels = { team: 'blue', 'jira OPS-1': 'https://x' }
    expect(finishedReply(event, 'issue-ticketing', outcome, true)).toEqual({
      specversion: '1.0',
      source: 'cloud-automation-webhooks/issue-ticketing',
      ...ids,
      type: 'sh.keptn.event.openticket.finished',
      data: { ...place, labels, status: 'succeeded', result: 'pass', message: 'Opened', openticket: { id: '1' } },
    })
    const started = { type: 'sh.keptn.event.openticket.started', triggeredid: 'i' }
    expect(startedReply(event, 'issue-ticketing')).toMatchObject(started)
  })

  it('contains no secret, except in the fields that identify its task', () => {
    for (const text of ['production', 'the-id-of-it', 'the-sequence', 'checkout']) registerSecret(text)
    const asked = { ...event, id: 'the-id-of-it', context: 'the-sequence', stage: 'production' }
    const outcome = passed('Deployed production', { environment: 'production' })
    const { triggeredid, shkeptncontext, data } = redactReply(
      finishedReply({ ...asked, service: 'checkout', labels: { of: 'checkout' } }, 'ci-cd', outcome, true),
    )
    expect({ triggeredid, shkeptncontext }).toEqual({ triggeredid: 'the-id-of-it', shkeptncontext: 'the-sequence' })
    expect(data).toMatchObject({
      project: 'p',
      stage: 'production',
      service: 'checkout',
      labels: { of: '***' },
      message: 'Deployed ***',
      openticket: { environment: '***' },
    })
  })

  const reserved = ['status', 'result', 'project', 'labels', 'message']
  it.each(reserved)('keeps its own field if the task has the name %s', (task) => {
    const { data } = finishedReply({ ...event, task }, 'issue-ticketing', passed('m', { id: '1' }), true)
    const own = { project: 'p', status: 'succeeded', result: 'pass', message: 'm', labels: { team: 'blue' } }
    expect(data).toMatchObject(own)
  })

  it('that is too large for Keptn is shortened and says so', () => {
    const outcome = passed('Opened', { id: '1', url: 'u', log: 'x'.repeat(100_000) })
    const { data, ...reply } = finishedReply(event, 'issue-ticketing', outcome, true)
    expect(Buffer.byteLength(JSON.stringify({ data, ...reply }))).toBeLessThan(64_000)
    expect(data).toMatchObject({ status: 'succeeded', openticket: { id: '1', url: 'u' } })
    expect(data['message']).toContain('too large')
  })

  it('that is too large for Keptn keeps short values, such as the verdict of an evaluation', () => {
    const indicatorResults = Array.from({ length: 100 }, (_, n) => ({ metric: `m${n}`, text: 'x'.repeat(1_000) }))
    const verdict = { result: 'warning', score: 75, timeEnd: '2026-11-24T10:00:00Z', ok: false }
    const { data } = finishedReply(event, 'slo', passed('Evaluated', { ...verdict, indicatorResults }), true)
    expect(data['openticket']).toEqual({ id: undefined, url: undefined, ...verdict })
  })

  it('that is too large for Keptn fits with the maximum number of short texts', () => {
    const texts = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`t${n}`, '\u0001'.repeat(200)]))
    const reply = finishedReply(event, 'slo', passed('Evaluated', { id: '1', ...texts }), true)
    expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThan(60_000)
    expect(reply.data['openticket']).toMatchObject({ id: '1', t0: '\u0001'.repeat(200) })
  })
})
