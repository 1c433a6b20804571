/** An error of the AWS SDK. */
export interface AwsError extends Error {
  code?: string
  $metadata?: { httpStatusCode?: number }
  $response?: { headers?: Record<string, string> }
  /** Happened before the request itself was sent. */
  unsent?: true
}

/** An AWS account and region. */
export interface AwsAccount {
  region?: string | undefined
  roleArn?: string | undefined
  externalId?: string | undefined
  endpoint?: string | undefined
}

/** A client class of the AWS SDK, such as `SSMClient`. */
export type ServiceClient = new (
  config: object,
) => {
  config: { serviceId?: string; region: () => Promise<string>; credentials: () => Promise<unknown> }
  send(command: never, options: { abortSignal: AbortSignal }): Promise<unknown>
}

/** Cached for the life of the process, so that connections and credentials are reused. */
const clients = new Map<string, InstanceType<ServiceClient>>()

/** Returns the SDK client of a service in an account. It does not retry. */
export function clientFor(service: ServiceClient, account: AwsAccount): InstanceType<ServiceClient> {
  const { region, roleArn, externalId, endpoint } = account
  const key = JSON.stringify([service.name, region, roleArn, externalId, endpoint])
  const client =
    clients.get(key) ??
    new service({
      maxAttempts: 1,
      ...(region ? { region } : {}),
      ...(endpoint ? { endpoint } : {}),
      ...(roleArn ? { credentials: assumeRole(roleArn, externalId) } : {}),
    })
  clients.set(key, client)
  return client
}

/** Returns a provider of the credentials of another role, which the SDK calls when it needs them. */
export function assumeRole(roleArn: string, externalId: string | undefined) {
  return async (caller: object) => {
    const { fromTemporaryCredentials } = await import('./assume-role.ts')
    const params = {
      RoleArn: roleArn,
      RoleSessionName: 'cloud-automation-webhooks',
      ...(externalId ? { ExternalId: externalId } : {}),
    }
    try {
      return await fromTemporaryCredentials({ params, clientConfig: { maxAttempts: 1 } })(caller)
    } catch (error) {
      throw Object.assign(error as AwsError, { unsent: true })
    }
  }
}

/** Rejects when a signal aborts. */
export function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
