import { isRecord } from '../../../shared/record.ts'
import { clipSingleLine, singleLine } from '../../../shared/text/single-line.ts'

/**
 * Reads what an event holds, whose shape nobody guarantees: what is not as expected is undefined. A form brings numbers
 * as text, and lists as objects with numbers for names.
 */

/** A value on one line, where it is one that people can read: text, a number, yes or no. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return singleLine(value) || undefined
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'number' && Number.isFinite(value) ? forPeople(value) : undefined
}

/** A number, also as text. */
export function numberOf(value: unknown): number | undefined {
  const numeric = typeof value === 'string' && /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value) ? Number(value) : value
  return typeof numeric === 'number' && Number.isFinite(numeric) ? numeric : undefined
}

/** A list; what stands alone is a list of one. */
export function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  if (isRecord(value)) return Object.keys(value).every((name) => /^\d+$/.test(name)) ? Object.values(value) : []
  return value === undefined || value === null ? [] : [value]
}

/** The objects of a list. */
export function recordsOf(value: unknown): Record<string, unknown>[] {
  return listOf(value).filter(isRecord)
}

/** A number with four significant digits; what stands before the point is never rounded away. */
export function forPeople(number: number): string {
  return String(Math.abs(number) >= 1_000 ? Math.round(number) : Number(number.toPrecision(4)))
}

/** Seconds in the two largest units that they have: `8 min 30 s`. */
export function lasting(seconds: number): string {
  const total = Math.round(seconds)
  const parts = [
    { unit: 'd', count: Math.floor(total / 86_400) },
    { unit: 'h', count: Math.floor(total / 3_600) % 24 },
    { unit: 'min', count: Math.floor(total / 60) % 60 },
    { unit: 's', count: total % 60 },
  ]
  const first = parts.findIndex(({ count }) => count > 0)
  if (first === -1) return `${forPeople(seconds)} s`
  return parts
    .slice(first, first + 2)
    .filter(({ count }) => count > 0)
    .map(({ unit, count }) => `${count} ${unit}`)
    .join(' ')
}

const utc = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/

/** From when to when, and how long that is; times that are not in UTC are told as they came. */
export function periodOf(start: unknown, end: unknown): string | undefined {
  const [from, to] = [textOf(start), textOf(end)]
  if (from === undefined || to === undefined) return undefined
  const [began, ended] = [utc.exec(from), utc.exec(to)]
  if (!began || !ended) return `${clipSingleLine(from, 40)} to ${clipSingleLine(to, 40)}`
  const seconds = (Date.parse(`${ended[1]}T${ended[2]}Z`) - Date.parse(`${began[1]}T${began[2]}Z`)) / 1_000
  const length = seconds > 0 ? ` (${lasting(seconds)})` : ''
  return `${began[1]} ${began[2]} to ${began[1] === ended[1] ? '' : `${ended[1]} `}${ended[2]} UTC${length}`
}

const names = new Map([
  ['deploymentstrategy', 'Strategy'],
  ['teststrategy', 'Strategy'],
  ['deploymentNames', 'Deployments'],
  ['gitCommit', 'Commit'],
])

/** A name of a program's as people write it: `failedStage` is `Failed stage`, `reportURL` is `Report URL`. */
export function humanName(name: string): string {
  const parted = name
    .replace(/[-_.]+/g, ' ')
    .replace(/(?<=[a-z\d])[A-Z](?=([A-Z])?)/g, (letter, acronym) => ` ${acronym ? letter : letter.toLowerCase()}`)
  const words = singleLine(parted)
  return names.get(name) ?? words.charAt(0).toUpperCase() + words.slice(1)
}

/** Text of at most so many characters, with its lines; what is cut ends with an ellipsis. */
export function clip(text: string, most: number): string {
  const whole = text.trim().toWellFormed()
  // Never half of a character that takes two places.
  return whole.length <= most ? whole : `${whole.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}
