import type { Aws } from '../aws/aws.ts'
import { Http } from '../http/client.ts'
import type { HttpOptions } from '../http/options.ts'
import type { CallOrigin } from '../orchestrators/event/event.ts'
import type { Connection } from './connections.ts'
import type { Client, SignedLink } from './provider.ts'

interface ConnectOptions {
  idempotencyKey: string | undefined
  isRetry: boolean
  origin?: CallOrigin | undefined
  signedLink?: SignedLink | undefined
  /** Key under which the id of a started run is saved. */
  lastRunKey?: string | undefined
  /** Epoch milliseconds after which nothing is written. */
  deadlineAt: number
  /** Called with each write before it is sent. Only `http` uses a response that it returns. */
  intercept?: NonNullable<HttpOptions['intercept']>
  /** Called directly before each write is sent. Throws to hold it back. */
  beforeWrite?: NonNullable<HttpOptions['beforeWrite']>
  /** Asks between two changes. By default, both may be made. */
  mayContinue?: Client['mayContinue']
}

/** Returns the client that a provider's functions get. */
export function connect({ provider, values }: Connection, options: ConnectOptions): Client {
  const {
    idempotencyKey,
    isRetry,
    origin,
    signedLink,
    lastRunKey,
    mayContinue = async () => undefined,
    ...limits
  } = options
  const { title: platform } = provider
  let http: Http | undefined
  let aws: Aws | undefined
  return {
    connection: values,
    idempotencyKey,
    isRetry,
    origin,
    signedLink,
    lastRunKey,
    mayContinue,
    notes: new Set(),
    get http() {
      const ca = values['ca'] as string | undefined
      http ??= new Http({
        ...limits,
        platform,
        baseUrl: provider.baseUrl?.(values) ?? String(values['baseUrl']),
        headers: provider.headers?.(values) ?? {},
        ca,
        authorization: provider.authorization?.(values, ca),
        retryAfterUnit: provider.retryAfterUnit,
        ...(provider.isCredentialsError
          ? {
              isCredentialsError: (status: number, body: unknown) =>
                provider.isCredentialsError?.(status, body, values) ?? false,
            }
          : {}),
        ...(provider.errorReason ? { errorReason: (body: unknown) => provider.errorReason?.(body) } : {}),
        ...(provider.errorStatus ? { errorStatus: (body: unknown) => provider.errorStatus?.(body) } : {}),
      })
      return http
    },
    get mayHaveWritten() {
      return Boolean(http?.mayHaveWritten || aws?.mayHaveWritten)
    },
    get acceptedResponse() {
      return http?.acceptedResponse ?? aws?.acceptedResponse
    },
    get aws() {
      if (!provider.aws) throw new Error(`The provider ${platform} has no member aws.`)
      aws ??= new provider.aws({ ...limits, platform, account: values })
      return aws
    },
  }
}
