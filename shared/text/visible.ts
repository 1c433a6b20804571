/** Characters that are invisible, end a line or change the text direction, and all white space except the usual space. */
const INVISIBLE = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2424\u2800]/gu
/** A chat would wrap the line there, so that what follows looks like a line of its own. */
const LONG_SPACE = / {4,}/g

/**
 * Returns a value as one line of JSON in which people see every character: invisible ones are escaped.
 *
 * @example visibleJson('a\u2028b') // "a\u2028b", with the six characters of the escape
 */
export function visibleJson(value: unknown): string {
  return visible(JSON.stringify(value) ?? 'null')
}

/** Returns a text as one line, as `visibleJson` does, but without quotes. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, escaped).replace(LONG_SPACE, ({ length }) => ` … (${length} spaces) `)
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}
