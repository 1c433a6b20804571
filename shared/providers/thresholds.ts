import * as z from 'zod/mini'
import { withDescription } from '../fields.ts'
import type { Outcome } from '../outcome.ts'

/** Empty text is refused: a template that renders to nothing must not become the limit 0. */
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
    /** Values between `warn` and `value` are a warning. */
    warn: z.optional(limit),
  })
  .check(stricter)
export type Threshold = z.output<typeof threshold>

/** The result of a threshold. `actual` is null if the platform did not report the metric. */
export interface ThresholdResult extends Threshold {
  actual: number | null
  result: Outcome['result']
}

/** Returns a field for thresholds: a list, or its JSON as text, which forms send. */
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
 * Compares measured values with thresholds. A metric that was not measured fails.
 *
 * @param metrics values by name
 * @example checkThresholds([{ metric: 'p95', op: '<', value: 500, warn: 400 }], { p95: 450 })[0]?.result // warning
 */
export function checkThresholds(thresholds: readonly Threshold[], metrics: Record<string, number>): ThresholdResult[] {
  return thresholds.map((threshold) => {
    const { metric, op, value, warn } = threshold
    const actual = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined
    if (actual === undefined || Number.isNaN(actual)) return { ...threshold, actual: null, result: 'fail' }
    if (!isWithin(actual, op, value)) return { ...threshold, actual, result: 'fail' }
    return { ...threshold, actual, result: warn === undefined || isWithin(actual, op, warn) ? 'pass' : 'warning' }
  })
}

function isWithin(actual: number, op: Threshold['op'], value: number): boolean {
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

/** Describes a threshold that did not pass: `p95 is 612, not < 500`. */
export function describeThreshold({ metric, op, value, warn, actual, result }: ThresholdResult): string {
  if (actual === null) return `${metric} was not measured`
  return `${metric} is ${actual}, not ${op} ${result === 'warning' ? warn : value}`
}
