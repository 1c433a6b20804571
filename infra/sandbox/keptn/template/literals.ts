import { fromBytes } from './bytes.ts'
import type { GoValue } from './values.ts'

const simple: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
}
const escapeSequence = /\\(?:x([\da-fA-F]{2})|([0-7]{3})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([abfnrtv\\'"]))/y

/**
 * Returns the value of a quoted or raw Go string literal.
 *
 * @throws Error with Go's message if an escape sequence is invalid
 */
export function unquote(literal: string): string {
  const body = literal.slice(1, -1)
  if (literal.startsWith('`')) return body.replaceAll('\r', '')
  const bytes: Buffer[] = []
  let at = 0
  while (at < body.length) {
    if (body[at] !== '\\') {
      const end = body.indexOf('\\', at)
      bytes.push(Buffer.from(body.slice(at, end < 0 ? undefined : end)))
      at = end < 0 ? body.length : end
      continue
    }
    escapeSequence.lastIndex = at
    const found = escapeSequence.exec(body)
    const [sequence, hex, octal, short, long, letter] = found ?? []
    const code = Number.parseInt(hex ?? octal ?? short ?? long ?? '0', octal === undefined ? 16 : 8)
    const other = literal.startsWith('"') ? "'" : '"'
    const byte = hex !== undefined || octal !== undefined
    const bad = code > (byte ? 0xff : 0x10ffff) || (!byte && code >= 0xd800 && code <= 0xdfff)
    if (sequence === undefined || letter === other || bad) throw new Error('invalid syntax')
    if (byte) bytes.push(Buffer.from([code]))
    else bytes.push(Buffer.from(letter === undefined ? String.fromCodePoint(code) : (simple[letter] ?? '')))
    at += sequence.length
  }
  return fromBytes(Buffer.concat(bytes))
}

/** Returns the code of a character constant such as 'a' or '\n'. */
export function characterCode(literal: string): bigint {
  if (literal === "''" || literal === "'''") throw new Error('invalid syntax')
  const body = unquote(literal)
  if ([...body].length !== 1) throw new Error(`malformed character constant: ${literal}`)
  return BigInt(body.codePointAt(0) ?? 0)
}

const integer = /^([+-]?)(0[xX](?:_?[\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0(?:_?[0-7])*|[1-9](?:_?\d)*)$/
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const hexFloat = /^([+-]?)0[xX]([\da-fA-F]*)\.?([\da-fA-F]*)[pP]([+-]?\d+)$/

/**
 * Parses a number like Go: as an int (bigint), unless it is written as a float (number).
 *
 * @throws Error with Go's message if it is neither
 */
export function parseNumber(text: string): GoValue {
  const [, sign, digits] = integer.exec(text) ?? []
  if (digits !== undefined) {
    const clean = digits.replaceAll('_', '').replace(/^0(?=[0-7])/, '0o')
    const value = sign === '-' ? -BigInt(clean) : BigInt(clean)
    if (value >= -(2n ** 63n) && value < 2n ** 63n) return value
    if (sign === '' && value < 2n ** 64n) throw new Error(`${text} overflows int`)
    throw new Error(`integer overflow: "${text}"`)
  }
  const value = decimal.test(text) ? Number(text) : readHexFloat(text)
  if (!Number.isFinite(value)) throw new Error(`illegal number syntax: "${text}"`)
  return value
}

function readHexFloat(text: string): number {
  const [, sign, integer = '', fraction = '', exponent] = hexFloat.exec(text) ?? []
  if (sign === undefined || integer + fraction === '') return Number.NaN
  const value = Number(BigInt(`0x${integer}${fraction}`)) * 2 ** (Number(exponent) - 4 * fraction.length)
  return sign === '-' ? -value : value
}
