import { beforeAll, expect, it } from '@jest/globals'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { reasonOf as ofDynatrace } from '../../../shared/orchestrators/dynatrace/environment.ts'
import { finishedReply, progressReply, startedReply } from '../../../shared/orchestrators/keptn/reply.ts'
import { passed } from '../../../shared/outcome.ts'
import { registerSecret } from '../../../shared/redact.ts'
import { clip, clipBytes, plainSingleLine } from '../../../shared/text/plain-text.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

const triggered = { id: 'i', task: 'openissue', context: 'c', project: 'p', stage: 's', service: 'x' }
const secret = 'cut-in-the-middle-0123456789'
/** A part of the secret that no other text contains. */
const piece = secret.slice(0, 6)
beforeAll(() => registerSecret(secret))

/** Returns texts with the secret at each position around the maximum length. */
const texts = (max: number) =>
  Array.from({ length: secret.length + 8 }, (_, n) => `${'x'.repeat(max - n)}${secret} and more`)

it.each([
  ['a line', (text: string) => clipSingleLine(text, 100), 100],
  ['a line of plain text', (text: string) => plainSingleLine(text, 100), 100],
  ['text', (text: string) => clip(text, 100), 100],
  ['bytes', (text: string) => clipBytes(text, 100), 100],
  ["a platform's reason", (text: string) => errorReasonIn({ message: text }), 500],
  ['a reason of Dynatrace', (text: string) => ofDynatrace({ error: { message: text } }) ?? '', 500],
  ['the title of a page', (text: string) => errorReasonIn(`<html><title>${text}</title></html>`), 200],
])('No part of a secret remains after %s is cut in the middle of it', (_, cut, max) => {
  for (const text of texts(max)) expect(cut(text)).not.toContain(piece)
})

it('No part of a secret remains after the message of an event that is too large is cut', () => {
  const event = { ...triggered, labels: {} }
  const large = { text: 'x'.repeat(80_000) }
  for (const text of texts(2_000)) {
    const { data } = finishedReply(event, 'issue-ticketing', passed(text, large), true)
    expect(data['message']).toContain('the details were too large')
    expect(data['message']).not.toContain(piece)
  }
})

it('Started and status.changed events omit labels that are too large', () => {
  const labels = { team: 'x'.repeat(2_000) }
  const event = (count: number) => ({
    ...triggered,
    labels: Object.fromEntries(Array.from({ length: count }, (_, n) => [`label ${n}`, labels.team])),
  })
  expect(startedReply(event(2), 'issue-ticketing').data['labels']).toEqual(event(2).labels)
  for (const reply of [startedReply(event(40), 'slo'), progressReply(event(40), 'slo', 'half')]) {
    expect(JSON.stringify(reply).length).toBeLessThan(1_000)
    expect(reply.data).toMatchObject({ project: 'p', stage: 's', service: 'x' })
  }
})
