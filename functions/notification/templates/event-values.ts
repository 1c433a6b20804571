import { isRecord } from '../../../shared/record.ts'
import { clipSingleLine, singleLine } from '../../../shared/text/single-line.ts'

// Values of events have no guaranteed type. Forms contain numbers as text, and lists as objects with numeric names.

/** Returns text, numbers and booleans on one line; undefined for other values. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return singleLine(value) || undefined
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'number' && Number.isFinite(value) ? formatNumber(value) : undefined
}

/** Returns a number, also from text. */
export function numberOf(value: unknown): number | undefined {
  const numeric = typeof value === 'string' && /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value) ? Number(value) : value
  return typeof numeric === 'number' && Number.isFinite(numeric) ? numeric : undefined
}

/** Returns a list. A single value becomes a list of one. */
export function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  if (isRecord(value)) return Object.keys(value).every((name) => /^\d+$/.test(name)) ? Object.values(value) : []
  return value === undefined || value === null ? [] : [value]
}

/** Returns the objects of a list. */
export function recordsOf(value: unknown): Record<string, unknown>[] {
  return listOf(value).filter(isRecord)
}

/** Rounds a number to four significant digits, but never rounds the integer part. */
export function formatNumber(number: number): string {
  return String(Math.abs(number) >= 1_000 ? Math.round(number) : Number(number.toPrecision(4)))
}

/** Formats seconds in the two largest units: `8 min 30 s`. */
export function formatElapsed(seconds: number): string {
  const total = Math.round(seconds)
  const parts = [
    { unit: 'd', count: Math.floor(total / 86_400) },
    { unit: 'h', count: Math.floor(total / 3_600) % 24 },
    { unit: 'min', count: Math.floor(total / 60) % 60 },
    { unit: 's', count: total % 60 },
  ]
  const largest = parts.findIndex(({ count }) => count > 0)
  if (largest === -1) return `${formatNumber(seconds)} s`
  return parts
    .slice(largest, largest + 2)
    .filter(({ count }) => count > 0)
    .map(({ unit, count }) => `${count} ${unit}`)
    .join(' ')
}

const UTC_TIME = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/

/** Returns start, end and length of a period. Times that are not in UTC are shown unchanged. */
export function periodOf(start: unknown, end: unknown): string | undefined {
  const [from, to] = [textOf(start), textOf(end)]
  if (from === undefined || to === undefined) return undefined
  const [first, last] = [UTC_TIME.exec(from), UTC_TIME.exec(to)]
  if (!first || !last) return `${clipSingleLine(from, 40)} to ${clipSingleLine(to, 40)}`
  const seconds = (Date.parse(`${last[1]}T${last[2]}Z`) - Date.parse(`${first[1]}T${first[2]}Z`)) / 1_000
  const length = seconds > 0 ? ` (${formatElapsed(seconds)})` : ''
  return `${first[1]} ${first[2]} to ${first[1] === last[1] ? '' : `${last[1]} `}${last[2]} UTC${length}`
}

const NAMES = new Map([
  ['deploymentstrategy', 'Strategy'],
  ['teststrategy', 'Strategy'],
  ['deploymentNames', 'Deployments'],
  ['gitCommit', 'Commit'],
])

/** Converts an identifier to words: `failedStage` to `Failed stage`, `reportURL` to `Report URL`. */
export function humanName(name: string): string {
  const separated = name
    .replace(/[-_.]+/g, ' ')
    .replace(/(?<=[a-z\d])[A-Z](?=([A-Z])?)/g, (letter, acronym) => ` ${acronym ? letter : letter.toLowerCase()}`)
  const words = singleLine(separated)
  return NAMES.get(name) ?? words.charAt(0).toUpperCase() + words.slice(1)
}
