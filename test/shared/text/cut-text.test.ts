import { beforeAll, describe, expect, it } from '@jest/globals'
import { cutText } from '../../../shared/providers/cut-text.ts'
import { registerSecret } from '../../../shared/redact.ts'

const secret = 'cut-in-the-middle-0123456789'
beforeAll(() => registerSecret(secret))

function cut(text: string, max = 100) {
  const notes: string[] = []
  return { text: cutText('title', text, max, (note) => notes.push(note)), notes }
}

describe('cutText', () => {
  it('shortens a long text with an ellipsis and adds a note', () => {
    const expected = { text: `${'x'.repeat(99)}…`, notes: ['The title was cut to 100 characters.'] }
    expect(cut('x'.repeat(101))).toEqual(expected)
  })

  it('does not split a character', () => {
    expect(cut(`${'x'.repeat(98)}🎉🎉`).text).toBe(`${'x'.repeat(98)}…`)
  })

  it('leaves no part of a secret', () => {
    for (let before = 70; before <= 100; before++) {
      expect(cut(`${'x'.repeat(before)}${secret} and more`).text).not.toContain(secret.slice(0, 6))
    }
  })
})

it('cutText returns a short text unchanged, without a note', () => {
  expect(cut('x'.repeat(100))).toEqual({ text: 'x'.repeat(100), notes: [] })
})
