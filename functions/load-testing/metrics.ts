/** Measurements of a load test, by the names that thresholds use on every platform. */
interface Measurements {
  /** Response times, in milliseconds. */
  mean?: Measure
  min?: Measure
  max?: Measure
  p50?: Measure
  p90?: Measure
  p95?: Measure
  p99?: Measure
  requests?: Measure
  errors?: Measure
  /** Requests per second. */
  rps?: Measure
  /** Seconds. */
  duration?: Measure
  /** The maximum number of concurrent users. */
  users?: Measure
}

/** Some platforms return numbers as text. */
type Measure = number | string | null | undefined

/** Returns the reported numbers of a run, with `errorRate` (from 0 to 1) if it can be calculated. */
export function metricsOf(measured: Measurements): Record<string, number> {
  const numbers = Object.fromEntries(
    Object.entries(measured)
      .filter(([, value]) => value !== null && value !== undefined && value !== '' && Number.isFinite(Number(value)))
      .map(([name, value]) => [name, round(Number(value), name === 'errorRate' ? SHARE_DIGITS : DIGITS)]),
  )
  const { requests, errors } = numbers
  return errors !== undefined && requests ? { ...numbers, errorRate: round(errors / requests, SHARE_DIGITS) } : numbers
}

/** Converts a measurement to another unit. Returns undefined if there is none. */
export function scale(factor: number, value: Measure): number | undefined {
  return value === null || value === undefined || value === '' ? undefined : Number(value) * factor
}

const DIGITS = 4
/** Enough for one error in a million requests. */
const SHARE_DIGITS = 9

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
