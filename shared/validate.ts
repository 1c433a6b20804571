import { closest, distance } from 'fastest-levenshtein'
import * as z from 'zod/mini'
import { Failure, type FailureKind, type FieldError } from './errors.ts'
import { issueMessage } from './validation-messages.ts'

z.config({ localeError: issueMessage })

interface ValidateOptions {
  /** The value's name in messages: `input`, `the secret acme/callers`. */
  what: string
  /** First part of each field's path: `input` gives `input.title`. */
  root?: string
  /** The kind of the failure. Defaults to `invalid`. */
  kind?: FailureKind
  /** Whether a field with `null` is not set, unless the schema accepts `null`: many clients send it for what they leave out. */
  isNullUnset?: boolean
}

/**
 * Parses a value.
 *
 * @throws Failure with every invalid field
 */
export function validate<S extends z.core.$ZodType>(schema: S, value: unknown, options: ValidateOptions): z.output<S> {
  const parsed = z.safeParse(schema, value)
  if (parsed.success) return parsed.data
  const isOfNull = ({ path }: z.core.$ZodIssue) =>
    path.length > 0 && valueAt(value, path) === null && !Array.isArray(valueAt(value, path.slice(0, -1)))
  const ofNull = options.isNullUnset ? parsed.error.issues.filter(isOfNull) : []
  if (ofNull.length === 0) throw failureOf(parsed.error, schema, options)
  const rest = structuredClone(value)
  for (const { path } of ofNull) delete Object(valueAt(rest, path.slice(0, -1)))[path.at(-1) as PropertyKey]
  return validate(schema, rest, options)
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((held, name) => Object(held)[name], value)
}

/**
 * Parses a value without its unknown fields.
 *
 * @returns the parsed value, and what `validate` throws because of the unknown fields
 * @throws Failure as `validate` does, if more than unknown fields is wrong
 */
export function validateKnownFields<S extends z.core.$ZodType>(
  schema: S,
  value: unknown,
  options: ValidateOptions,
): { value: z.output<S>; unknownFields?: Failure } {
  const parsed = z.safeParse(schema, value)
  if (parsed.success) return { value: parsed.data }
  const known = structuredClone(value)
  for (const issue of parsed.error.issues) {
    if (issue.code !== 'unrecognized_keys') continue
    for (const key of issue.keys) delete Object(valueAt(known, issue.path))[key]
  }
  const unknownFields = failureOf(parsed.error, schema, options)
  const reparsed = z.safeParse(schema, known)
  if (!reparsed.success) throw unknownFields
  return { value: reparsed.data, unknownFields }
}

function failureOf(
  { issues }: z.core.$ZodError,
  schema: z.core.$ZodType,
  { what, root = '', kind = 'invalid' }: ValidateOptions,
): Failure {
  const errors = issues.flatMap((issue) => fieldErrors(issue, root, schema))
  const shown = errors.slice(0, 10)
  return new Failure(
    kind,
    `${what} is not valid: ${shown.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
    {
      errors: shown,
    },
  )
}

function fieldErrors(issue: z.core.$ZodIssue, root: string, schema: z.core.$ZodType): FieldError[] {
  const path = [root, ...issue.path.map(shownPart)].filter(Boolean).join('.')
  if (issue.code === 'unrecognized_keys') {
    const siblings = fieldsAt(schema, issue.path)
    return issue.keys.map((key) => ({
      path: [path, shownPart(key)].filter(Boolean).join('.'),
      message: unknownField(key, siblings),
    }))
  }
  return [{ path: path || root || 'body', message: issue.message }]
}

/** Returns the fields of the object at a path. Empty if the schema does not say. */
function fieldsAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let def = defOf(schema)
  for (const part of [...path, undefined]) {
    // Optional fields and defaults.
    while (def && 'innerType' in def) def = defOf(def.innerType)
    if (part === undefined || !def) break
    if ('shape' in def) def = defOf(Object(def.shape)[part])
    else def = 'element' in def ? defOf(def.element) : undefined
  }
  return def && 'shape' in def ? Object.keys(Object(def.shape)) : []
}

/** Without the class of schemas: with it, the bundles would contain all of zod. */
function defOf(schema: unknown): object | undefined {
  return Object(schema)._zod?.def
}

/** Cuts the name of a field: a caller chooses it. */
function shownPart(part: PropertyKey): string {
  const name = String(part)
  return name.length > MAX_FIELD_NAME ? `${name.slice(0, MAX_FIELD_NAME - 1)}…` : name
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
  return suggestName(noun, name, known, similarName(name, known))
}

/** Like `unknownName`, with the known name that was probably meant. */
export function suggestName(noun: string, name: string, known: readonly string[], similar: string | undefined): string {
  const plural = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`
  return [
    `Unknown ${noun} "${name.slice(0, MAX_NAME)}".`,
    ...(similar === undefined ? [] : [`Did you mean "${similar}"?`]),
    known.length === 0
      ? `There are no ${plural}.`
      : `${plural.slice(0, 1).toUpperCase()}${plural.slice(1)}: ${known.join(', ')}.`,
  ].join(' ')
}

/** Longest name of a field in the path of an error. Names of headers and parameters have up to 255 characters. */
const MAX_FIELD_NAME = 255
/** Longest part of an unknown name that is shown or compared. */
const MAX_NAME = 60

/** Returns the known name that was probably meant: one with few differences for its length, or one with the same start. */
export function similarName(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined
  const written = name.slice(0, MAX_NAME).toLowerCase()
  const nearest = closest(written, known)
  if (distance(written, nearest.toLowerCase()) <= 0.5 * Math.min(written.length, nearest.length)) return nearest
  // The plural of a word counts as the word.
  const start = written.replace(/s$/, '')
  const longer = start.length < 4 ? undefined : known.find((candidate) => candidate.toLowerCase().startsWith(start))
  return longer ?? known.find((candidate) => written.startsWith(`${candidate.toLowerCase()}-`))
}
