import { closest, distance } from 'fastest-levenshtein'
import * as z from 'zod/mini'
import en from 'zod/v4/locales/en.js'
import { Failure, type FailureKind, type FieldError } from './errors.ts'

// Without it every message would be "Invalid input".
z.config(en())

/**
 * The parsed value, or a `Failure` that names every field that is wrong and what to write instead.
 *
 * @param what in messages: `input`, `the secret acme/callers`
 * @param root first part of each field's path: `input` gives `input.title`
 * @throws Failure of the kind (`invalid` unless told otherwise)
 */
export function validate<S extends z.core.$ZodType>(
  schema: S,
  value: unknown,
  { what, root = '', kind = 'invalid' }: { what: string; root?: string; kind?: FailureKind },
): z.output<S> {
  const parsed = z.safeParse(schema, value)
  if (parsed.success) return parsed.data
  const known = 'shape' in schema ? Object.keys(schema.shape as object) : []
  const errors = parsed.error.issues.flatMap((issue) => fieldErrors(issue, root, known))
  const shown = errors.slice(0, 10)
  throw new Failure(
    kind,
    `${what} is not valid: ${shown.map(({ path, message }) => `${path}: ${message}`).join('; ')}`,
    {
      errors: shown,
    },
  )
}

function fieldErrors(issue: z.core.$ZodIssue, root: string, known: string[]): FieldError[] {
  const path = [root, ...issue.path.map(String)].filter(Boolean).join('.')
  if (issue.code === 'unrecognized_keys') {
    const siblings = issue.path.length === 0 ? known : []
    return issue.keys.map((key) => ({
      path: [path, key].filter(Boolean).join('.'),
      message: unknownName(key, siblings),
    }))
  }
  return [{ path: path || root || 'body', message: issue.message.replace(/^Invalid input: /, '') }]
}

/** `unknown; did you mean "title"?`, or the known names where none is near. */
export function unknownName(name: string, known: readonly string[]): string {
  const shown = name.slice(0, 60)
  if (known.length === 0) return `"${shown}" is not known here`
  const nearest = closest(shown.toLowerCase(), known)
  return distance(shown.toLowerCase(), nearest.toLowerCase()) <= Math.max(2, nearest.length / 3)
    ? `"${shown}" is not known; did you mean "${nearest}"?`
    : `"${shown}" is not known; known are ${known.join(', ')}`
}
