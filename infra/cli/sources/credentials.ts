import { randomBytes } from 'node:crypto'
import * as z from 'zod/mini'
import { secret } from '../../../shared/fields.ts'
import { signatureSchemes } from '../../../shared/sources/schemes.ts'
import { type SourceSecret, sourceSecret } from '../../../shared/sources/secret.ts'
import type { CredentialKind, SourceType } from '../../../shared/sources/source-type.ts'
import { UsageError } from '../../project/usage-error.ts'
import { type FieldOptions, promptForFields, readGivenFields, validateSecret } from '../terminal/prompt-for-fields.ts'

/** The credentials of a source, and what to enter at the sender, if that is not known there. */
export interface Credentials {
  value: SourceSecret
  shown: string | undefined
}

/** Returns the kinds of credentials that a sender can send, the strongest first. */
export function kindsOf({ signatures, token, basic }: SourceType): CredentialKind[] {
  return [
    ...(signatures ? ['keys' as const] : []),
    ...(token ? ['token' as const] : []),
    ...(basic ? ['password' as const] : []),
  ]
}

/**
 * Generates the credentials of a source, or asks for those that the sender shows.
 *
 * @param kind defaults to that of the type, or the strongest that the sender can send
 * @throws UsageError
 */
export async function credentialsFor(
  type: SourceType,
  kind: CredentialKind | undefined,
  options: FieldOptions & { url: string },
): Promise<Credentials> {
  const fields = await readGivenFields(options)
  if (Object.keys(fields).length > 0) return { value: validate(fields), shown: undefined }
  if (type.publishedKeys) return { value: await askForPublished(type.publishedKeys, options), shown: undefined }
  const [strongest = 'token'] = kindsOf(type)
  const chosen = kind ?? type.defaultCredential ?? strongest
  if (!kindsOf(type).includes(chosen))
    throw new UsageError(`${type.title} cannot send ${chosen}. Choose ${kindsOf(type).join(' or ')}.`)
  if (chosen === 'keys' && type.choosesKey) {
    const schema = z.strictObject({ key: secret(`The signing key that ${type.title} shows`).check(z.minLength(16)) })
    const { key } = validateSecret(schema, await promptForFields(schema, {}, options), 'The source')
    return { value: { keys: [key] }, shown: undefined }
  }
  const shown = generate(type, chosen)
  if (chosen === 'keys') return { value: { keys: [shown] }, shown }
  return { value: chosen === 'token' ? { token: shown } : { user: 'webhooks', password: shown }, shown }
}

/**
 * Returns the steps to take at the sender with the credentials of a source.
 *
 * @param shown the key, token or password, if people may see it
 */
export function setupFor(
  { setup }: SourceType,
  { keys, token, user = '' }: SourceSecret,
  url: string,
  shown: string | undefined,
): string[] {
  const kind = keys ? 'keys' : token ? 'token' : 'password'
  const password = shown ?? '<the stored secret>'
  const values = {
    url,
    user,
    secret: password,
    basic: shown === undefined ? `<${user}:${password} in Base64>` : Buffer.from(`${user}:${shown}`).toString('base64'),
    loginUrl: url.replace('://', () => `://${user}:${password}@`),
  }
  return setup
    .flatMap((step) => (typeof step === 'string' ? step : (step[kind] ?? [])))
    .map((step) =>
      Object.entries(values).reduce((text, [name, value]) => text.replaceAll(`{${name}}`, () => value), step),
    )
}

/** Some keys have a prefix, and are base64. */
function generate({ signatures = [] }: SourceType, kind: CredentialKind): string {
  const key =
    kind === 'keys' ? signatures.map((name) => signatureSchemes[name]).find((scheme) => 'key' in scheme) : undefined
  const bytes = randomBytes(32)
  return key && 'key' in key ? `${key.key.prefix}${bytes.toString('base64')}` : bytes.toString('base64url')
}

async function askForPublished(by: 'google' | 'sns', options: FieldOptions & { url: string }): Promise<SourceSecret> {
  const { serviceAccount, topics } = sourceSecret.shape
  const schema = by === 'google' ? z.strictObject({ serviceAccount }) : z.strictObject({ topics })
  const include = Object.keys(schema.shape)
  const fields = await promptForFields(schema, {}, { ...options, include })
  // Google sends the URL of the subscription unless it has another audience.
  return validate(by === 'google' ? { ...fields, audience: options.url } : fields)
}

function validate(value: Record<string, unknown>): SourceSecret {
  return validateSecret(sourceSecret, value, 'The secret of the source')
}
