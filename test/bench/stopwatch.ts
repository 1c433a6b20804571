export interface Times {
  wallMs: number
  cpuMs: number
}

/** Starts to measure, and returns a function that returns the times since then. */
export function stopwatch(): () => Times {
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  return () => {
    const wallMs = performance.now() - startedAt
    const { user, system } = process.cpuUsage(cpu)
    return { wallMs, cpuMs: (user + system) / 1_000 }
  }
}
