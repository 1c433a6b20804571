import * as z from 'zod/mini'
import { listSecrets, type ReadOptions, readSecret } from '../aws/deployment-secrets.ts'
import { Failure, messageOf } from '../errors.ts'
import { withDescription } from '../fields.ts'
import { log } from '../log.ts'
import { settings } from '../settings.ts'
import type { Category } from './category.ts'
import type { Provider } from './provider.ts'

/** One instance of a platform. */
export interface Connection {
  name: string
  provider: Provider
  /** The secret, parsed by the provider's schema. */
  values: Record<string, unknown>
}

export const CONNECTION_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/
/** Selects the provider, whose schema then parses the rest. */
const providerField = z.looseObject({ provider: z.string() })
/** Fields of every connection. */
const common = {
  provider: z.string(),
  ca: z.optional(
    withDescription(
      z.string().check(z.regex(/^-----BEGIN CERTIFICATE-----/, 'must be PEM: -----BEGIN CERTIFICATE-----')),
      'PEM of a private certificate authority',
    ),
  ),
}

/**
 * Loads a connection and its provider.
 *
 * @param name from the caller, not checked yet
 * @throws Failure `unknown` with the known connections or providers, `misconfigured`, `unavailable`
 */
export async function loadConnection(
  category: Category,
  name: string,
  { fresh = false, ignoresUnknown = false }: Omit<ReadOptions, 'missing'> = {},
): Promise<Connection> {
  if (!CONNECTION_NAME.test(name)) throw await unknownConnection(category.name, name)
  try {
    await readSecret(pathOf(category, name), providerField, { fresh, missing: 'unknown' })
  } catch (error) {
    throw error instanceof Failure && error.kind === 'unknown' ? await unknownConnection(category.name, name) : error
  }
  return readConnection(category, name, { ignoresUnknown })
}

/**
 * Loads a connection that exists, and its provider.
 *
 * @throws Failure `unknown` with the known providers, `misconfigured`, `unavailable`
 */
export async function readConnection(
  category: Category,
  name: string,
  options: Pick<ReadOptions, 'ignoresUnknown'> = {},
): Promise<Connection> {
  const path = pathOf(category, name)
  const selected = await readSecret(path, providerField)
  const load = Object.hasOwn(category.providers, selected.provider) ? category.providers[selected.provider] : undefined
  if (!load) {
    throw new Failure(
      'unknown',
      `The connection ${name} has the provider "${selected.provider}", which ${category.name} does not support. Providers: ${Object.keys(category.providers).join(', ')}.`,
    )
  }
  const provider = await load()
  const values = await readSecret(path, connectionSchema(provider, category), options)
  return { name, provider, values }
}

function pathOf(category: Category, name: string): string {
  return `connections/${category.name}/${name}`
}

/** By action mapping and provider. Every call needs one, and creating it takes time. */
const schemas = new WeakMap<object, WeakMap<Provider, z.ZodMiniObject>>()

/** Returns the schema of a connection's secret: the fields of its provider, its category and all connections. */
export function connectionSchema(
  provider: Provider,
  { actionMapping }: Pick<Category, 'actionMapping'>,
): z.ZodMiniObject {
  const cached = schemas.get(actionMapping ?? common) ?? new WeakMap<Provider, z.ZodMiniObject>()
  schemas.set(actionMapping ?? common, cached)
  const schema =
    cached.get(provider) ?? z.strictObject({ ...provider.connection.shape, ...actionMapping?.connection, ...common })
  cached.set(provider, schema)
  return schema
}

/** Returns the full name of a connection's secret, for messages. */
export function connectionPath(category: string, name: string): string {
  return `${settings.secretPrefix}/connections/${category}/${name}`
}

async function unknownConnection(category: string, name: string): Promise<Failure> {
  const known = await listSecrets(`connections/${category}/`).catch((error: unknown) => {
    log.warn('listing the connections failed', { reason: messageOf(error) })
    return []
  })
  const list =
    known.length > 0 ? `Connections: ${known.map(({ name }) => name).join(', ')}` : 'Store it as a secret first'
  return new Failure('unknown', `Unknown connection "${name.slice(0, 63)}" for ${category}. ${list}.`)
}
