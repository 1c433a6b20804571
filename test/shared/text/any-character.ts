import fc from 'fast-check'

/**
 * Any character, as the unit of a string. With its own unit `binary`, fast-check builds a table of all characters in each
 * process, which takes half a second.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code))
