/** Runs a function. Returns its result, and the lines that are written to stdout meanwhile. */
export async function withLogLines<T>(run: () => Promise<T>): Promise<{ result: T; lines: string[] }> {
  const lines: string[] = []
  const { write } = process.stdout
  process.stdout.write = (chunk: string | Uint8Array) => lines.push(String(chunk)) > 0
  const result = await run().finally(() => {
    process.stdout.write = write
  })
  return { result, lines }
}
