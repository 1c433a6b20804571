import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { hmacBase64, hmacHex, isSame } from '../../shared/hmac.ts'
import { anyCharacter } from './text/any-character.ts'

describe('HMAC', () => {
  const largeKey = 'Test Using Larger Than Block-Size Key - Hash Key First'
  // RFC 4231, test cases 1, 2 and 6.
  test.each([
    [Buffer.alloc(20, 0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    ['Jefe', 'what do ya want for nothing?', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    [Buffer.alloc(131, 0xaa), largeKey, '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54'],
  ])('of %p matches RFC 4231', (key, text, expected) => {
    expect(hmacHex(key, text)).toBe(expected)
    expect(hmacBase64(key, text)).toBe(Buffer.from(expected, 'hex').toString('base64'))
  })

  test('uses the bytes of the text in UTF-8', () => {
    expect(hmacHex('key', 'Größe 🚀')).toBe(hmacHex(Buffer.from('key'), Buffer.from('Größe 🚀').toString()))
    expect(hmacHex('key', 'Größe 🚀')).not.toBe(hmacHex('key', Buffer.from('Größe 🚀').toString('latin1')))
  })
})

describe('Comparison in constant time', () => {
  test('is true only for equal texts, of any length', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), fc.string({ unit: anyCharacter }), (one, other) => {
        expect(isSame(one, one)).toBe(true)
        expect(isSame(one, other)).toBe(one === other)
      }),
    )
  })

  test.each([
    ['', 'a'],
    ['a', 'ab'],
    ['abc', 'abd'],
    ['ä', 'a'],
  ])('of %j and %j is false', (one, other) => {
    expect(isSame(one, other)).toBe(false)
  })
})
