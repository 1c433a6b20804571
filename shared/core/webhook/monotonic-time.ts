import type { Context } from 'aws-lambda'

/**
 * Returns the context with a remaining time that is independent of clock changes. Lambda computes it from the system clock,
 * and a call that is given up because of a clock change may still succeed.
 */
export function withMonotonicTime(context: Context, maxMs = Number.POSITIVE_INFINITY): Context {
  const until = performance.now() + Math.min(maxMs, context.getRemainingTimeInMillis())
  return { ...context, getRemainingTimeInMillis: () => Math.max(0, until - performance.now()) }
}
