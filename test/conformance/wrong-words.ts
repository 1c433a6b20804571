import { isRecord } from '../../shared/record.ts'

/** A connection with one wrong word. */
export interface Mutant {
  /** The field with the wrong word: `open.body`. */
  field: string
  word: string
  connection: Record<string, unknown>
  /**
   * Whether the word can be recognized as wrong: a name, a function, or a field of a response. Texts and the fields of a
   * request are known only to the API, and each result of a run may be missing.
   */
  isNamed: boolean
}

interface Place {
  path: (string | number)[]
  text: string
  isRequest: boolean
}

const TOKEN = /'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|"(?:\\.|[^"\\])*"|[A-Za-z_]\w*/gs
const RESULTS = ['ticket', 'run', 'flag', 'posted', 'indicator']
const OF_RESPONSE = ['at', 'error', 'reason', 'token']
const OF_REQUEST = ['body', 'form', 'multipart', 'text', 'if', 'value']

/** Breaks each word of each expression of a connection, one after the other. */
export function mutantsOf(connection: Record<string, unknown>): Mutant[] {
  return placesIn(connection).flatMap((place) => {
    const isPath = place.path.at(-1) === 'path'
    const parts = isPath ? [...place.text.matchAll(/\{[^{}]+\}/g)] : [{ 0: place.text, index: 0 }]
    return parts.flatMap(({ 0: part, index }) => wordsOf(part, index).map((word) => mutantOf(connection, place, word)))
  })
}

interface Word {
  word: string
  at: number
  isLiteral: boolean
  isKey: boolean
}

function wordsOf(text: string, offset: number): Word[] {
  return [...text.matchAll(TOKEN)].flatMap(({ 0: word, index }) => {
    const rest = text.slice(index + word.length)
    const isLiteral = /^['`]/.test(word)
    // Numbers, lists and empty texts have no words.
    if (isLiteral && !/[A-Za-z]/.test(word)) return []
    return [{ word, at: offset + index, isLiteral, isKey: /^\s*:/.test(rest) }]
  })
}

function mutantOf(connection: Record<string, unknown>, { path, text, isRequest }: Place, word: Word): Mutant {
  const end = word.at + word.word.length
  const isQuoted = /^["'`]/.test(word.word)
  const wrong = isQuoted ? word.word.replace(/([A-Za-z])(?=[^A-Za-z]*$)/, '$1x') : `${word.word}x`
  const changed = structuredClone(connection)
  setAt(changed, path, `${text.slice(0, word.at)}${wrong}${text.slice(end)}`)
  return {
    field: path.join('.'),
    word: word.word,
    connection: changed,
    isNamed: !word.isLiteral && !(isRequest && word.isKey) && !(path.join('.') === 'run.output' && text.includes('{')),
  }
}

/** Matches the field in messages, which write the index of a request in two ways, and may add that of a single request. */
export function fieldPattern(field: string): RegExp {
  const [name = '', ...rest] = field.split('.')
  const isList = /^\d+$/.test(rest[0] ?? '')
  const index = isList ? rest.shift() : undefined
  const position = isList ? `(?:\\.${index}|\\[${index}\\])` : '(?:\\.0)?'
  const fields = rest.map((part) => `\\.${part.replace(/[^\w-]/g, '\\$&')}`)
  return new RegExp(`(?<![\\w.])${name}${position}${fields.join('')}(?![\\w.]\\w)`)
}

function placesIn(connection: Record<string, unknown>): Place[] {
  return Object.entries(connection).flatMap(([name, value]): Place[] => {
    if (OF_RESPONSE.includes(name) && typeof value === 'string' && name !== 'token')
      return [{ path: [name], text: value, isRequest: false }]
    if (RESULTS.includes(name) && isRecord(value))
      return Object.entries(value)
        .filter(([field]) => field !== 'gone')
        .map(([field, text]) => ({ path: [name, field], text: String(text), isRequest: false }))
    if (Array.isArray(value)) return value.flatMap((request, at) => placesOf([name, at], request))
    return placesOf([name], value)
  })
}

function placesOf(path: Place['path'], request: unknown): Place[] {
  if (!isRecord(request) || typeof request['path'] !== 'string') return []
  return Object.entries(request).flatMap(([field, value]): Place[] => {
    const place = { path: [...path, field], text: String(value) }
    if (OF_RESPONSE.includes(field)) return [{ ...place, isRequest: false }]
    if (OF_REQUEST.includes(field) || field === 'path') return [{ ...place, isRequest: true }]
    if ((field !== 'query' && field !== 'headers') || !isRecord(value)) return []
    return Object.entries(value).map(([name, text]) => ({
      path: [...place.path, name],
      text: String(text),
      isRequest: true,
    }))
  })
}

function setAt(target: unknown, [name, ...rest]: (string | number)[], value: string): void {
  const fields = target as Record<string | number, unknown>
  if (name === undefined) return
  if (rest.length === 0) fields[name] = value
  else setAt(fields[name], rest, value)
}
