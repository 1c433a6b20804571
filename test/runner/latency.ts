// Lets services and imports take their time, which tests otherwise hide: see CONTRIBUTING.md.

// Tests replace the timers.
const { setTimeout } = globalThis

/** Milliseconds for which each service of AWS, and each import of a running function, waits. Zero if they do not wait. */
export function latencyMs(): number {
  return Number(process.env['TEST_LATENCY_MS'] ?? 0)
}

/** Waits as long as a service does. */
export async function latency(): Promise<void> {
  const ms = latencyMs()
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
}

/** Lets an import take as long as a service. */
export async function importSlowly<T>(imported: Promise<T>): Promise<T> {
  await latency()
  return imported
}
