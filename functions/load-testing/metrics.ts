/** What load tests measure, by the names that thresholds use for every platform. */
interface Measured {
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
  /** In seconds. */
  duration?: Measure
  /** The most that there were at a time. */
  users?: Measure
}

/** Some platforms write numbers as text. */
type Measure = number | string | null | undefined

/** The numbers of a run, without those that the platform does not report, and `errorRate`, from 0 to 1, which follows. */
export function metricsOf(measured: Measured): Record<string, number> {
  const numbers = Object.fromEntries(
    Object.entries(measured)
      .filter(([, value]) => value !== null && value !== undefined && value !== '' && Number.isFinite(Number(value)))
      .map(([name, value]) => [name, round(Number(value), name === 'errorRate' ? shareDigits : digits)]),
  )
  const { requests, errors } = numbers
  return errors !== undefined && requests ? { ...numbers, errorRate: round(errors / requests, shareDigits) } : numbers
}

/** The same in another unit, where it was measured. */
export function times(factor: number, value: Measure): number | undefined {
  return value === null || value === undefined || value === '' ? undefined : Number(value) * factor
}

const digits = 4
/** Of a million requests one may be too many. */
const shareDigits = 9

function round(value: number, to: number): number {
  return Number(value.toFixed(to))
}
