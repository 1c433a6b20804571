import type * as z from 'zod/mini'
import { Failure } from '../../shared/errors.ts'
import { secretsIn } from '../../shared/fields.ts'
import { connect } from '../../shared/providers/connect.ts'
import type { CallOrigin, Client, Provider } from '../../shared/providers/provider.ts'
import type { OpenTicket } from '../../shared/providers/ticket.ts'
import { registerSecret } from '../../shared/redact.ts'

interface Options {
  key?: string | undefined
  repeated?: boolean
  event?: CallOrigin
  /** Milliseconds from now. */
  deadline?: number
}

/** The client of a connection, as the framework makes it for each call. */
export function clientOf<S extends z.ZodMiniObject>(
  provider: Provider<S>,
  values: z.output<S>,
  options: Options = {},
): Client<z.output<S>> & { idempotencyKey: string } {
  const { key, repeated = false, deadline = 20_000, event } = { key: keyOf(1), ...options }
  for (const value of secretsIn(provider.connection, values)) registerSecret(value)
  const connection = { name: 'test', provider: provider as unknown as Provider, values }
  return connect(connection, {
    idempotencyKey: key,
    isRetry: repeated,
    event,
    deadlineAt: Date.now() + deadline,
  }) as Client<z.output<S>> & {
    idempotencyKey: string
  }
}

/** A key as the framework makes it. */
export function keyOf(call: number): string {
  return call.toString(16).padStart(40, '0')
}

export const problem: OpenTicket = { title: 'Checkout fails', description: 'Since **14:03**.', project: 'OPS' }

/** The failure that something ends with. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => new Error('It did not fail'),
    (error: unknown) => error,
  )
  if (error instanceof Failure) return error
  throw error
}
