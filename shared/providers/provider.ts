import type * as z from 'zod/mini'
import type { Aws } from '../aws/aws.ts'
import type { Authorization, Http } from '../http/client.ts'

/** What leads to a question: for a button, and for the page. */
export interface SignedLink {
  token: string
  url: string
  /** Epoch milliseconds. */
  deadlineAt: number
}

/** Where a call comes from, as far as its orchestrator says. */
export interface CallOrigin {
  id?: string | undefined
  /** What the events of one sequence have in common. */
  context?: string | undefined
  project?: string | undefined
  stage?: string | undefined
  service?: string | undefined
  labels?: Record<string, string> | undefined
}

/** What a provider's functions work with: one instance of the platform, for one call. */
export interface Client<Connection = Record<string, unknown>> {
  /** The connection's secret, checked against the provider's schema. */
  connection: Connection
  /** For a platform with an API of its own. */
  http: Http
  /** For one that is part of AWS. */
  aws: Aws
  /**
   * The identity of the call, to be hidden in whatever is made, so that a repeat finds it. Absent where the caller sent
   * no event id: then nothing can be looked up.
   */
  idempotencyKey: string | undefined
  /** Where the call comes from. */
  event?: CallOrigin | undefined
  /** Where it is decided, for an action that asks people. */
  signedLink?: SignedLink | undefined
  /** Where the id of a started run is saved, see `lastRunKey`. */
  lastRunKey?: string | undefined
  /** Whether an earlier try of this call may have got further than we know. */
  isRetry: boolean
  /** Whether a write was sent that the platform has not refused. */
  readonly mayHaveWritten: boolean
  /** What the platform answered if it accepted the last write and no request has failed since: see `Http`. */
  readonly acceptedResponse: string | undefined
}

/** What a provider can do: the functions that `shared/providers/` ask of it. */
export type ProviderKind = 'ticket' | 'flag' | 'job' | 'message' | 'evaluation' | 'report'

/** A downstream platform: what every provider says of itself, whatever its category. */
export interface Provider<S extends z.ZodMiniObject = z.ZodMiniObject> {
  kind: ProviderKind
  /** The platform's name, for people: `GitHub`. */
  title: string
  /** Whether what it starts needs a task that looks after it to its end: a silent call can not start it, and no task leaves it. */
  requiresTask?: true
  /** Runs inside the task instead of at a platform. The task reads stop requests from the table, so it needs access to it. */
  runsInTask?: true
  /** Whether the platform itself answers what is started with the `finished` event: then a task hands it over. */
  sendsFinished?(connection: z.output<S>): boolean
  /** For a provider that is part of AWS; handed over, so that the others do not load it. */
  aws?: typeof Aws
  /** The fields of a connection. `baseUrl` is where every call goes; a provider that is part of AWS has `awsAccount`. */
  connection: S
  /**
   * Where every call goes, where that is no field of the connection.
   *
   * @throws Failure `misconfigured`
   */
  baseUrl?(connection: z.output<S>): string
  /** The headers of every call: authentication and API version. */
  headers?(connection: z.output<S>): Record<string, string>
  /**
   * How calls are authenticated where that takes more: a token that has to be fetched first, a signature.
   *
   * @param ca PEM of a certificate authority that the connection trusts
   * @throws Failure `misconfigured`
   */
  authorization?(connection: z.output<S>, ca: string | undefined): Authorization | undefined
  /** The cheapest authenticated call. */
  check(client: Client<z.output<S>>): Promise<unknown>
  /** Whether a refusal is one of our credentials, where it is no 401. */
  isCredentialsError?(status: number, body: unknown, connection: z.output<S>): boolean
  /** The platform's words for a refusal, where they are not in one of the usual places. */
  errorReason?(body: unknown): string | undefined
  /** The status that an answer of success stands for, where the platform puts its errors into one. */
  errorStatus?(body: unknown): number | undefined
  /** Whether the platform takes two writes with the same `client.key` for one: then a repeat is a look-up. */
  hasIdempotentWrites?(connection: z.output<S>): boolean
  /** What its Retry-After counts, where not seconds. */
  retryAfterUnit?: 'milliseconds'
}

/** Rejects a misspelled member of a provider: a type parameter alone would accept it. */
export type NoOtherMembers<P, Known> = { [Name in Exclude<keyof P, keyof Known>]: never }

/** Whether what this call makes can be found again. */
export function hasIdempotencyKey(client: Client): client is Client & { idempotencyKey: string } {
  return client.idempotencyKey !== undefined
}
