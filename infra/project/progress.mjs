const INTERVAL_MS = 5_000

/** Prints every few seconds that something still runs, to stderr, until the returned function is called. */
export function reportProgress(activity) {
  const startedAt = Date.now()
  const timer = setInterval(() => {
    console.error(`Still ${activity} after ${Math.round((Date.now() - startedAt) / 1000)} s ...`)
  }, INTERVAL_MS)
  return () => clearInterval(timer)
}
