import { Failure, type FailureKind, toSentence } from '../errors.ts'
import { optional, url, word } from '../fields.ts'
import type { SentRequest } from '../http/client.ts'
import { retryAfterSeconds } from '../http/error-reason.ts'
import { isUnsent, networkReason } from '../http/network.ts'
import { log } from '../log.ts'
import { redact } from '../redact.ts'
import { clipSingleLine } from '../text/single-line.ts'

/** What a connection to a part of AWS holds: no credentials, since the function has a role. */
export const awsAccountFields = {
  region: optional(word("The region, such as eu-central-1; the function's own where left out")),
  roleArn: optional(
    word('A role to assume, for another account; cdk.json must name it under awsProviders.assumeRoles'),
  ),
  externalId: optional(word('The external id that the role asks for')),
  endpoint: optional(url("Another endpoint than AWS's own: a VPC endpoint, or an emulator")),
}

/** Which account and region. */
export interface AwsAccount {
  region?: string | undefined
  roleArn?: string | undefined
  externalId?: string | undefined
  endpoint?: string | undefined
}

interface AwsOptions {
  /** Who is called, in messages: `AWS AppConfig`. */
  platform: string
  account: AwsAccount
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
/** Characters of a response that a message shows. */
const MAX_EXCERPT = 200
const throttled = /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown/i
const unauthenticated =
  /^(?:UnrecognizedClientException|InvalidClientTokenId|ExpiredToken(?:Exception)?|CredentialsProviderError)$/

/**
 * The client of one AWS account and region. As `Http` does, it never repeats a request by itself, puts a limit on the time
 * of each, and throws `Failure`s with AWS's own words; their cause is the SDK's error.
 */
export class Aws {
  readonly #options: AwsOptions
  /** Whether a write was sent that AWS has not refused: it was carried out, or may have been. */
  #written = false
  #accepted: { status: number | undefined; output?: unknown } | undefined

  constructor(options: AwsOptions) {
    this.#options = options
  }

  /** As of `Http`. */
  get mayHaveWritten(): boolean {
    return this.#written
  }

  /** As of `Http`. */
  get acceptedResponse(): string | undefined {
    if (!this.#accepted) return undefined
    const { status = 'with success', output } = this.#accepted
    if (output === undefined) return `${status} with a body that cannot be read`
    const { $metadata: _, ...answer } = output as Pick<AwsError, '$metadata'>
    return `${status} ${clipSingleLine(JSON.stringify(answer, bytesAsText), MAX_EXCERPT)}`
  }

  /**
   * The region that is called.
   *
   * @param service the SDK's client class, as for `read`
   */
  region(service: Service): Promise<string> {
    return clientOf(service, this.#options.account).config.region()
  }

  /**
   * Sends a command that only reads.
   *
   * @param service the SDK's client class; one instance is kept for the life of the process
   * @throws Failure `refused`, `credentials`, `platform`, `timeout`, `misconfigured`
   */
  async read<Output>(service: Service, command: Command<Output>): Promise<Output> {
    try {
      return await this.#send(service, command)
    } catch (error) {
      this.#accepted = undefined
      if (error instanceof Failure) error.afterWrite = this.#written
      throw error
    }
  }

  /**
   * Sends a command that changes something.
   *
   * @param passing names of AWS's errors that go away by themselves: something that stands in the way and will end
   * @throws Failure as `read`, and `deadline`
   */
  async write<Output>(service: Service, command: Command<Output>, ...passing: string[]): Promise<Output> {
    const { platform, account, deadlineAt = Number.POSITIVE_INFINITY, intercept } = this.#options
    const operation = nameOf(command)
    if (intercept) {
      const serviceId = clientOf(service, account).config.serviceId ?? ''
      const host = `https://${serviceId.toLowerCase()}.${await this.region(service)}.amazonaws.com`
      const body = JSON.stringify(command.input, bytesAsText)
      intercept({ method: operation, url: account.endpoint ?? host, headers: {}, body })
    }
    if (Date.now() >= deadlineAt) {
      throw new Failure(
        'deadline',
        `The deadline passed before ${platform} could be asked for ${operation}: nothing was sent.`,
      )
    }
    try {
      const output = await this.#send(service, command, passing)
      this.#written = true
      this.#accepted = { status: (output as Pick<AwsError, '$metadata'>).$metadata?.httpStatusCode, output }
      return output
    } catch (error) {
      if (error instanceof Failure) {
        this.#written ||= mayBeDone(error)
        error.afterWrite = this.#written
        const status = awsErrorOf(error)?.$metadata?.httpStatusCode
        this.#accepted = isSuccess(status) ? { status } : undefined
      }
      throw error
    }
  }

  /**
   * A part of an answer that must be there: the SDK lets an answer of another shape through.
   *
   * @throws Failure `platform`
   */
  requireField<T>(value: T | undefined, name: string): T {
    if (value !== undefined) return value
    const failure = new Failure(
      'platform',
      `${this.#options.platform} answered something else than expected (no ${name}).`,
    )
    failure.afterWrite = this.#written
    throw failure
  }

  async #send<Output>(service: Service, command: Command<Output>, passing: string[] = []): Promise<Output> {
    const { platform, account, deadlineAt = Number.POSITIVE_INFINITY } = this.#options
    const timeout = Math.max(shortest, Math.min(longest, deadlineAt - Date.now()))
    const abortSignal = AbortSignal.timeout(timeout)
    const began = Date.now()
    // As `Http` tells of its requests.
    const line = ({ $metadata }: Pick<AwsError, '$metadata'>) => {
      log.debug('called', {
        platform,
        method: nameOf(command),
        status: $metadata?.httpStatusCode,
        ms: Date.now() - began,
      })
    }
    try {
      const sent = clientOf(service, account).send(command as never, { abortSignal })
      // The SDK looks at the signal only once it has credentials.
      const answer = await Promise.race([sent, aborted(abortSignal)])
      line(answer as Pick<AwsError, '$metadata'>)
      return answer as Output
    } catch (error) {
      line(error as AwsError)
      throw toFailure(error as AwsError, { platform, operation: nameOf(command), timeout, account, passing })
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
  /** Whether it happened before the request itself went out. */
  unsent?: true
}

/** One for each account for the life of the process, so that its connections and credentials are used again. */
const clients = new Map<string, InstanceType<Service>>()

function clientOf(service: Service, account: AwsAccount): InstanceType<Service> {
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

/** Credentials of another role, asked for when first needed and kept until they end. */
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

export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** A document goes out as bytes, and is shown as the text that it is. */
function bytesAsText(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : value
}

function nameOf(command: object): string {
  return command.constructor.name.replace(/Command$/, '')
}

/** Whether what a write asked for may have been done, though its answer says no such thing. */
function mayBeDone(failure: Failure): boolean {
  if (failure.kind === 'timeout') return true
  const { name, unsent, $metadata } = (awsErrorOf(failure) ?? {}) as AwsError
  if (unsent || unauthenticated.test(name) || isUnsent(failure.cause) || failure.kind === 'misconfigured') return false
  const status = $metadata?.httpStatusCode
  return status === undefined || status >= 500 || status < 400
}

function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status < 400
}

interface Asked {
  platform: string
  operation: string
  /** In milliseconds. */
  timeout: number
  account: AwsAccount
  passing: string[]
}

export function toFailure(error: AwsError, { platform, operation, timeout, account, passing }: Asked): Failure {
  const { name, message, code, $metadata, $response } = error
  const status = $metadata?.httpStatusCode
  const fail = (kind: FailureKind, text: string, retryAfter?: number) =>
    new Failure(kind, redact(text), { cause: error, retryAfter })
  // A connection that breaks off has the name of a time-out too, but a code.
  if ((name === 'AbortError' || name === 'TimeoutError') && typeof code !== 'string')
    return fail('timeout', `${platform} did not respond within ${Math.round(timeout / 1_000)} s (${operation}).`)
  const said = `${platform} answered ${name} to ${operation}: ${message || 'no reason given'}`
  if (unauthenticated.test(name)) return fail('credentials', said)
  // Of the SDK itself: a region or a field that is missing or can not be sent.
  if (status === undefined && (error instanceof TypeError || message === 'Region is missing'))
    return fail('misconfigured', `${platform} can not be asked for ${operation}: ${message}`)
  if (status === undefined)
    return fail('platform', `${platform} could not be reached: ${networkReason(error)} (${operation}).`)
  if (error instanceof SyntaxError)
    return fail('platform', `${platform} answered ${status} to ${operation} with something else than JSON.`)
  // The words of the SDK name a field of its own error, which nobody can inspect.
  if (isSuccess(status))
    return fail('platform', `${platform} answered ${status} to ${operation} with a body that cannot be read.`)
  if (status >= 500 || status === 429 || throttled.test(name) || passing.includes(name))
    return fail('platform', said, retryAfterSeconds($response?.headers ?? {}, Date.now()))
  return fail('refused', /AccessDenied/.test(name) ? `${toSentence(said)} ${remedyFor(account, message)}` : said)
}

/** What is to be done about a permission that is missing. */
function remedyFor({ roleArn }: AwsAccount, message: string): string {
  return roleArn && !message.includes('sts:AssumeRole')
    ? `It must be allowed to ${roleArn}.`
    : 'Allow it under awsProviders in cdk.json, and deploy.'
}
