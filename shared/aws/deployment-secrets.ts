import * as z from 'zod/mini'
import { Failure, serviceUnavailable } from '../errors.ts'
import { secretsIn } from '../fields.ts'
import { registerSecret } from '../redact.ts'
import { settings } from '../settings.ts'
import { validateKnownFields } from '../validate.ts'
import { getSecret } from './secret-value.ts'
import { secretsManager } from './secrets-manager.ts'

export interface ReadOptions {
  /** Reads the secret again, instead of from the cache. */
  fresh?: boolean
  /**
   * Whether unknown fields are ignored instead of refused. A task ignores them: its version may be older than a field that was added
   * while it runs.
   */
  ignoresUnknown?: boolean
  /** The failure for a secret that does not exist: `unknown` if a caller chose the name. */
  missing?: 'misconfigured' | 'unknown'
}

/** A 401 from the platform ends the cache time early. */
const MAX_AGE_SECONDS = 300

interface Validated {
  text: string
  value: unknown
  secrets: string[]
  unknownFields?: Failure
}

/** The last value of each secret by its schema. The same text is not validated again. */
const validated = new WeakMap<z.core.$ZodType, Map<string, Validated>>()

/**
 * Reads and validates a secret of this deployment, and registers its secret values for masking. Returns the same object until
 * the secret changes.
 *
 * @param path below the prefix: `connections/issue-ticketing/jira`
 * @throws Failure `misconfigured` (there is no such secret, or it is not valid), `unavailable`
 */
export async function readSecret<S extends z.ZodMiniObject>(
  path: string,
  schema: S,
  options?: ReadOptions,
): Promise<z.output<S>>
/** Reads a record, in which no field is marked as secret. */
export async function readSecret<S extends z.ZodMiniRecord>(
  path: string,
  schema: S,
  options?: ReadOptions,
): Promise<z.output<S>>
export async function readSecret(
  path: string,
  schema: z.ZodMiniObject | z.ZodMiniRecord,
  options: ReadOptions = {},
): Promise<unknown> {
  const name = nameOf(path)
  const text = await readText(name, options)
  const bySchema = validated.get(schema) ?? new Map()
  validated.set(schema, bySchema)
  const previous = bySchema.get(name)
  // Each invocation registers the secrets that it reads, including those that an earlier one has validated.
  for (const secret of previous?.secrets ?? []) registerSecret(secret)
  const current = previous?.text === text ? previous : validateSecret(name, text, schema)
  bySchema.set(name, current)
  if (current.unknownFields && !options.ignoresUnknown) throw current.unknownFields
  return current.value
}

function validateSecret(name: string, text: string, schema: z.ZodMiniObject | z.ZodMiniRecord): Validated {
  const options = { what: `The secret ${name}`, kind: 'misconfigured' } as const
  const parsed = validateKnownFields(schema, parse(name, text), options)
  const secrets = schema instanceof z.ZodMiniObject ? secretsIn(schema, parsed.value) : []
  for (const secret of secrets) registerSecret(secret)
  return { text, secrets, ...parsed }
}

async function readText(name: string, { fresh = false, missing = 'misconfigured' }: ReadOptions): Promise<string> {
  try {
    return await getSecret(name, { maxAgeSeconds: MAX_AGE_SECONDS, fresh })
  } catch (cause) {
    throw failureFor(name, cause, missing)
  }
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Without the cause: the parser's message quotes the secret.
    throw new Failure('misconfigured', `The secret ${name} is not valid JSON. Store one JSON object in it.`)
  }
}

/** A secret without its value. */
export interface ListedSecret {
  /** Below the path. */
  name: string
  /** As a person has written it in Secrets Manager. */
  description?: string | undefined
}

/**
 * Lists the secrets below a path.
 *
 * @throws the error of Secrets Manager
 */
export async function listSecrets(path: string): Promise<ListedSecret[]> {
  const prefix = nameOf(path)
  const found: ListedSecret[] = []
  let next: string | undefined
  do {
    const page = { Filters: [{ Key: 'name', Values: [prefix] }], MaxResults: 100, ...(next ? { NextToken: next } : {}) }
    const { SecretList = [], NextToken } = await secretsManager('ListSecrets', page)
    for (const { Name, Description: description } of SecretList)
      if (Name?.startsWith(prefix)) found.push({ name: Name.slice(prefix.length), description })
    next = NextToken
  } while (next)
  return found
}

function nameOf(path: string): string {
  return `${settings.secretPrefix}/${path}`
}

function failureFor(name: string, cause: unknown, missing: 'misconfigured' | 'unknown'): Failure {
  const { name: error } = cause as Error
  if (error === 'ResourceNotFoundException')
    return new Failure(missing, `There is no secret ${name}. Create it in Secrets Manager.`)
  if (error === 'AccessDeniedException')
    return new Failure('misconfigured', `The function's role is not allowed to read the secret ${name}.`, { cause })
  return serviceUnavailable(`The secret ${name} cannot be read from Secrets Manager now. Try again.`, { cause })
}
