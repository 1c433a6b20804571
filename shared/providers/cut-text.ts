import * as z from 'zod/mini'
import { withDescription } from '../fields.ts'
import { formatInteger } from '../text/format-integer.ts'
import { clip } from '../text/plain-text.ts'

export const MAX_TITLE = 255
export const MAX_TEXT = 65_536

/**
 * Returns a text field that is cut if it is too long. Templates insert problem titles of any length: refusing them would
 * end a sequence without its ticket or message.
 */
export function cuttable(maxLength: number, description: string, minLength = 0) {
  const text = `${description}; cut after ${formatInteger(maxLength)} characters`
  return withDescription(z.string().check(z.minLength(minLength)), text)
}

/**
 * Returns a text with at most the given number of UTF-16 units.
 *
 * @param note called with a sentence for the outcome's message if the text was cut
 */
export function cutText(
  name: string,
  text: string,
  maxLength: number,
  note: ((sentence: string) => void) | undefined,
): string {
  const cut = clip(text, maxLength)
  if (text.length > maxLength && cut.endsWith('…'))
    note?.(`The ${name} was cut to ${formatInteger(maxLength)} characters.`)
  return cut
}
