import { isRecord } from '../record.ts'
import { clipSingleLine } from '../text/single-line.ts'

/** Characters of JSON: what a run hands back goes into every later event of its sequence. */
const longest = 2_000
const mostNumbers = 50

/** What a run hands back, as it is where it is small, else the beginning of its JSON, as text; undefined where it is nothing. */
export function limitOutput(value: unknown): unknown {
  if (isNothing(value)) return undefined
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > longest ? clipSingleLine(text, longest) : value
}

/** The numbers in what a run hands back, by name, for thresholds; a number alone is `output`. */
export function metricsIn(value: unknown): Record<string, number> {
  if (typeof value === 'number') return { output: value }
  if (!isRecord(value)) return {}
  const numbers = Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number')
  return Object.fromEntries(numbers.slice(0, mostNumbers))
}

/** What a run hands back as text: JSON, or whatever it writes there, such as a path. */
export function parseOutput(text: string | undefined): unknown {
  if (!text) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}
