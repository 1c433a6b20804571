import { Failure } from '../errors.ts'
import { optional, url, word } from '../fields.ts'
import type { SentRequest } from '../http.ts'
import { mask } from '../redact.ts'

/** What a connection to a part of AWS holds: no credentials, since the function has a role. */
export const awsAccount = {
  region: optional(word("The region, such as eu-central-1; the function's own where left out")),
  roleArn: optional(
    word('A role to assume, for another account; cdk.json must name it under awsProviders.assumeRoles'),
  ),
  externalId: optional(word('The external id that the role asks for')),
  endpoint: optional(url("Another endpoint than AWS's own: a VPC endpoint, or an emulator")),
}

/** Which account and region. */
export interface Account {
  region?: string | undefined
  roleArn?: string | undefined
  externalId?: string | undefined
  endpoint?: string | undefined
}

interface AwsOptions {
  /** Who is called, in messages: `AWS AppConfig`. */
  platform: string
  account: Account
  /** Epoch milliseconds after which nothing is written any more. */
  deadlineAt?: number
  /** Answers instead of AWS, for writes: the dry run. */
  intercept?: (request: SentRequest) => void
}

/** A client of the AWS SDK, such as `SSMClient`. */
type Service = new (
  config: object,
) => {
  config: { serviceId?: string; region: () => Promise<string> }
  send(command: never, options: { abortSignal: AbortSignal }): Promise<unknown>
}

/** A command of the AWS SDK, such as `GetDocumentCommand`. */
interface Command<Output> {
  readonly input: object
  resolveMiddleware(stack: never, configuration: never, options: never): (sent: never) => Promise<{ output: Output }>
}

/** Longest that one request may take, and shortest that it gets however near the deadline is, in milliseconds. */
const longest = 15_000
const shortest = 1_000
const throttled = /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown/i
const unauthenticated =
  /^(?:UnrecognizedClientException|InvalidClientTokenId|ExpiredToken(?:Exception)?|CredentialsProviderError)$/

/**
 * The client of one AWS account and region. As `Http` does, it never repeats a request by itself, puts a limit on the time
 * of each, and throws `Failure`s with AWS's own words; their cause is the SDK's error.
 */
export class Aws {
  readonly #options: AwsOptions

  constructor(options: AwsOptions) {
    this.#options = options
  }

  /**
   * Sends a command that only reads.
   *
   * @param service the SDK's client class; one instance is kept for the life of the process
   * @throws Failure `refused`, `credentials`, `platform`, `timeout`
   */
  read<Output>(service: Service, command: Command<Output>): Promise<Output> {
    return this.#send(service, command, false)
  }

  /**
   * Sends a command that changes something.
   *
   * @throws Failure as `read`, and `deadline`
   */
  async write<Output>(service: Service, command: Command<Output>): Promise<Output> {
    const { platform, account, deadlineAt = Number.POSITIVE_INFINITY, intercept } = this.#options
    const operation = nameOf(command)
    if (intercept) {
      const { config } = clientOf(service, account)
      const host = `https://${(config.serviceId ?? 'aws').toLowerCase()}.${await config.region()}.amazonaws.com`
      intercept({ method: operation, url: account.endpoint ?? host, headers: {}, body: JSON.stringify(command.input) })
    }
    if (Date.now() >= deadlineAt) {
      throw new Failure(
        'deadline',
        `The deadline passed before ${platform} could be asked for ${operation}: nothing was sent.`,
      )
    }
    return this.#send(service, command, true)
  }

  async #send<Output>(service: Service, command: Command<Output>, writes: boolean): Promise<Output> {
    const { platform, account, deadlineAt = Number.POSITIVE_INFINITY } = this.#options
    const timeout = Math.max(shortest, Math.min(longest, deadlineAt - Date.now()))
    try {
      const client = clientOf(service, account)
      return (await client.send(command as never, { abortSignal: AbortSignal.timeout(timeout) })) as Output
    } catch (error) {
      const failure = failureOf(error as AwsError, platform, nameOf(command), timeout)
      const status = (error as AwsError).$metadata?.httpStatusCode
      failure.afterWrite = writes && !isUnsent(error as AwsError) && (status === undefined || status >= 500)
      throw failure
    }
  }
}

/** The SDK's error behind a failure: its name says what happened, and some carry more. */
export function awsErrorOf(error: unknown): AwsError | undefined {
  return error instanceof Failure && error.cause instanceof Error ? (error.cause as AwsError) : undefined
}

export interface AwsError extends Error {
  code?: string
  $metadata?: { httpStatusCode?: number }
  $response?: { headers?: Record<string, string> }
}

/** One for each account for the life of the process, so that its connections and credentials are used again. */
const clients = new Map<string, InstanceType<Service>>()

function clientOf(service: Service, account: Account): InstanceType<Service> {
  const { region, roleArn, externalId, endpoint } = account
  const key = JSON.stringify([service.name, region, roleArn, externalId, endpoint])
  const client =
    clients.get(key) ??
    new service({
      maxAttempts: 1,
      ...(region ? { region } : {}),
      ...(endpoint ? { endpoint } : {}),
      ...(roleArn ? { credentials: assume(roleArn, externalId) } : {}),
    })
  clients.set(key, client)
  return client
}

/** Credentials of another role, asked for when first needed and kept until they end. */
function assume(roleArn: string, externalId: string | undefined) {
  return async (caller: object) => {
    const { fromTemporaryCredentials } = await import('./assume-role.ts')
    const params = {
      RoleArn: roleArn,
      RoleSessionName: 'cloud-automation-webhooks',
      ...(externalId ? { ExternalId: externalId } : {}),
    }
    return fromTemporaryCredentials({ params })(caller)
  }
}

function nameOf(command: object): string {
  return command.constructor.name.replace(/Command$/, '')
}

function isUnsent({ code, name }: AwsError): boolean {
  return (
    /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/.test(code ?? '') || unauthenticated.test(name)
  )
}

function failureOf(error: AwsError, platform: string, operation: string, timeout: number): Failure {
  const { name, message, code, $metadata, $response } = error
  if (name === 'AbortError' || name === 'TimeoutError') {
    return new Failure('timeout', `${platform} did not answer in ${Math.round(timeout / 1_000)} s (${operation}).`, {
      cause: error,
    })
  }
  const text = mask(`${platform} answered ${name} to ${operation}: ${message || 'no reason given'}`)
  const status = $metadata?.httpStatusCode
  if (unauthenticated.test(name)) return new Failure('credentials', text, { cause: error })
  if (status === undefined)
    return new Failure('platform', `${platform} could not be reached: ${code ?? mask(message)} (${operation}).`, {
      cause: error,
    })
  if (status >= 500 || status === 429 || throttled.test(name)) {
    const after = Number($response?.headers?.['retry-after'])
    return new Failure('platform', text, { cause: error, retryAfter: Number.isFinite(after) ? after : undefined })
  }
  const hint = /AccessDenied/.test(name) ? ' Allow it under awsProviders in cdk.json, and deploy.' : ''
  return new Failure('refused', `${text}${hint}`, { cause: error })
}
