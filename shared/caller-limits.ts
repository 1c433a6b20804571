import * as z from 'zod/mini'

const MAX_CALLS_PER_MINUTE = 100_000

/** The fields that limit what a caller, or the rules of a source, may call. */
export const callerLimits = {
  /** The actions that it may call, each `<category>/<action>` or `<category>/*`. Defaults to all of its categories. */
  allow: z.optional(
    z.array(
      z.string().check(z.regex(/^[a-z0-9-]+\/(?:\*|[a-z0-9-]+)$/, 'must be <category>/<action> or <category>/*')),
    ),
  ),
  /** The connections that it may use, by category. Defaults to all. */
  allowConnections: z.optional(z.record(z.string(), z.array(z.string()).check(z.minLength(1)))),
  /** The calls that it may send to each category. */
  callsPerMinute: z.optional(z.int().check(z.minimum(1), z.maximum(MAX_CALLS_PER_MINUTE))),
  /** The right to start actions, without any rule of the policy. Defaults to `approve` for agents, else to `allow`. */
  writes: z.optional(z.enum(['allow', 'approve', 'deny'])),
}
