import type * as z from 'zod/mini'
import { secretFieldsIn } from '../../../shared/fields.ts'

const MIN_LENGTH = 16
const ADVICE = 'Use a random value if the platform lets you choose it.'

/** A problem of the credentials of a secret that does not keep it from working. */
export interface Warning {
  found: string
  advice: string
}

/**
 * Returns a warning for each credential that is easy to guess. Callers could guess it, and a call whose text contains it by
 * chance is rejected.
 */
export function weakSecrets(schema: z.ZodMiniObject, values: Record<string, unknown>): Warning[] {
  return secretFieldsIn(schema, values).flatMap(([field, secret]) => {
    if (secret.length < MIN_LENGTH)
      return [{ found: `${field} has fewer than ${MIN_LENGTH} characters`, advice: ADVICE }]
    return isPlainWords(secret) ? [{ found: `${field} consists of plain words`, advice: ADVICE }] : []
  })
}

function isPlainWords(text: string): boolean {
  return /^[A-Z]?[a-z]+(?:[ ._-][A-Z]?[a-z]+)*$/.test(text)
}
