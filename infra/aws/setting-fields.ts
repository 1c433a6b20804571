import { isIPv4 } from 'node:net'
import * as z from 'zod'

/** Returns an error message with the current value. */
export function must(requirement: string) {
  return ({ input }: { input?: unknown }) =>
    `must ${requirement}${input === undefined ? '' : `, not ${JSON.stringify(input)?.slice(0, 60)}`}`
}

/** Returns the schema of an object without other fields. */
export function object<S extends z.ZodRawShape>(fields: S) {
  return z.strictObject(fields, {
    error: (issue) =>
      issue.code === 'invalid_type' ? `must be an object of ${Object.keys(fields).join(', ')}` : undefined,
  })
}

/** Returns the schema of an integer. */
export function count(max: number, min = 1) {
  const error = must(`be an integer from ${min} to ${max}`)
  return z.int({ error }).min(min, { error }).max(max, { error })
}

export function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/')
  return rest.length === 0 && isIPv4(address) && /^\d{1,2}$/.test(bits) && Number(bits) <= 32
}
