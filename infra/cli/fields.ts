import * as z from 'zod/mini'
import { isSecret, unwrap } from '../../shared/fields.ts'
import { isRecord } from '../../shared/record.ts'
import { UsageError } from './receiver.ts'

/** A field of a secret, as it is asked for. */
export interface Field {
  name: string
  /** What it is for, in a sentence. */
  about: string
  secret: boolean
  required: boolean
  /** What is taken where it is left out, for people. */
  fallback: string | undefined
  /** Where only a few words are taken. */
  choices: string[] | undefined
  /** Whether it is no text, number or list of words: it is given as JSON. */
  json: boolean
  schema: z.core.$ZodType
}

/** The fields of a secret, in the order in which its schema names them. */
export function fieldsOf(schema: z.ZodMiniObject): Field[] {
  return Object.entries(schema.shape).map(([name, type]) => {
    const bare = unwrap(type)
    return {
      name,
      about: describe(type),
      secret: isSecret(type),
      required: !z.safeParse(type, undefined).success,
      fallback: fallbackOf(type),
      choices: choicesOf(bare),
      json: isJson(bare),
      schema: type,
    }
  })
}

/** The sentence about a field, which may stand on it or on what it wraps. */
export function describe(type: z.core.$ZodType): string {
  const own = z.globalRegistry.get(type as z.ZodMiniType)?.description
  const bare = unwrap(type)
  return own ?? (bare === type ? '' : describe(bare))
}

/**
 * The value of a field from what somebody wrote.
 *
 * @returns the value, or in `wrong` what is to be written instead
 */
export function read(field: Field, text: string): { value: unknown } | { wrong: string } {
  let given: unknown = text
  if (field.json) {
    try {
      given = JSON.parse(text)
    } catch {
      // Without the parser's words, which quote what may be a secret.
      return { wrong: 'must be JSON, such as {"name": "value"}' }
    }
  }
  const parsed = z.safeParse(field.schema, given)
  if (parsed.success) return { value: parsed.data }
  const [issue] = parsed.error.issues
  return { wrong: [...(issue?.path ?? []), issue?.message].join(' ') }
}

/**
 * The fields that stand on the command line as `name=value`.
 *
 * @throws UsageError for a name that is not there, a value that is wrong, and for a secret
 */
export function readFields(fields: Field[], pairs: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(pairs).map(([name, text]) => {
      const field = fields.find((known) => known.name === name)
      if (!field) throw new UsageError(`--field ${name}: known are ${openNames(fields).join(', ')}.`)
      if (field.secret || hasSecrets(field))
        throw new UsageError(
          `--field ${name}: this is a secret, and others on this machine see arguments; answer the question, or put it into --from-file.`,
        )
      const result = read(field, text)
      if ('wrong' in result) throw new UsageError(`--field ${name}: ${result.wrong}.`)
      return [name, result.value]
    }),
  )
}

/** Whether an object holds credentials, at whatever depth. */
function hasSecrets({ schema }: Field): boolean {
  const bare = unwrap(schema)
  return bare instanceof z.ZodMiniObject && fieldsOf(bare).some((field) => field.secret || hasSecrets(field))
}

function openNames(fields: Field[]): string[] {
  return fields.filter((field) => !field.secret && !hasSecrets(field)).map(({ name }) => name)
}

function fallbackOf(type: z.core.$ZodType): string | undefined {
  const parsed = z.safeParse(type, undefined)
  if (!parsed.success || parsed.data === undefined) return undefined
  return typeof parsed.data === 'string' ? parsed.data : JSON.stringify(parsed.data)
}

/** The words that a field takes; of one that takes them in several spellings, those that it makes of them. */
export function choicesOf(type: z.core.$ZodType): string[] | undefined {
  const bare = target(unwrap(type))
  if (bare instanceof z.ZodMiniEnum) return bare.options.map(String)
  return bare instanceof z.ZodMiniLiteral ? [...bare.def.values].map(String) : undefined
}

/** What a field is in the end, where it is first made of text. */
export function target(type: z.core.$ZodType): z.core.$ZodType {
  const { def } = type._zod as unknown as { def: { type: string; in: z.core.$ZodType; out: z.core.$ZodType } }
  if (def.type !== 'pipe') return type
  return unwrap(def.in._zod.def.type === 'transform' ? target(def.out) : def.in)
}

function isJson(type: z.core.$ZodType): boolean {
  const kind = type._zod.def.type
  return kind === 'record' || kind === 'object' || kind === 'array'
}

/** The object that a text holds. */
export function parseObject(text: string, what: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Without the parser's words, which quote what may be a secret.
    throw new UsageError(`${what} is not JSON: write one object, name -> value.`)
  }
  if (!isRecord(value)) throw new UsageError(`${what} is no object: write name -> value.`)
  return value
}
