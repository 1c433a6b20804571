import { isRecord } from '../record.ts'
import { redact, redactDeep } from '../redact.ts'
import { formatInteger } from './format-integer.ts'
import { byteLength } from './plain-text.ts'
import { visible, visibleJson } from './visible.ts'

/** The request that people decide about: each field of the input and of the request on a line of its own, which starts with its name. */
export interface Details {
  /** Says who asks for the approval, and why. */
  text: string
  parts: Part[]
}

export interface Part {
  title: string
  lines: Line[]
  /** How many lines are missing. */
  omitted?: number | undefined
}

/** A line without characters that people cannot see, so that no value can look like another line. */
interface Line {
  /** The complete path of a field, or our own text. Values never start a line. */
  name: string
  value: string
  /** The length of the complete value, if it is cut. */
  length?: number | undefined
}

/** Bytes of JSON. The table and a step accept more, together with the rest of the approval. */
const MAX_STORED = 120_000
/** The lengths to which values are cut, until all lines fit. */
const LENGTHS = [20_000, 5_000, 1_000, 300, 100, 40, 0]
/** Cutting a value adds about as much. */
const SHORT = 30

/** Returns the details as they are stored: complete, unless they are extremely large. */
export function storedDetails(text: string, parts: readonly Part[]): Details {
  return { text, parts: fitParts(parts, (fitting) => byteLength(JSON.stringify(fitting)) <= MAX_STORED) }
}

/** Returns a value as one line for each field. A list of plain values is one line. */
export function partOf(title: string, value: unknown): Part {
  return limited(title, linesOf(redactDeep(value), ''))
}

/** Returns a request as one line for each part of its query and its body. */
export function requestPart(title: string, request: string): Part {
  const end = request.indexOf('\n')
  const [head, body] = end < 0 ? [request] : [request.slice(0, end), request.slice(end + 1)]
  return limited(title, [...headLines(redact(head)), ...(body === undefined ? [] : bodyLines(redact(body)))])
}

/** Returns a part with a text of our own. */
export function notePart(title: string, note: string): Part {
  return { title, lines: [{ name: '', value: visible(redact(note)) }] }
}

/**
 * Cuts values and, if that is not enough, omits lines, until the parts fit. The short values come first then.
 *
 * @param fits whether parts are small enough
 */
export function fitParts(parts: readonly Part[], fits: (parts: Part[]) => boolean): Part[] {
  let shown = [...parts]
  for (const length of LENGTHS) {
    if (fits(shown)) return shown
    shown = parts.map((part) => cutValues(part, length))
  }
  for (let count = Math.max(...shown.map(({ lines }) => lines.length)); count > 0 && !fits(shown); ) {
    count = Math.floor(count * 0.9)
    shown = shown.map((part) => omitLines(part, count))
  }
  return shown
}

/** Returns parts as paragraphs. */
export function textOf(parts: readonly Part[]): string {
  const paragraphs = parts.map(({ title, lines, omitted = 0 }) => [
    `${title}:`,
    ...lines.map((line) => `${line.name}${line.value}${lengthOf(line)}`),
    ...(omitted > 0 ? [`and ${formatInteger(omitted)} more, which are not shown here`] : []),
  ])
  return paragraphs.map((lines) => lines.join('\n')).join('\n\n')
}

/** Returns what parts do not show. Undefined if they are complete. */
export function missingIn(parts: readonly Part[]): string | undefined {
  const cut = parts.flatMap(({ lines }) => lines).filter(({ length }) => length !== undefined).length
  const omitted = parts.reduce((sum, part) => sum + (part.omitted ?? 0), 0)
  const missing = [
    ...(cut > 0 ? [`${formatInteger(cut)} ${cut === 1 ? 'value is' : 'values are'} cut`] : []),
    ...(omitted > 0 ? [`${formatInteger(omitted)} ${omitted === 1 ? 'field is' : 'fields are'} missing`] : []),
  ]
  return missing.length === 0 ? undefined : missing.join(', and ')
}

/** Describes the length of a value that is cut. It is outside of the quotes, so that no value can contain it. */
export function lengthOf({ length }: Line): string {
  return length === undefined ? '' : ` (${formatInteger(length)} characters)`
}

function* linesOf(value: unknown, path: string): Generator<Line> {
  const isList = Array.isArray(value)
  const fields = isList ? value.map((item, index) => [`[${index}]`, item] as const) : fieldsOf(value, path)
  if (fields.length === 0 || (isList && !value.some((item) => typeof item === 'object' && item !== null)))
    yield { name: path && `${path}: `, value: visibleJson(value) }
  else for (const [name, field] of fields) yield* linesOf(field, `${path}${name}`)
}

function fieldsOf(value: unknown, path: string): (readonly [name: string, value: unknown])[] {
  const fields = isRecord(value) ? Object.entries(value).filter(([, field]) => field !== undefined) : []
  return fields.map(([name, field]) => [`${path && '.'}${visibleJson(name)}`, field] as const)
}

function headLines(head: string): Line[] {
  const [method = '', url = ''] = head.split(' ', 2)
  const [address = '', ...query] = url.split('?')
  const parameters = [...new URLSearchParams(query.join('?'))]
  return [
    { name: `${visible(method)} `, value: visible(address) },
    ...parameters.map(([name, value]) => ({ name: `?${visibleJson(name)}: `, value: visibleJson(value) })),
  ]
}

function bodyLines(body: string): Iterable<Line> {
  const json = parseUnchanged(body)
  if (json !== undefined) return linesOf(json, '')
  if (/^[^\s=&{}<>]+=[^\s=&]*(?:&[^\s=&]+=[^\s=&]*)*$/.test(body))
    return [...new URLSearchParams(body)].map(([name, value]) => ({
      name: `${visibleJson(name)}: `,
      value: visibleJson(value),
    }))
  return body.split('\n').map((line) => ({ name: '', value: visibleJson(line) }))
}

/** Returns what JSON contains, unless a name is there twice or a number is rounded: people must see what is sent. */
function parseUnchanged(body: string): unknown {
  try {
    const value: unknown = JSON.parse(body)
    return JSON.stringify(value) === body && typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** Counts the lines that could not be stored, instead of keeping all of them in memory. */
function limited(title: string, all: Iterable<Line>): Part {
  const lines: Line[] = []
  let [omitted, size] = [0, 0]
  for (const line of all) {
    size += line.name.length
    if (size > MAX_STORED) omitted++
    else lines.push(line)
  }
  return { title, lines, ...(omitted > 0 ? { omitted } : {}) }
}

function cutValues(part: Part, maxLength: number): Part {
  const lines = part.lines.map((line) => cutValue(line, maxLength))
  const isCut = (line: Line) => line.length !== undefined
  return { ...part, lines: [...lines.filter((line) => !isCut(line)), ...lines.filter(isCut)] }
}

function cutValue({ name, value, length }: Line, maxLength: number): Line {
  if (value.length <= maxLength + SHORT) return { name, value, length }
  const quote = value.startsWith('"') ? '"' : ''
  // Does not cut surrogate pairs.
  const start = value.slice(0, maxLength + quote.length).replace(/[\uD800-\uDBFF]$/, '')
  return { name, value: `${start}…${quote}`, length: length ?? value.length - 2 * quote.length }
}

function omitLines(part: Part, maxLines: number): Part {
  const sizeOf = ({ name, value }: Line) => name.length + value.length
  const lines = [...part.lines].sort((one, other) => sizeOf(one) - sizeOf(other)).slice(0, maxLines)
  return { ...part, lines, omitted: (part.omitted ?? 0) + part.lines.length - lines.length }
}
