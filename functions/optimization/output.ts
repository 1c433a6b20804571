/** Characters of a run's own output that go into every later event of its sequence. */
const longestOutput = 4_000

/** What a run has answered by itself. */
interface Output {
  data: { output?: unknown }
  /** Its numbers: of an object those of its first level, by their names; a number alone is `output`. */
  metrics: Record<string, number>
  /** Why it is not in `data`. */
  leftOut?: string
}

/**
 * Reads the output of a run: JSON, else text as it is.
 *
 * @param text undefined or empty where there is none
 */
export function readOutput(text: string | undefined): Output {
  if (!text) return { data: {}, metrics: {} }
  const output = parse(text)
  const metrics = numbersIn(output)
  if (text.length <= longestOutput) return { data: { output }, metrics }
  return { data: {}, metrics, leftOut: `its output of ${text.length} characters is too large to be passed on` }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Whatever the run writes there, such as a path.
    return text
  }
}

function numbersIn(output: unknown): Record<string, number> {
  if (typeof output === 'number') return { output }
  if (output === null || typeof output !== 'object' || Array.isArray(output)) return {}
  return Object.fromEntries(Object.entries(output).filter(([, value]) => typeof value === 'number'))
}
