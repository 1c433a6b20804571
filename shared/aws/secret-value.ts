import { secretsManager } from './secrets-manager.ts'

interface SecretOptions {
  /** How long a value is used again. */
  maxAgeSeconds: number
  /** Reads the value again. */
  fresh: boolean
}

const values = new Map<string, { text: string; readAt: number }>()

/**
 * Reads the text of a secret, or returns the cached one.
 *
 * @throws ServiceError, or the error of the network
 */
export async function getSecret(name: string, { maxAgeSeconds, fresh }: SecretOptions): Promise<string> {
  const cached = values.get(name)
  if (cached && !fresh && Date.now() - cached.readAt < maxAgeSeconds * 1_000) return cached.text
  // Without a text it is binary, which is not valid JSON either.
  const { SecretString: text = '' } = await secretsManager('GetSecretValue', { SecretId: name })
  values.set(name, { text, readAt: Date.now() })
  return text
}
