import * as z from 'zod/mini'
import { isSecret, unwrap } from '../../shared/fields.ts'
import { isRecord } from '../../shared/record.ts'
import { UsageError } from './usage-error.ts'

/** A field of a secret, for prompts and options. */
export interface Field {
  name: string
  description: string
  secret: boolean
  required: boolean
  /** The default value, as text. */
  fallback: string | undefined
  /** The allowed values, if there are only a few. */
  choices: string[] | undefined
  /** Whether the value is entered as JSON. */
  json: boolean
  schema: z.core.$ZodType
}

/** Returns the fields of a secret in the order of its schema. */
export function fieldsOf(schema: z.ZodMiniObject): Field[] {
  return Object.entries(schema.shape).map(([name, type]) => {
    const bare = unwrap(type)
    return {
      name,
      description: describe(type),
      secret: isSecret(type),
      required: !z.safeParse(type, undefined).success,
      fallback: fallbackOf(type),
      choices: choicesOf(bare),
      json: isJson(bare),
      schema: type,
    }
  })
}

/** Returns the description of a field, or of the type that it wraps. */
export function describe(type: z.core.$ZodType): string {
  const own = z.globalRegistry.get(type as z.ZodMiniType)?.description
  const bare = unwrap(type)
  return own ?? (bare === type ? '' : describe(bare))
}

/**
 * Parses the value of a field from text.
 *
 * @returns the value, or in `problem` what it must be
 */
export function parseField(field: Field, text: string): { value: unknown } | { problem: string } {
  let input: unknown = text
  if (field.json) {
    try {
      input = JSON.parse(text)
    } catch {
      // The parser's message would quote what may be a secret.
      return { problem: 'must be JSON, such as {"name": "value"}' }
    }
  }
  const parsed = z.safeParse(field.schema, input)
  if (parsed.success) return { value: parsed.data }
  const [issue] = parsed.error.issues
  return { problem: [...(issue?.path ?? []), issue?.message].join(' ') }
}

/**
 * Parses fields that the command line sets as `name=value`.
 *
 * @throws UsageError for an unknown name, an invalid value, or a secret
 */
export function parseFields(fields: Field[], pairs: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(pairs).map(([name, text]) => {
      const field = fields.find((known) => known.name === name)
      if (!field) throw new UsageError(`--field ${name}: unknown field. Fields: ${publicNames(fields).join(', ')}.`)
      if (field.secret || hasSecrets(field))
        throw new UsageError(
          `--field ${name}: this field is a secret, and other users of this machine can see arguments. Enter it at the prompt, or use --from-file.`,
        )
      const result = parseField(field, text)
      if ('problem' in result) throw new UsageError(`--field ${name}: ${result.problem}.`)
      return [name, result.value]
    }),
  )
}

/** Returns whether an object contains credentials at any depth. */
function hasSecrets({ schema }: Field): boolean {
  const bare = unwrap(schema)
  return bare instanceof z.ZodMiniObject && fieldsOf(bare).some((field) => field.secret || hasSecrets(field))
}

function publicNames(fields: Field[]): string[] {
  return fields.filter((field) => !field.secret && !hasSecrets(field)).map(({ name }) => name)
}

function fallbackOf(type: z.core.$ZodType): string | undefined {
  const parsed = z.safeParse(type, undefined)
  if (!parsed.success || parsed.data === undefined) return undefined
  return typeof parsed.data === 'string' ? parsed.data : JSON.stringify(parsed.data)
}

/** Returns the allowed values of a field. If it normalizes them, returns the normalized values. */
export function choicesOf(type: z.core.$ZodType): string[] | undefined {
  const bare = target(unwrap(type))
  if (bare instanceof z.ZodMiniEnum) return bare.options.map(String)
  return bare instanceof z.ZodMiniLiteral ? [...bare.def.values].map(String) : undefined
}

/** Returns the type that a field has after its text was parsed. */
export function target(type: z.core.$ZodType): z.core.$ZodType {
  if (!(type instanceof z.core.$ZodPipe)) return type
  const { def } = type._zod
  return unwrap(def.in._zod.def.type === 'transform' ? target(def.out) : def.in)
}

function isJson(type: z.core.$ZodType): boolean {
  const kind = type._zod.def.type
  return kind === 'record' || kind === 'object' || kind === 'array'
}

/** Parses a JSON object. */
export function parseObject(text: string, subject: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's message would quote what may be a secret.
    throw new UsageError(`${subject} is not JSON. Write one object, such as {"name": "value"}.`)
  }
  if (!isRecord(value)) throw new UsageError(`${subject} must be a JSON object, such as {"name": "value"}.`)
  return value
}
