import { isRecord } from '../record.ts'
import { clipSingleLine } from '../text/single-line.ts'

/** Characters of JSON. Every later event of the sequence contains the output. */
const MAX_OUTPUT = 2_000
const MAX_METRICS = 50

/**
 * Returns the output of a run if it is small, else the start of its JSON as text; undefined if it is empty.
 *
 * @example return { state, output: limitOutput(run.output) }
 */
export function limitOutput(output: unknown): unknown {
  if (isEmpty(output)) return undefined
  const text = typeof output === 'string' ? output : JSON.stringify(output)
  return text.length > MAX_OUTPUT ? clipSingleLine(text, MAX_OUTPUT) : output
}

/**
 * Returns the numbers in the output of a run by name, for thresholds. A bare number is named `output`.
 *
 * @example metricsIn({ errors: 3, name: 'checkout' }) // { errors: 3 }
 */
export function metricsIn(output: unknown): Record<string, number> {
  if (typeof output === 'number') return { output }
  if (!isRecord(output)) return {}
  const numbers = Object.entries(output).filter((entry): entry is [string, number] => typeof entry[1] === 'number')
  return Object.fromEntries(numbers.slice(0, MAX_METRICS))
}

/** Parses output as JSON. Returns the text if it is something else, such as a path. */
export function parseOutput(text: string | undefined): unknown {
  if (!text) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}
