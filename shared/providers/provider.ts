import type * as z from 'zod/mini'
import type { ActionEffect } from '../action-effect.ts'
import type { Aws } from '../aws/aws.ts'
import type { Http } from '../http/client.ts'
import type { Authorization } from '../http/options.ts'
import type { CallOrigin } from '../orchestrators/event/event.ts'
import type { LookUp } from './look-up.ts'

/** Authorizes a decision, from a button or on the approval page. */
export interface SignedLink {
  token: string
  url: string
  /** Shows the complete request, and decides nothing. */
  readUrl: string
  /** Epoch milliseconds. */
  deadlineAt: number
}

/** Everything that a provider's functions need: one platform instance, for one call. */
export interface Client<Connection = Record<string, unknown>> {
  /** The connection's secret, parsed by the provider's schema. */
  connection: Connection
  /** For platforms with an HTTP API. */
  http: Http
  /** For AWS services. */
  aws: Aws
  /**
   * Identifies the call. Store it on everything you create, so that a retry finds it. Undefined if the call has no event
   * id: then nothing can be looked up.
   */
  idempotencyKey: string | undefined
  /** The origin of the call. */
  origin?: CallOrigin | undefined
  /** For an action that requests an approval. */
  signedLink?: SignedLink | undefined
  /** The key under which the id of a started run is stored. */
  lastRunKey?: string | undefined
  /** An earlier attempt of this call may have written something. */
  isRetry: boolean
  /** This attempt sent a write that the platform did not refuse. */
  readonly mayHaveWritten: boolean
  /** The start of the response to the last write, if it was accepted and no request has failed since. */
  readonly acceptedResponse: string | undefined
  /**
   * Asks whether the action may still change something. Call it between two changes that do not depend on each other: people may have
   * stopped the action, or a window may have closed.
   *
   * @returns why it may not
   */
  mayContinue(): Promise<string | undefined>
  /** Sentences that are added to the message of the outcome. */
  readonly notes: Set<string>
}

/** Determines which actions a provider supports: `shared/providers/` has one contract per kind. */
export type ProviderKind = 'ticket' | 'flag' | 'job' | 'message' | 'evaluation' | 'report'

/** The members that providers of every kind have. */
export interface Provider<S extends z.ZodMiniObject = z.ZodMiniObject> {
  kind: ProviderKind
  /** The platform's name for people: `GitHub`. */
  title: string
  /** Its jobs need a task that polls them. A silent call starts the task and returns its id; no task leaves them running. */
  requiresTask?: true
  /** Its jobs run inside the task instead of at a platform. The task reads stop requests from the state table. */
  runsInTask?: true
  /** How notifications of the platform name its runs, if it sends any. The type is one of `shared/sources/types`. */
  notifiedBy?: { type: string }
  /** Whether the platform itself sends the `finished` event of a started job. The task then sends none. */
  sendsFinished?(connection: z.output<S>): boolean
  /** Replaces the effect of the actions that write. No one can delete an e-mail that was sent. */
  effect?: Exclude<ActionEffect, 'reads'>
  /** The class `Aws`, for AWS services. Passed by the provider, so that other providers do not load it. */
  aws?: typeof Aws
  /**
   * The schema of a connection's secret. `baseUrl` is the URL of the API. AWS services have `awsAccountFields` instead.
   *
   * @example z.strictObject({ baseUrl: url('URL of the API'), token: secret('API token') })
   */
  connection: S
  /**
   * Returns the URL of the API if it is not a field of the connection.
   *
   * @throws Failure `misconfigured`
   */
  baseUrl?(connection: z.output<S>): string
  /** Returns the headers of every request, such as the authentication and the API version. */
  headers?(connection: z.output<S>): Record<string, string>
  /**
   * Returns an authentication that needs more than fixed headers: OAuth, or signed requests.
   *
   * @param ca PEM of the certificate authority that the connection trusts
   * @throws Failure `misconfigured`
   */
  authorization?(connection: z.output<S>, ca: string | undefined): Authorization | undefined
  /** Sends the cheapest request that needs the credentials. */
  check(client: Client<z.output<S>>): Promise<unknown>
  /** Whether a refusal other than 401 means that the credentials are wrong. */
  isCredentialsError?(status: number, body: unknown, connection: z.output<S>): boolean
  /** Returns the platform's reason for a refusal, if `errorReasonIn` does not find it in the body. */
  errorReason?(body: unknown): string | undefined
  /** Returns the status to assume, for platforms that report errors in a successful response, or all with the status 400. */
  errorStatus?(body: unknown): number | undefined
  /** Whether the platform treats two writes with the same `client.idempotencyKey` as one. A retry is then safe. */
  hasIdempotentWrites?(connection: z.output<S>): boolean
  /** The condition under which the platform treats two writes with one key as one, for people: `` `idempotencyHeader` in the connection ``. */
  keyNeeds?: string
  /** The reach of the search of a retry. Required with `find`. */
  lookUp?: LookUp
  /** The unit of the Retry-After header. Defaults to seconds. */
  retryAfterUnit?: 'milliseconds'
}

/** Rejects a misspelled member of a provider, which a type parameter alone would accept. */
export type NoOtherMembers<P, Known> = { [Name in Exclude<keyof P, keyof Known>]: never }

/**
 * Returns whether the call has an idempotency key, so that a retry can find what it creates.
 *
 * @example const found = hasIdempotencyKey(client) ? await findIssue(client, client.idempotencyKey) : undefined
 */
export function hasIdempotencyKey<C>(client: Client<C>): client is Client<C> & { idempotencyKey: string } {
  return client.idempotencyKey !== undefined
}
