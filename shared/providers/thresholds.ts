import * as z from 'zod/mini'
import { withDescription } from '../fields.ts'
import type { Outcome } from '../outcome.ts'

/** A template that renders to nothing must not become the limit 0. */
const limit = z.pipe(
  z.transform((value) => (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value)),
  z.number(),
)
const stricter = z.refine<{ op: string; value: number; warn?: number | undefined }>(
  ({ op, value, warn }) => warn === undefined || warn === value || warn < value === op.startsWith('<'),
  { message: 'warn must be on the good side of value', path: ['warn'] },
)
const threshold = z
  .strictObject({
    metric: z.string().check(z.minLength(1), z.maxLength(100)),
    op: z.enum(['<', '<=', '>', '>=']),
    value: limit,
    /** What is not better than this, and still holds `value`, is a warning. */
    warn: z.optional(limit),
  })
  .check(stricter)
export type Threshold = z.output<typeof threshold>

/** What became of a threshold: `actual` is null where the platform reported no such metric. */
export interface ThresholdResult extends Threshold {
  actual: number | null
  result: Outcome['result']
}

/** Thresholds on what a run measured: a list, or its JSON as text where a form carries it. */
export function thresholds(description: string) {
  const parsed = z.transform((value) => (typeof value === 'string' ? parse(value) : value))
  return withDescription(z.pipe(parsed, z.array(threshold).check(z.maxLength(50))), description)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/**
 * Holds what was measured against thresholds. What was not measured can not have passed.
 *
 * `{metric: 'p95', op: '<', value: 500, warn: 400}`: under 400 passes, under 500 warns, the rest fails.
 *
 * @param metrics name -> value, as the provider reports them
 */
export function checkThresholds(thresholds: readonly Threshold[], metrics: Record<string, number>): ThresholdResult[] {
  return thresholds.map((threshold) => {
    const { metric, op, value, warn } = threshold
    const actual = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined
    if (actual === undefined || Number.isNaN(actual)) return { ...threshold, actual: null, result: 'fail' }
    if (!holds(actual, op, value)) return { ...threshold, actual, result: 'fail' }
    return { ...threshold, actual, result: warn === undefined || holds(actual, op, warn) ? 'pass' : 'warning' }
  })
}

function holds(actual: number, op: Threshold['op'], value: number): boolean {
  switch (op) {
    case '<':
      return actual < value
    case '<=':
      return actual <= value
    case '>':
      return actual > value
    case '>=':
      return actual >= value
  }
}

/** A threshold that did not pass, for people: `p95 is 612, not < 500`. */
export function describeThreshold({ metric, op, value, warn, actual, result }: ThresholdResult): string {
  if (actual === null) return `${metric} was not measured`
  return `${metric} is ${actual}, not ${op} ${result === 'warning' ? warn : value}`
}
