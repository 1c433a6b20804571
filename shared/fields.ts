import * as z from 'zod/mini'
import { parseDuration } from './duration.ts'
import { isCredential, shortestSecret } from './redact.ts'

/**
 * The fields of inputs and connections, each with a sentence about it. What a caller sends may come as text (a form, a query,
 * a template that quotes everything), so numbers and lists are also taken from text; an empty text counts as left out.
 *
 * zod's small edition: the whole one takes three times as long to load, which every cold start would pay.
 */

/** A field that may be left out. Not taken apart from `z` in one go: that would bundle all of zod. */
export const optional = z.optional

/**
 * A field, or what is taken instead of a value that is none. Not by `z.catch`: that alone would put every tool of zod into
 * each bundle, a tenth of a cold start.
 */
export function orElse<F extends z.ZodMiniType>(field: F, fallback: z.output<F>): z.ZodMiniCatch<F> {
  return new z.ZodMiniCatch({ type: 'catch', innerType: field, catchValue: () => fallback }) as z.ZodMiniCatch<F>
}

/** Marks the fields of a connection whose values are masked: all of them, or those whose names say that they are credentials. */
const secretFields = z.registry<{ secret: 'all' | 'by name' }>()

/** Says in a sentence what a field is for. */
export function withDescription<F extends z.ZodMiniType>(field: F, description: string): F {
  z.globalRegistry.add(field, { description })
  return field
}

/** A credential of a connection. */
export function secret(description: string) {
  const field = withDescription(z.string().check(z.minLength(shortestSecret)), description)
  secretFields.add(field, { secret: 'all' })
  return field
}

/** Headers that are credentials, whatever their names. */
export function secretHeaders(description: string) {
  const value = z.string().check(z.minLength(shortestSecret), z.maxLength(4_096))
  const field = withDescription(z.record(z.string().check(z.minLength(1), z.maxLength(255)), value), description)
  secretFields.add(field, { secret: 'all' })
  return field
}

/** Headers, of which those with the name of a credential are secret: see `isCredential`. The others may have any value. */
export function headers(description: string) {
  const value = z.string().check(z.maxLength(4_096))
  const longEnough = z.superRefine<Record<string, string>>((given, { addIssue }) => {
    for (const [name, { length }] of Object.entries(given)) {
      if (!isCredential(name) || length >= shortestSecret) continue
      addIssue({
        code: 'custom',
        path: [name],
        message: `must be at least ${shortestSecret} characters, because its name says that it is a credential`,
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

/** The base URL of a platform instance: http or https, without credentials in it. */
export function url(description: string) {
  const withoutCredentials = z.refine<string>(
    (value) => URL.canParse(value) && `${new URL(value).username}${new URL(value).password}` === '',
    {
      message: 'must not hold credentials: put them into their own fields',
    },
  )
  return withDescription(z.url({ protocol: /^https?$/ }).check(withoutCredentials), description)
}

/** Text of up to 64 KB. */
export function text(description: string) {
  return withDescription(z.string().check(z.maxLength(65_536)), description)
}

/** A short name or value: up to 255 characters. */
export function word(description: string) {
  return withDescription(z.string().check(z.maxLength(255)), description)
}

/** A short name or value that must not be empty. */
export function name(description: string) {
  return withDescription(z.string().check(z.minLength(1), z.maxLength(255)), description)
}

/** One of a few words. */
export function oneOf<const W extends readonly [string, ...string[]]>(words: W, description: string) {
  return withDescription(z.enum(words), description)
}

/** A whole number, also as text. */
export function integer(least: number, most: number, description: string) {
  const numeric = z.transform((value) => (typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value))
  const error = `must be a whole number from ${least} to ${most}`
  return withDescription(z.pipe(numeric, z.int(error).check(z.gte(least, error), z.lte(most, error))), description)
}

/** A length of time in whole seconds: their number, or an ISO 8601 duration such as PT5M. */
export function seconds(least: number, most: number, description: string) {
  return withDescription(z.pipe(z.transform(inSeconds), z.int().check(z.gte(least), z.lte(most))), description)
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

/** On or off: the words, or true and false. */
export function onOff(description: string) {
  // Not of an object: it may bring a toString of its own, which is no function.
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

/** In place of the id of a run: the newest one that the caller started in the context of the event. */
export const LAST_RUN = 'last'

/** A platform's id of something: numbers are taken as text. */
export function id(description: string) {
  return idField(description, '')
}

/** The id of what an earlier call created. */
export function createdId(description: string) {
  return idField(description, '. In a sequence, webhooks config --from <task> prints a payload that sends it')
}

function idField(description: string, hint: string) {
  const given = z.union([z.string().check(z.minLength(1), z.maxLength(255)), z.int()], {
    error: ({ input }) =>
      input === undefined
        ? `is missing: ${description}${hint}`
        : `must be 1 to 255 characters or a whole number: ${description}`,
  })
  return withDescription(z.pipe(given, z.transform(String)), description)
}

/** A list of words: an array, or text with commas. */
export function words(description: string) {
  const split = z.transform((value) => (typeof value === 'string' ? value.split(',').map(trim).filter(Boolean) : value))
  return withDescription(z.pipe(split, z.array(z.string().check(z.maxLength(255))).check(z.maxLength(50))), description)
}

/** What only one platform knows, sent as it is. */
export function vendorFields(description: string) {
  return withDescription(z.record(z.string().check(z.maxLength(255)), z.json()), description)
}

/** Whether a field of a connection is, or may contain, a credential. */
export function isSecret(field: z.core.$ZodType): boolean {
  return secretFields.get(unwrap(field) as z.ZodMiniType) !== undefined
}

/** The secret values that a parsed connection holds. */
export function secretsIn(schema: z.ZodMiniObject, value: Record<string, unknown>): string[] {
  return secretFieldsIn(schema, value).map(([, secret]) => secret)
}

/** The same, each with the path of its field: `headers.X-Api-Key`. */
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

/** The field behind `optional` and defaults. */
export function unwrap(field: z.core.$ZodType): z.core.$ZodType {
  return field instanceof z.ZodMiniOptional || field instanceof z.ZodMiniDefault ? unwrap(field.def.innerType) : field
}

function trim(part: string): string {
  return part.trim()
}
