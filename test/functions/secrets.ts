import './aws.ts'
import { ok, type Served, serve } from '../../infra/testing/loopback-server.ts'

const PREFIX = 'cloud-automation-webhooks/'

/**
 * Starts a fake of Secrets Manager for the code under test.
 *
 * @param secrets by their path below the prefix. A text is stored unchanged, and other values as JSON
 */
export async function startSecrets(secrets: Map<string, unknown>): Promise<Served> {
  const server = await serve(({ body }) => {
    const secret = secrets.get((body as { SecretId: string }).SecretId.slice(PREFIX.length))
    if (secret === undefined) return { status: 400, body: { __type: 'ResourceNotFoundException' } }
    return ok({ SecretString: typeof secret === 'string' ? secret : JSON.stringify(secret) })
  })
  process.env['AWS_ENDPOINT_URL_SECRETS_MANAGER'] = server.url
  return server
}
