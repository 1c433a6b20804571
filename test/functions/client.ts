import type * as z from 'zod/mini'
import { Failure } from '../../shared/errors.ts'
import { secretsIn } from '../../shared/fields.ts'
import type { CallOrigin } from '../../shared/orchestrators/event/event.ts'
import { connect } from '../../shared/providers/connect.ts'
import type { Client, Provider } from '../../shared/providers/provider.ts'
import type { OpenTicket } from '../../shared/providers/ticket.ts'
import { registerSecret } from '../../shared/redact.ts'

/** Options of a client for tests. */
export interface ClientOptions {
  /** The idempotency key. Defaults to `keyOf(1)`. */
  key?: string | undefined
  isRetry?: boolean
  origin?: CallOrigin
  /** Milliseconds from now. */
  deadline?: number
  /** Called with each write before it is sent, as in a dry run. */
  intercept?: Parameters<typeof connect>[1]['intercept']
  /** Called directly before each write is sent, as for an action that people may have stopped. */
  beforeWrite?: Parameters<typeof connect>[1]['beforeWrite']
}

/**
 * Returns the client that the framework creates for a call.
 *
 * @example const client = clientOf(acme, { baseUrl: server.url, token: server.token })
 */
export function clientOf<S extends z.ZodMiniObject>(
  provider: Provider<S>,
  values: z.output<S>,
  options: ClientOptions = {},
): Client<z.output<S>> & { idempotencyKey: string } {
  const { key, isRetry = false, deadline = 20_000, origin, intercept, beforeWrite } = { key: keyOf(1), ...options }
  for (const value of secretsIn(provider.connection, values)) registerSecret(value)
  const connection = { name: 'test', provider: provider as unknown as Provider, values }
  return connect(connection, {
    idempotencyKey: key,
    isRetry,
    origin,
    deadlineAt: Date.now() + deadline,
    ...(intercept ? { intercept } : {}),
    ...(beforeWrite ? { beforeWrite } : {}),
  }) as Client<z.output<S>> & { idempotencyKey: string }
}

/** Returns an idempotency key of the length that the framework uses. Its start and its end differ by call. */
export function keyOf(call: number): string {
  return call.toString(16).padStart(10, '0').repeat(4)
}

/** A ticket for tests. */
export const problem: OpenTicket = { title: 'Checkout fails', description: 'Since **14:03**.', project: 'OPS' }

/** Returns the failure that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => new Error('No failure'),
    (error: unknown) => error,
  )
  if (error instanceof Failure) return error
  throw error
}
