import * as z from 'zod/mini'
import { parseDuration } from './duration.ts'
import { isCredential, MIN_SECRET_LENGTH } from './redact.ts'

/**
 * Fields of inputs and connections. Callers may send everything as text (forms, queries, templates), so numbers and lists
 * are also parsed from text.
 *
 * Uses zod/mini, because zod takes three times as long to load.
 */

/**
 * Returns an optional field.
 *
 * @example optional(word('Default project'))
 */
// Destructuring `z` would bundle all of zod.
export const optional = z.optional

/**
 * Returns a field with a fallback for invalid values. Does not use `z.catch`, which would bundle all of zod: a tenth of a
 * cold start.
 */
export function orElse<F extends z.ZodMiniType>(field: F, fallback: z.output<F>): z.ZodMiniCatch<F> {
  return new z.ZodMiniCatch({ type: 'catch', innerType: field, catchValue: () => fallback }) as z.ZodMiniCatch<F>
}

/** Fields whose values are secret: all, or those with the name of a credential. */
const secretFields = z.registry<{ secret: 'all' | 'by name' }>()

/**
 * Adds a description to a field, for the reference and the CLI.
 *
 * @example withDescription(z.array(z.string()), 'Names of stages')
 */
export function withDescription<F extends z.ZodMiniType>(field: F, description: string): F {
  z.globalRegistry.add(field, { description })
  return field
}

/**
 * Returns a field for a credential. Its value is masked everywhere.
 *
 * @example token: secret('API token')
 */
export function secret(description: string) {
  const field = withDescription(z.string().check(z.minLength(MIN_SECRET_LENGTH)), description)
  secretFields.add(field, { secret: 'all' })
  return field
}

/** Returns a field for headers that are all secret. */
export function secretHeaders(description: string) {
  return secretRecord(z.string().check(z.minLength(1), z.maxLength(255)), description)
}

/** Returns a field for secret texts by name. Expressions can read the names. */
export function secretTexts(description: string) {
  const message = 'must be a name of letters, digits and _, such as apiKey'
  return secretRecord(z.string().check(z.regex(/^[A-Za-z_]\w{0,62}$/, message)), description)
}

function secretRecord(name: z.ZodMiniString<string>, description: string) {
  const value = z.string().check(z.minLength(MIN_SECRET_LENGTH), z.maxLength(4_096))
  const field = withDescription(z.record(name, value), description)
  secretFields.add(field, { secret: 'all' })
  return field
}

/** Returns a field for headers. Those with the name of a credential are secret: see `isCredential`. */
export function headers(description: string) {
  const value = z.string().check(z.maxLength(4_096))
  const longEnough = z.superRefine<Record<string, string>>((headers, { addIssue }) => {
    for (const [name, { length }] of Object.entries(headers)) {
      if (!isCredential(name) || length >= MIN_SECRET_LENGTH) continue
      addIssue({
        code: 'custom',
        path: [name],
        message: `must be at least ${MIN_SECRET_LENGTH} characters, because its name says that it is a credential`,
      })
    }
  })
  const field = withDescription(
    z.record(z.string().check(z.minLength(1), z.maxLength(255)), value).check(longEnough),
    description,
  )
  secretFields.add(field, { secret: 'by name' })
  return field
}

/**
 * Returns a field for an http or https URL without credentials.
 *
 * @example baseUrl: url('URL of the API: https://acme.example.com/api')
 */
export function url(description: string) {
  const withoutCredentials = z.refine<string>(
    (value) => URL.canParse(value) && `${new URL(value).username}${new URL(value).password}` === '',
    {
      message: 'must not contain credentials: use separate fields',
    },
  )
  return withDescription(z.url({ protocol: /^https?$/ }).check(withoutCredentials), description)
}

/** Returns a field for text of up to 64 KB. */
export function text(description: string) {
  return withDescription(z.string().check(z.maxLength(65_536)), description)
}

/** Returns a field for up to 255 characters. */
export function word(description: string) {
  return withDescription(z.string().check(z.maxLength(255)), description)
}

/** Returns a field for 1 to 255 characters. */
export function name(description: string) {
  return withDescription(z.string().check(z.minLength(1), z.maxLength(255)), description)
}

/**
 * Returns a field for one of several words.
 *
 * @example oneOf(['stop', 'leave'], 'What happens at the deadline')
 */
export function oneOf<const W extends readonly [string, ...string[]]>(words: W, description: string) {
  return withDescription(z.enum(words), description)
}

/** Returns a field for a whole number, also as text. */
export function integer(min: number, max: number, description: string) {
  const numeric = z.transform((value) => (typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value))
  const error = `must be a whole number from ${min} to ${max}`
  return withDescription(z.pipe(numeric, z.int(error).check(z.gte(min, error), z.lte(max, error))), description)
}

/** Returns a field for a duration in seconds: an integer, or an ISO 8601 duration such as PT5M. */
export function seconds(min: number, max: number, description: string) {
  return withDescription(z.pipe(z.transform(inSeconds), z.int().check(z.gte(min), z.lte(max))), description)
}

function inSeconds(value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (/^\d{1,9}$/.test(value)) return Number(value)
  try {
    return parseDuration(value, 'duration')
  } catch {
    // The check for a whole number reports the problem.
    return value
  }
}

/** Returns a field for on and off, also as true and false. */
export function onOff(description: string) {
  // Objects are not converted: their toString may not be a function.
  const word = z.transform((value) =>
    typeof value === 'object' ? value : (onOffWords.get(String(value).toLowerCase()) ?? value),
  )
  return withDescription(z.pipe(word, z.enum(['on', 'off'])), description)
}

const onOffWords = new Map([
  ['on', 'on'],
  ['true', 'on'],
  ['off', 'off'],
  ['false', 'off'],
])

/** Stands for the newest run that the caller started in the context of the event. */
export const LAST_RUN = 'last'

/** Returns a field for a platform's id. Numbers become text. */
export function id(description: string) {
  return idField(description, '')
}

/** Returns a field for the id of something that an earlier call created. */
export function createdId(description: string) {
  return idField(description, '. In a sequence, webhooks config --from <task> prints a payload that sends it')
}

function idField(description: string, hint: string) {
  const idSchema = z.union([z.string().check(z.minLength(1), z.maxLength(255)), z.int()], {
    error: ({ input }) =>
      input === undefined
        ? `is missing: ${description}${hint}`
        : `must be 1 to 255 characters or a whole number: ${description}`,
  })
  return withDescription(z.pipe(idSchema, z.transform(String)), description)
}

/** Returns a field for a list of words: an array, or text with commas. */
export function words(description: string) {
  return list(z.string().check(z.maxLength(255)), description)
}

/** Returns a field for a list of up to 50 items: an array, or text with commas. */
export function list<I extends z.ZodMiniType>(item: I, description: string) {
  const split = z.transform((value) => (typeof value === 'string' ? value.split(',').map(trim).filter(Boolean) : value))
  return withDescription(z.pipe(split, z.array(item).check(z.maxLength(50))), description)
}

/** Returns a field for values that are sent to the platform unchanged. */
export function vendorFields(description: string) {
  return withDescription(z.record(z.string().check(z.maxLength(255)), z.json()), description)
}

/** Returns whether a field is, or may contain, a credential. */
export function isSecret(field: z.core.$ZodType): boolean {
  return secretFields.get(unwrap(field) as z.ZodMiniType) !== undefined
}

/** Returns the secret values in a parsed connection. */
export function secretsIn(schema: z.ZodMiniObject, value: Record<string, unknown>): string[] {
  return secretFieldsIn(schema, value).map(([, secret]) => secret)
}

/** Returns the secret values in a parsed connection with their paths: `headers.X-Api-Key`. */
export function secretFieldsIn(
  schema: z.ZodMiniObject,
  value: Record<string, unknown>,
): [field: string, secret: string][] {
  const below = (field: string, entries: [string, unknown][]): [string, string][] =>
    entries.map(([name, held]) => [`${field}.${name}`, String(held)])
  return Object.entries(schema.shape).flatMap(([field, type]): [string, string][] => {
    const held = value[field]
    const bare = unwrap(type)
    const marked = secretFields.get(bare as z.ZodMiniType)?.secret
    if (marked) {
      if (typeof held === 'string') return [[field, held]]
      return below(
        field,
        Object.entries(held ?? {}).filter(([name]) => marked === 'all' || isCredential(name)),
      )
    }
    return bare instanceof z.ZodMiniObject && held
      ? below(field, secretFieldsIn(bare, held as Record<string, unknown>))
      : []
  })
}

/** Returns the field inside `optional` and defaults. */
export function unwrap(field: z.core.$ZodType): z.core.$ZodType {
  return field instanceof z.ZodMiniOptional || field instanceof z.ZodMiniDefault ? unwrap(field.def.innerType) : field
}

function trim(part: string): string {
  return part.trim()
}
