import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseCallBody, repairEncoding } from '../../../../shared/core/webhook/body.ts'
import { nest, overlay } from '../../../../shared/dotted-keys.ts'
import { Failure } from '../../../../shared/errors.ts'
import { parseEvent } from '../../../../shared/orchestrators/event/event.ts'
import { subjectOf, taskKindOf, triggeredTask } from '../../../../shared/orchestrators/event/task-type.ts'
import { keptnOriginOf } from '../../../../shared/orchestrators/keptn/keptn-origin.ts'
import { finishedReply, progressReply, startedReply } from '../../../../shared/orchestrators/keptn/reply.ts'
import { passed } from '../../../../shared/outcome.ts'
import { anyCharacter } from '../../text/any-character.ts'

const json = 'application/json'
const form = 'application/x-www-form-urlencoded'
const name = fc
  .stringMatching(/^[a-zA-Z][a-zA-Z0-9_-]{0,8}$/)
  .filter((text) => !['constructor', 'prototype'].includes(text))
const text = fc.string({ minLength: 1, unit: anyCharacter, maxLength: 30 }).map((value) => value.toWellFormed())
/** Values that a form can express: text, lists of text, and objects of both. */
const { record } = fc.letrec<{ record: Record<string, unknown>; value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    fc.array(text, { minLength: 2, maxLength: 3 }),
    tie('record'),
  ),
  record: fc.dictionary(name, tie('value'), { minKeys: 1, maxKeys: 4 }) as fc.Arbitrary<Record<string, unknown>>,
}))

function* pairsOf(value: unknown, prefix: string): Generator<[string, string]> {
  if (typeof value === 'string') yield [prefix, value]
  else
    for (const [key, held] of Object.entries(value as object))
      yield* pairsOf(held, Array.isArray(value) ? prefix : `${prefix}${prefix && '.'}${key}`)
}

/** The objects of `fc` have no prototype. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value))

describe('A body', () => {
  test('is the same object as a form and as JSON, as bytes and as text', () => {
    fc.assert(
      fc.property(record, (body) => {
        const fields = new URLSearchParams([...pairsOf(body, '')]).toString()
        expect(parseCallBody(fields, false, form)).toEqual(plain(body))
        const written = JSON.stringify(body)
        // Text that reads as UTF-8 bytes is repaired in both.
        fc.pre(repairEncoding(written) === written)
        expect(parseCallBody(written, false, json)).toEqual(plain(body))
        expect(parseCallBody(Buffer.from(written).toString('base64'), true, json)).toEqual(plain(body))
      }),
    )
  })

  test('with any bytes and any content type is parsed or refused', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.oneof(fc.json(), fc.string()).map((text) => Buffer.from(text)),
    )
    const media = fc.oneof(fc.constantFrom(json, form, undefined, 'application/x+json; charset=utf-8'), fc.string())
    fc.assert(
      fc.property(bytes, media, (bytes, contentType) => {
        try {
          const body = parseCallBody(Buffer.from(bytes).toString('base64'), true, contentType)
          expect(body).toBeInstanceOf(Object)
          parseEvent(body)
        } catch (error) {
          expect(error).toBeInstanceOf(Failure)
        }
        expect(Object.prototype).not.toHaveProperty('polluted')
      }),
      { numRuns: 300 },
    )
  })

  test('over another one keeps the fields of both, and prefers its own values', () => {
    fc.assert(
      fc.property(record, record, (lower, upper) => {
        const laid = overlay(lower, upper)
        expect(overlay(laid, upper)).toEqual(laid)
        expect(Object.keys(laid).sort()).toEqual([...new Set([...Object.keys(lower), ...Object.keys(upper)])].sort())
        expect(overlay(nest([]), upper)).toEqual(upper)
      }),
    )
  })
})

describe('An event that is answered', () => {
  const part = fc.stringMatching(/^[A-Za-z0-9-]{1,12}$/)
  const kind = fc.constantFrom('triggered', 'started', 'finished', 'status.changed', 'invalidated', 'finished.finished')
  const type = fc.oneof(
    fc.tuple(part, kind).map(([task, what]) => `sh.keptn.event.${task}.${what}`),
    fc.tuple(part, part, kind).map(([stage, sequence, what]) => `sh.keptn.event.${stage}.${sequence}.${what}`),
    fc.string(),
  )

  const data = { project: 'p', stage: 's', service: 'x' }
  const sent = { id: 'i', shkeptncontext: '6e7bc693-1dd2-4ab4-8a65-91949312d23c', data }

  test('triggers a task, and no reply triggers one', () => {
    fc.assert(
      fc.property(type, (given) => {
        const event = parseEvent({ ...sent, type: given })
        let origin: ReturnType<typeof keptnOriginOf>
        try {
          origin = keptnOriginOf(event)
        } catch (error) {
          expect(error).toMatchObject({ kind: 'invalid' })
          return
        }
        expect(given).toBe(`sh.keptn.event.${origin.task}.triggered`)
        const replies = [
          startedReply(origin, 'c'),
          progressReply(origin, 'c', 'm'),
          finishedReply(origin, 'c', passed('m'), true),
        ]
        for (const reply of replies) {
          expect(triggeredTask(reply.type)).toBeUndefined()
          expect(subjectOf(reply.type)).toBe(origin.task)
          expect(taskKindOf(reply.type)).not.toBe('triggered')
          expect(reply.type).toMatch(/^sh\.keptn\.event\.[^.]+\.(started|status\.changed|finished)$/)
        }
      }),
      { numRuns: 500 },
    )
  })
})
