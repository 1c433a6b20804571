import * as z from 'zod/mini'
import { parseDuration } from '../../shared/duration.ts'
import { about } from '../../shared/fields.ts'

/** A length of time in whole seconds: their number, or an ISO 8601 duration such as PT5M. */
export function seconds(least: number, most: number, description: string) {
  return about(z.pipe(z.transform(inSeconds), z.int().check(z.gte(least), z.lte(most))), description)
}

function inSeconds(value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (/^\d{1,9}$/.test(value)) return Number(value)
  try {
    return parseDuration(value, 'duration')
  } catch {
    // What it is instead is said by the check for a whole number.
    return value
  }
}
