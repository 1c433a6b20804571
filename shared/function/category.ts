import type * as z from 'zod/mini'
import type { CallEvent } from '../event/event.ts'
import type { Outcome } from '../outcome.ts'
import type { Client, Provider } from './provider.ts'

/** What a call asks for, the same for every provider of the category. */
export interface Action<P extends Provider = Provider, Input = never> {
  /** One sentence for `--help`, the README and the OpenAPI document. */
  summary: string
  input: z.ZodMiniObject
  /** The names of what it answers in `data`: they come back in `data.<task>` and are no input there. */
  answers: readonly string[]
  /** Seconds until an interactive call gives up, unless the caller sets `deadline`. */
  deadline: number
  /**
   * Fills what the input leaves out, from the event and the connection, and checks what only the provider can check.
   * Runs before the call is accepted.
   *
   * @throws Failure `invalid`
   */
  complete(input: Input, from: { event: CallEvent; connection: Record<string, unknown>; provider: P }): Input
  /**
   * Does it. May run again after a crash or a fault with the same `client.key`, and must then find what the earlier try
   * made instead of making it twice.
   *
   * @throws Failure
   */
  act(provider: P, client: Client, input: Input): Promise<Outcome>
}

/** A task category: one folder, one function. */
export interface Category<P extends Provider = Provider> {
  /** As in URLs, folders and secrets: `issue-ticketing`. */
  name: string
  summary: string
  // biome-ignore lint/suspicious/noExplicitAny: each action has an input of its own; its schema guards it at the door.
  actions: Record<string, Action<P, any>>
  /** Name -> module, loaded when used, so that a call pays for one provider only. */
  providers: Record<string, () => Promise<P>>
}

/** Declares a category. Its file is a contents page: see `functions/issue-ticketing/index.ts`. */
export function defineCategory<P extends Provider>(category: Category<P>): Category<P> {
  return category
}
