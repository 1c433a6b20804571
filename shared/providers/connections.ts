import * as z from 'zod/mini'
import { listSecrets, readSecret } from '../auth/secrets.ts'
import { Failure, messageOf } from '../errors.ts'
import { withDescription } from '../fields.ts'
import { log } from '../log.ts'
import { settings } from '../settings.ts'
import type { Category } from './category.ts'
import type { Provider } from './provider.ts'

/** One instance of a platform, ready to be used. */
export interface Connection {
  name: string
  provider: Provider
  /** What its secret holds, by the provider's schema. */
  values: Record<string, unknown>
}

/** What a connection may be called. */
export const CONNECTION_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/
/** Fields that every connection may have, whatever its provider. */
const head = z.looseObject({ provider: z.string() })
const common = {
  provider: z.string(),
  ca: z.optional(
    withDescription(
      z
        .string()
        .check(z.regex(/^-----BEGIN CERTIFICATE-----/, 'must be PEM, which begins with -----BEGIN CERTIFICATE-----')),
      'PEM of a private certificate authority',
    ),
  ),
}

/**
 * Loads a connection and its provider.
 *
 * @param name as the caller wrote it: never a path, only a name
 * @param fresh reads the secret anew, past the cache
 * @throws Failure `unknown` that lists the known connections or providers, `misconfigured`, `unavailable`
 */
export async function loadConnection(category: Category, name: string, fresh = false): Promise<Connection> {
  if (!CONNECTION_NAME.test(name)) throw await unknownConnection(category.name, name)
  const path = `connections/${category.name}/${name}`
  let named: { provider: string }
  try {
    named = await readSecret(path, head, { fresh, missing: 'unknown' })
  } catch (error) {
    throw error instanceof Failure && error.kind === 'unknown' ? await unknownConnection(category.name, name) : error
  }
  const load = Object.hasOwn(category.providers, named.provider) ? category.providers[named.provider] : undefined
  if (!load) {
    throw new Failure(
      'unknown',
      `The connection ${name} names the provider "${named.provider}", which ${category.name} does not have; it has ${Object.keys(category.providers).join(', ')}.`,
    )
  }
  const provider = await load()
  const values = await readSecret(path, connectionSchema(provider, category))
  return { name, provider, values }
}

/** Made once for each provider, and each choice of a category that has one: each call reads its connection. */
const schemas = new WeakMap<object, WeakMap<Provider, z.ZodMiniObject>>()

/** What the secret of a connection must hold: what its provider asks for, its category, and what each may have. */
export function connectionSchema(
  provider: Provider,
  { actionMapping: choice }: Pick<Category, 'actionMapping'>,
): z.ZodMiniObject {
  const made = schemas.get(choice ?? common) ?? new WeakMap<Provider, z.ZodMiniObject>()
  schemas.set(choice ?? common, made)
  const schema =
    made.get(provider) ?? z.strictObject({ ...provider.connection.shape, ...choice?.connection, ...common })
  made.set(provider, schema)
  return schema
}

/** The full name of a connection's secret, for messages. */
export function connectionPath(category: string, name: string): string {
  return `${settings.secretPrefix}/connections/${category}/${name}`
}

async function unknownConnection(category: string, name: string): Promise<Failure> {
  const known = await listSecrets(`connections/${category}/`).catch((error: unknown) => {
    log.warn('the connections could not be listed', { reason: messageOf(error) })
    return []
  })
  const list = known.length > 0 ? `known are ${known.join(', ')}` : 'store one as a secret first'
  return new Failure('unknown', `There is no connection "${name.slice(0, 63)}" for ${category}; ${list}.`)
}
