import * as z from 'zod/mini'
import { withDescription } from '../fields.ts'
import { clip } from '../text/plain-text.ts'

export const MAX_TITLE = 255
export const MAX_TEXT = 65_536

/**
 * Text that is cut if it is too long. A template may insert a problem's title or description of any length, and to refuse
 * it would end a sequence without the ticket or the message.
 */
export function cuttable(max: number, description: string, minLength = 0) {
  const sentence = `${description}; cut after ${max.toLocaleString('en')} characters`
  return withDescription(z.string().check(z.minLength(minLength)), sentence)
}

/**
 * The text with at most so many UTF-16 units.
 *
 * @param note gets a sentence for the outcome's message if the text was cut
 */
export function cutText(
  name: string,
  text: string,
  max: number,
  note: ((sentence: string) => void) | undefined,
): string {
  const cut = clip(text, max)
  if (text.length > max && cut.endsWith('…')) note?.(`The ${name} was cut to ${max.toLocaleString('en')} characters.`)
  return cut
}
