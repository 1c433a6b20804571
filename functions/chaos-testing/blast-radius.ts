import * as z from 'zod/mini'
import { refusedInput } from '../../shared/errors.ts'
import { words } from '../../shared/fields.ts'
import { isListed } from '../../shared/providers/allow-list.ts'

const hasEntries = z.refine<string[]>((list) => list.length > 0 && list.every((entry) => entry.trim() !== ''), {
  message: 'must contain at least one name; a name may end in * to match any suffix',
})

/**
 * Returns the schema of `allow`, the blast radius of a connection. It has no default, so that omitting a field never
 * exposes everything.
 *
 * @param description a noun phrase: `Experiment templates that may run, by id`
 */
export function allowList(description: string) {
  return words(`${description}; an array, or text with commas. A name may end in *, which matches any suffix`).check(
    hasEntries,
  )
}

/**
 * Rejects a name outside the blast radius, before the call is accepted.
 *
 * @param field of the input, for the message: `target`
 * @throws Failure `refused` (422)
 */
export function checkAllowed(allow: readonly string[], name: string, field = 'target'): void {
  if (isListed(name, allow)) return
  throw refusedInput(
    `input.${field}`,
    `is "${name.slice(0, 100)}", which is outside the blast radius: the connection allows ${allow.join(', ')}. To allow it, add it to allow in the connection's secret`,
  )
}
