import { Failure, retryLater } from '../errors.ts'
import { optional, url, word } from '../fields.ts'
import { checkDeadline, requestTimeoutMs } from '../http/deadline.ts'
import type { SentRequest } from '../http/exchange.ts'
import { WriteTracker } from '../http/write-tracker.ts'
import { log } from '../log.ts'
import { clipSingleLine } from '../text/single-line.ts'
import { traceRequest } from '../tracing.ts'
import { type AwsAccount, type AwsError, clientFor, rejectOnAbort, type ServiceClient } from './clients.ts'
import { domainOf } from './endpoint.ts'
import { awsErrorOf, isSuccess, mayHaveSucceeded, toFailure } from './failure.ts'

/** The fields of a connection to an AWS service. It has no credentials, because the function has a role. */
export const awsAccountFields = {
  region: optional(word("Region, such as eu-central-1. Defaults to the function's region")),
  roleArn: optional(word('Role to assume, for another account. cdk.json must list it under awsProviders.assumeRoles')),
  externalId: optional(word('External id that the role requires')),
  endpoint: optional(url('Endpoint to use instead of the AWS endpoint: a VPC endpoint or an emulator')),
}

interface AwsOptions {
  /** The service's name in messages: `AWS AppConfig`. */
  platform: string
  account: AwsAccount
  /** Epoch milliseconds after which nothing is written. */
  deadlineAt?: number
  /** Called with each write before it is sent, for dry runs. Throws instead of sending it. */
  intercept?: (request: SentRequest) => void
  /**
   * Called directly before each write is sent. Throws to hold it back.
   *
   * @param mayHaveWritten whether this client has sent a write before that was not refused
   */
  beforeWrite?: (mayHaveWritten: boolean) => Promise<void>
}

/** A command of the AWS SDK, such as `GetDocumentCommand`. */
interface Command<Output> {
  readonly input: object
  resolveMiddleware(stack: never, configuration: never, options: never): (sent: never) => Promise<{ output: Output }>
}

/** Characters of a response in messages. */
const MAX_EXCERPT = 200

/**
 * The client of one AWS account and region. Like `Http`, it never retries, limits the time of each request, and throws
 * `Failure`s with AWS's own reason. Their cause is the SDK's error.
 *
 * @example
 * const { builds } = await aws.read(CodeBuildClient, new BatchGetBuildsCommand({ ids: [id] }))
 * const { build } = await aws.write(CodeBuildClient, new StartBuildCommand({ projectName, idempotencyToken }))
 * return aws.requireField(build?.id, 'build.id')
 */
export class Aws {
  readonly #options: AwsOptions
  readonly #writes = new WriteTracker()

  constructor(options: AwsOptions) {
    this.#options = options
  }

  /** See `WriteTracker`. */
  get mayHaveWritten(): boolean {
    return this.#writes.mayHaveWritten
  }

  /** See `WriteTracker`. */
  get acceptedResponse(): string | undefined {
    return this.#writes.acceptedResponse
  }

  /**
   * Returns the region of the requests.
   *
   * @param service the SDK's client class
   */
  region(service: ServiceClient): Promise<string> {
    return clientFor(service, this.#options.account).config.region()
  }

  /**
   * Sends a command that only reads.
   *
   * @param service the SDK's client class
   * @throws Failure `refused`, `credentials`, `platform`, `timeout`, `misconfigured`
   */
  async read<Output>(service: ServiceClient, command: Command<Output>): Promise<Output> {
    try {
      return await this.#send(service, command)
    } catch (error) {
      this.#writes.failed()
      throw this.#withMayHaveWritten(error)
    }
  }

  /**
   * Sends a command that changes something.
   *
   * @param service the SDK's client class
   * @param transientErrors names of errors that a retry may resolve, such as a conflict
   * @throws Failure as `read`, and `deadline`
   */
  async write<Output>(service: ServiceClient, command: Command<Output>, ...transientErrors: string[]): Promise<Output> {
    const { platform, account, deadlineAt = Number.POSITIVE_INFINITY, intercept, beforeWrite } = this.#options
    const operation = operationOf(command)
    if (intercept) {
      const serviceId = clientFor(service, account).config.serviceId ?? ''
      const region = await this.region(service)
      const host = `https://${serviceId.toLowerCase()}.${region}.${domainOf(region)}`
      const body = JSON.stringify(command.input, bytesAsText)
      intercept({ method: operation, url: account.endpoint ?? host, headers: {}, body })
    }
    try {
      // They may need a request of their own. Between the question and the write is then nothing that takes time.
      await this.#sending(operation, transientErrors, () => clientFor(service, account).config.credentials())
    } catch (error) {
      this.#writes.failed()
      throw this.#withMayHaveWritten(error)
    }
    await beforeWrite?.(this.#writes.mayHaveWritten)
    checkDeadline(platform, operation, deadlineAt)
    this.#writes.sent()
    try {
      const output = await this.#send(service, command, transientErrors)
      this.#writes.accepted(() => excerpt(output))
      return output
    } catch (error) {
      const status = awsErrorOf(error)?.$metadata?.httpStatusCode
      if (isSuccess(status)) this.#writes.accepted(() => `${status} with a body that cannot be read`)
      else this.#writes.failed()
      if (error instanceof Failure && !mayHaveSucceeded(error)) this.#writes.refused()
      throw this.#withMayHaveWritten(error)
    }
  }

  /**
   * Returns a field of a response that must be there. The SDK accepts responses without it.
   *
   * @throws Failure `platform`
   */
  requireField<T>(value: T | undefined, name: string): T {
    if (value !== undefined) return value
    const message = `${this.#options.platform} returned an unexpected response (no ${name}).`
    throw this.#withMayHaveWritten(retryLater(message))
  }

  #withMayHaveWritten(error: unknown): unknown {
    return error instanceof Failure ? error.withMayHaveWritten(this.#writes.mayHaveWritten) : error
  }

  async #send<Output>(
    service: ServiceClient,
    command: Command<Output>,
    transientErrors: string[] = [],
  ): Promise<Output> {
    const { platform, account } = this.#options
    const startedAt = Date.now()
    const operation = operationOf(command)
    const logRequest = ({ $metadata }: Pick<AwsError, '$metadata'>) => {
      const status = $metadata?.httpStatusCode
      log.debug('called', { platform, method: operation, status, ms: Date.now() - startedAt })
    }
    return this.#sending(operation, transientErrors, async (abortSignal) => {
      try {
        const output = await traceRequest(
          () => platform,
          () => clientFor(service, account).send(command as never, { abortSignal }),
        )
        logRequest(output as Pick<AwsError, '$metadata'>)
        return output as Output
      } catch (error) {
        logRequest(error as AwsError)
        throw error
      }
    })
  }

  /**
   * Limits the time of something that the SDK sends.
   *
   * @throws Failure
   */
  async #sending<T>(
    operation: string,
    transientErrors: string[],
    send: (abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { platform, account, deadlineAt = Number.POSITIVE_INFINITY } = this.#options
    const timeoutMs = requestTimeoutMs(deadlineAt)
    const abortSignal = AbortSignal.timeout(timeoutMs)
    try {
      // The SDK ignores the signal until it has credentials.
      return await Promise.race([send(abortSignal), rejectOnAbort(abortSignal)])
    } catch (error) {
      throw toFailure(error as AwsError, { platform, operation, timeoutMs, account, transientErrors })
    }
  }
}

function excerpt(output: unknown): string {
  const { $metadata, ...fields } = output as Pick<AwsError, '$metadata'>
  const { httpStatusCode: status = 'with success' } = $metadata ?? {}
  return `${status} ${clipSingleLine(JSON.stringify(fields, bytesAsText), MAX_EXCERPT)}`
}

/** Shows documents, which are sent as bytes, as text. */
function bytesAsText(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : value
}

function operationOf(command: object): string {
  return command.constructor.name.replace(/Command$/, '')
}
