import { clipLine } from '../../shared/one-line.ts'

/** Characters of JSON: what a run hands back goes into every later event of its sequence. */
const longest = 2_000
const mostNumbers = 50

/** What a run hands back, as it is where it is small, else the beginning of its JSON, as text; undefined where it is nothing. */
export function outputOf(value: unknown): unknown {
  if (isNothing(value)) return undefined
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > longest ? clipLine(text, longest) : value
}

/** The numbers among what a run hands back, by name: for thresholds. */
export function numbersOf(value: unknown): Record<string, number> {
  if (!isRecord(value)) return {}
  const numbers = Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number')
  return Object.fromEntries(numbers.slice(0, mostNumbers))
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}
