/** The result of a measurement: a table with explanations. */
export interface Section {
  title: string
  columns: string[]
  rows: string[][]
  notes: string[]
}

/** Arguments of a measurement. */
export interface Bench {
  /** Bundles, built for this run. */
  bundles: string
  /** Temporary folder. */
  scratch: string
  /** Whether to install missing programs that it is compared with. */
  comparisons: boolean
  progress(text: string): void
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Returns a quantile, interpolated linearly. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at - Math.floor(at))
}

/**
 * Runs all subjects in turns, so that other load of the machine affects all of them. Every second round is reversed, so
 * that no subject is always first.
 */
export async function interleave<Name extends string, Result>(
  rounds: number,
  subjects: Record<Name, () => Promise<Result>>,
): Promise<Record<Name, Result[]>> {
  const entries = Object.entries(subjects) as [Name, () => Promise<Result>][]
  const results = Object.fromEntries(entries.map(([name]) => [name, []])) as unknown as Record<Name, Result[]>
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of round % 2 === 0 ? entries : entries.toReversed()) results[name].push(await run())
  }
  return results
}

/** Sends calls with constant concurrency. */
export async function load(
  calls: number,
  concurrency: number,
  call: (n: number) => Promise<unknown>,
): Promise<{ perSecond: number; latencies: number[] }> {
  const latencies: number[] = []
  let next = 0
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (next < calls) {
        const n = next++
        const sent = performance.now()
        await call(n)
        latencies.push(performance.now() - sent)
      }
    }),
  )
  return { perSecond: (calls / (performance.now() - startedAt)) * 1_000, latencies }
}

export function ms(value: number): string {
  return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ms`
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`
}

export function kb(bytes: number): string {
  return `${(bytes / 1_024).toFixed(Math.abs(bytes) < 10_240 ? 1 : 0)} KB`
}

export function mb(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MB`
}

export function ratio(value: number, to: number): string {
  const times = value / to
  return `${times.toFixed(times < 9.95 ? 2 : 0)} x`
}

/** Returns a budget with its result. */
export function within(value: number, max: number, format: (value: number) => string): string {
  return `${format(max)}: ${value <= max ? 'within' : 'over'}`
}
