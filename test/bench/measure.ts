/** What one measurement found: a table of its own, and what a reader has to know to read it right. */
export interface Section {
  title: string
  columns: string[]
  rows: string[][]
  notes: string[]
}

/** What every measurement is given. */
export interface Bench {
  /** The bundles, as `npm run build` makes them, built for this run. */
  bundles: string
  /** A folder of this run's own; removed afterwards. */
  scratch: string
  /** Whether Node-RED may be installed, where it is not there. */
  nodeRed: boolean
  progress(text: string): void
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The value that a share `q` of all is at or below, between neighbours in proportion. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at - Math.floor(at))
}

/**
 * Runs each subject so many times, in turns: whatever else the machine does meanwhile slows all of them alike. Every other
 * round goes backwards, so that none is always the first.
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

/** So many calls, so many of them at once, each as soon as one before it is over. */
export async function load(
  calls: number,
  concurrency: number,
  call: (n: number) => Promise<unknown>,
): Promise<{ perSecond: number; latencies: number[] }> {
  const latencies: number[] = []
  let next = 0
  const began = performance.now()
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
  return { perSecond: (calls / (performance.now() - began)) * 1_000, latencies }
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

/** A budget with what became of it. */
export function within(value: number, most: number, shown: (value: number) => string): string {
  return `${shown(most)}: ${value <= most ? 'within' : 'over'}`
}
