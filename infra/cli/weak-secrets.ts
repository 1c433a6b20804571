import type * as z from 'zod/mini'
import { secretFieldsIn } from '../../shared/fields.ts'

const MIN_LENGTH = 16

/**
 * Returns a warning for each credential that is easy to guess. Callers could guess it, and a call whose text contains it by
 * chance is rejected.
 */
export function weakSecrets(schema: z.ZodMiniObject, values: Record<string, unknown>): string[] {
  return secretFieldsIn(schema, values).flatMap(([field, secret]) => {
    if (secret.length < MIN_LENGTH) return [`${field} has fewer than ${MIN_LENGTH} characters`]
    return isPlainWords(secret) ? [`${field} consists of plain words`] : []
  })
}

export const WEAK_SECRET_ADVICE = 'Use a random value if the platform lets you choose it.'

function isPlainWords(text: string): boolean {
  return /^[A-Z]?[a-z]+(?:[ ._-][A-Z]?[a-z]+)*$/.test(text)
}
