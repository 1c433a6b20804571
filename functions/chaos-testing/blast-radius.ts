import * as z from 'zod/mini'
import { Failure } from '../../shared/errors.ts'
import { words } from '../../shared/fields.ts'

const atLeastOne = z.refine<string[]>((list) => list.length > 0 && list.every((one) => one.trim() !== ''), {
  message: 'must name at least one; "*" at the end of a name stands for any rest of it',
})

/**
 * The guard of a connection: what its experiments may touch. There is no default, since nobody should be able to break
 * everything by leaving something out.
 *
 * @param what a sentence: `Experiment templates that may be run, by their id`
 */
export function allowed(what: string) {
  return words(`${what}; an array, or text with commas. A name may end in *, which stands for any rest of it`).check(
    atLeastOne,
  )
}

/** Whether a name is one of those, or begins as one of those that end in *. */
export function isAllowed(allow: readonly string[], name: string): boolean {
  return allow.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one))
}

/**
 * Refuses what is outside of the blast radius, before the call is accepted.
 *
 * @param field of the input, for the message: `target`
 * @throws Failure `refused`, which is answered 422
 */
export function refuseOutside(allow: readonly string[], name: string, field = 'target'): void {
  if (isAllowed(allow, name)) return
  const path = `input.${field}`
  const message = `is "${name.slice(0, 100)}", which is outside of the blast radius: the connection allows ${allow.join(', ')}`
  throw new Failure('refused', `${path} ${message}. Whoever may widen it adds to allow in the connection's secret.`, {
    errors: [{ path, message }],
  })
}
