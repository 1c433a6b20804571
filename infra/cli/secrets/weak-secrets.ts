import type * as z from 'zod/mini'
import { secretFieldsIn } from '../../../shared/fields.ts'
import { UsageError } from '../../project/usage-error.ts'

const MIN_LENGTH = 16
/** Those of drafts and of documentation: `<token>`, `Bearer <token>`, `session=<session>`. */
const PLACEHOLDER = /^(?:[\w-]+[ =])?<[\w .-]+>$/
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

/**
 * Refuses a draft that was not completed, before a request is sent with it.
 *
 * @throws UsageError
 */
export function refusePlaceholders(schema: z.ZodMiniObject, values: Record<string, unknown>): void {
  const found = secretFieldsIn(schema, values).filter(([, secret]) => PLACEHOLDER.test(secret))
  if (found.length === 0) return
  const fields = found.map(([field]) => field).join(', ')
  throw new UsageError(`Nothing was sent or saved. Replace the placeholder in ${fields} with the credential.`)
}

function isPlainWords(text: string): boolean {
  return /^[A-Z]?[a-z]+(?:[ ._-][A-Z]?[a-z]+)*$/.test(text)
}
