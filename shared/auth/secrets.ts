import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { secretsIn } from '../fields.ts'
import { registerSecret } from '../redact.ts'
import { settings } from '../settings.ts'
import { validate } from '../validate.ts'

export interface ReadOptions {
  /** Past the cache. */
  fresh?: boolean
  /** What it is where there is no such secret: our fault, unless a caller chose the name. */
  missing?: 'misconfigured' | 'unknown'
}

/** How long a secret is kept, in seconds; a 401 from its platform ends that early. */
const maxAge = 300

/** What each secret held when it was read last, by what it must hold: one that is the same text is not checked again. */
const known = new WeakMap<z.core.$ZodType, Map<string, { text: string; value: unknown; secrets: string[] }>>()

/**
 * A secret of this deployment, checked, with its secret values remembered for masking. The same object is given to whoever
 * reads it next.
 *
 * @param path below the prefix: `connections/issue-ticketing/jira`
 * @param schema what it must hold
 * @throws Failure `misconfigured` (there is no such secret, or it does not hold what it must), `unavailable`
 */
export async function readSecret<S extends z.ZodMiniObject>(
  path: string,
  schema: S,
  options?: ReadOptions,
): Promise<z.output<S>>
/** One that is of names and values, among which no schema marks a secret. */
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
  const ofSchema = known.get(schema) ?? new Map()
  known.set(schema, ofSchema)
  const before = ofSchema.get(name)
  // Each invocation remembers the secrets that it reads, also those that an earlier one has checked.
  for (const secret of before?.secrets ?? []) registerSecret(secret)
  if (before?.text === text) return before.value
  const value = validate<z.ZodMiniObject | z.ZodMiniRecord>(schema, parsed(name, text), {
    what: `The secret ${name}`,
    kind: 'misconfigured',
  })
  const secrets = schema instanceof z.ZodMiniObject ? secretsIn(schema, value) : []
  for (const secret of secrets) registerSecret(secret)
  ofSchema.set(name, { text, value, secrets })
  return value
}

async function readText(name: string, { fresh = false, missing = 'misconfigured' }: ReadOptions): Promise<string> {
  // Loaded when first used: the SDK costs more than the rest of a cold start.
  const { getSecret } = await import('../aws/secret-value.ts')
  try {
    return String(await getSecret(name, { maxAge, forceFetch: fresh }))
  } catch (cause) {
    throw explain(name, cause, missing)
  }
}

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Without the cause: a parser quotes what it could not read.
    throw new Failure('misconfigured', `The secret ${name} is not JSON: store one JSON object in it.`)
  }
}

/**
 * The names of the secrets below a path, for the message that lists them; empty where we may not list.
 */
export async function listSecrets(path: string): Promise<string[]> {
  const { ListSecretsCommand, secretsManager } = await import('../aws/secrets-manager.ts')
  const prefix = nameOf(path)
  const { SecretList = [] } = await secretsManager.send(
    new ListSecretsCommand({ Filters: [{ Key: 'name', Values: [prefix] }], MaxResults: 100 }),
  )
  return SecretList.flatMap(({ Name }) => (Name?.startsWith(prefix) ? [Name.slice(prefix.length)] : []))
}

function nameOf(path: string): string {
  return `${settings.secretPrefix}/${path}`
}

/** The SDK's own error is wrapped by Powertools, once or twice. */
function explain(name: string, thrown: unknown, missing: 'misconfigured' | 'unknown'): Failure {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (
      /ResourceNotFoundException/.test(`${error.name} ${error.message}`) ||
      /can't find the specified secret/.test(error.message)
    ) {
      return new Failure(missing, `There is no secret ${name}: create it in Secrets Manager.`)
    }
    if (/AccessDenied/.test(`${error.name} ${error.message}`)) {
      return new Failure('misconfigured', `This function's role may not read the secret ${name}.`)
    }
  }
  return new Failure('unavailable', `The secret ${name} could not be read from Secrets Manager.`, { cause: thrown })
}
