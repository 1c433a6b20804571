import { describe, expect, test } from '@jest/globals'
import { comparableName, visibleName } from '../../../shared/policy/place-name.ts'

describe('The names of two places', () => {
  test.each([
    ['letter case', 'Straße', 'STRASSE'],
    ['the last letter of a Greek word', 'ΟΔΟΣ', 'οδοσ'],
    ['spaces', '\u00A0shop \u2003eu\t', 'shop eu'],
    ['a blank Braille pattern', '\u2800shop', 'shop'],
    ['zero-width and bidirectional characters', '\u200Bsh\u2066o\u200Dp\uFEFF', 'shop'],
    ['soft hyphens', 'sh\u00ADop', 'shop'],
    ['filler letters', 'sh\u3164op', 'shop'],
    ['variation selectors', 'shop\uFE0F', 'shop'],
    ['control characters', 'sh\u0000op\u0085', 'shop'],
    ['compatible characters', 'ﬁｎance', 'finance'],
    ['composed letters', 'cafe\u0301', 'caf\u00E9'],
    ['a joiner between a letter and its accent', 'cafe\u034F\u0301', 'caf\u00E9'],
  ])('are equal if they differ only by %s', (_, one, other) => {
    expect(comparableName(one)).toBe(comparableName(other))
    expect(comparableName(comparableName(one))).toBe(comparableName(one))
  })

  test('are different if people see a difference', () => {
    expect(comparableName('shop-eu')).not.toBe(comparableName('shop eu'))
    expect(comparableName('café')).not.toBe(comparableName('cafe'))
  })

  test('are shown in their letters', () => {
    expect(visibleName(' Straße\u200B 1 ')).toBe('Straße 1')
  })
})
