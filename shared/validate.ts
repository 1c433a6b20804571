import { closest, distance } from 'fastest-levenshtein'
import * as z from 'zod/mini'
import { Failure, type FailureKind, type FieldError } from './errors.ts'
import { issueMessage } from './validation-messages.ts'

z.config({ localeError: issueMessage })

/**
 * Parses a value.
 *
 * @param what the value's name in messages: `input`, `the secret acme/callers`
 * @param root first part of each field's path: `input` gives `input.title`
 * @throws Failure with every invalid field. Its kind defaults to `invalid`
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
    `${what} is not valid: ${shown.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
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
      message: unknownField(key, siblings),
    }))
  }
  return [{ path: path || root || 'body', message: issue.message }]
}

/** For the path of a field: `is not a known field. Did you mean "title"?`, or the known fields if none is similar. */
export function unknownField(name: string, known: readonly string[]): string {
  const similar = similarName(name, known)
  if (similar !== undefined) return `is not a known field. Did you mean "${similar}"?`
  return known.length === 0 ? 'is not a known field' : `is not a known field. Fields: ${known.join(', ')}`
}

/**
 * `Unknown category "issues". Did you mean "issue-ticketing"? Categories: ci-cd, ..`
 *
 * @param noun the kind of name, in the singular: `category`
 */
export function unknownName(noun: string, name: string, known: readonly string[]): string {
  const similar = similarName(name, known)
  const plural = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`
  return [
    `Unknown ${noun} "${name.slice(0, MAX_NAME)}".`,
    ...(similar === undefined ? [] : [`Did you mean "${similar}"?`]),
    known.length === 0
      ? `There are no ${plural}.`
      : `${plural.slice(0, 1).toUpperCase()}${plural.slice(1)}: ${known.join(', ')}.`,
  ].join(' ')
}

/** Longest part of an unknown name that is shown or compared. */
const MAX_NAME = 60

/** Returns the known name that was probably meant: one with few differences for its length, or one that starts with it. */
export function similarName(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined
  const written = name.slice(0, MAX_NAME).toLowerCase()
  const nearest = closest(written, known)
  if (distance(written, nearest.toLowerCase()) <= 0.5 * Math.min(written.length, nearest.length)) return nearest
  // The plural of a word counts as the word.
  const start = written.replace(/s$/, '')
  return start.length < 4 ? undefined : known.find((candidate) => candidate.toLowerCase().startsWith(start))
}
