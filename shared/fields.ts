import * as z from 'zod'
import { shortestSecret } from './redact.ts'

/**
 * The fields of inputs and connections. What a caller sends may come as text (a form, a query, a template that quotes
 * everything), so numbers and lists are also taken from text; an empty text counts as left out.
 */

/**
 * Marks the fields of a connection whose values are masked wherever they turn up. A registry of zod's, since each further
 * call, such as `describe`, makes a copy of a field, and only a registry knows the copy.
 */
const secretFields = z.registry<{ secret: true }>()

/** A credential of a connection. */
export function secret() {
  return z.string().min(shortestSecret).register(secretFields, { secret: true })
}

/** The base URL of a platform instance: http or https, without credentials in it. */
export function url() {
  return z.url({ protocol: /^https?$/ }).refine((value) => URL.canParse(value) && !new URL(value).username, {
    message: 'must not hold credentials: put them into their own fields',
  })
}

/** Text of up to 64 KB. */
export function text() {
  return z.string().max(65_536)
}

/** A short name or value: up to 255 characters. */
export function word() {
  return z.string().max(255)
}

/** A platform's id of something: numbers are taken as text. */
export function id() {
  return z.union([z.string().min(1).max(255), z.number().int()]).transform(String)
}

/** A list of words: an array, or text with commas. */
export function words() {
  return z.preprocess(
    (value) =>
      typeof value === 'string'
        ? value
            .split(',')
            .map((part) => part.trim())
            .filter(Boolean)
        : value,
    z.array(word()).max(50),
  )
}

/** What only one platform knows, sent as it is. */
export function vendorFields() {
  return z.record(z.string().max(255), z.json())
}

/** The secret values that a parsed connection holds. */
export function secretsIn(schema: z.ZodObject, value: Record<string, unknown>): string[] {
  return Object.entries(schema.shape).flatMap(([name, field]) => {
    const held = value[name]
    const bare = unwrap(field as z.ZodType)
    if (secretFields.get(bare)?.secret) return typeof held === 'string' ? [held] : []
    return bare instanceof z.ZodObject && held ? secretsIn(bare, held as Record<string, unknown>) : []
  })
}

function unwrap(field: z.ZodType): z.ZodType {
  return field instanceof z.ZodOptional || field instanceof z.ZodDefault ? unwrap(field.unwrap() as z.ZodType) : field
}
