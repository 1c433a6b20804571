import { strayByte } from './bytes.ts'
import { entries, type GoValue, isList, typeName } from './values.ts'

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u

/** Go's unicode.IsPrint: visible characters and the ASCII space. */
export const isPrintable = (character: string): boolean => printable.test(character)

/** Go's %#U: `U+002D '-'`. */
export function codePoint(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return isPrintable(character) ? `U+${hex} '${character}'` : `U+${hex}`
}

const named: Record<string, string> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
}

/** Go's %q: a string in quotes with Go's escapes. */
export function quote(text: string, delimiter = '"', asciiOnly = false): string {
  let quoted = ''
  for (const character of text) {
    const stray = strayByte(character)
    const code = character.codePointAt(0) ?? 0
    if (stray !== undefined) quoted += `\\x${stray.toString(16)}`
    else if (character === delimiter) quoted += `\\${delimiter}`
    else if (named[character]) quoted += named[character]
    else if (isPrintable(character) && (code < 0x80 || !asciiOnly)) quoted += character
    else if (code < 0x80) quoted += `\\x${code.toString(16).padStart(2, '0')}`
    else if (code < 0x10000) quoted += `\\u${code.toString(16).padStart(4, '0')}`
    else quoted += `\\U${code.toString(16).padStart(8, '0')}`
  }
  return delimiter + quoted + delimiter
}

/** The decimal digits of a number and the position of its point: 0.digits x 10^point. */
interface Decimal {
  digits: string
  point: number
}

function shortest(size: number): Decimal {
  const [mantissa = '0', exponent = '0'] = size.toExponential().split('e')
  if (size === 0) return { digits: '', point: 0 }
  return { digits: mantissa.replace('.', ''), point: Number(exponent) + 1 }
}

/** The exact value of a float64: it always has a finite decimal expansion. */
function exact(size: number): Decimal {
  if (size === 0) return { digits: '', point: 0 }
  const { mantissa, exponent } = bitsOf(size)
  const digits = (exponent >= 0 ? mantissa << BigInt(exponent) : mantissa * 5n ** BigInt(-exponent)).toString()
  return { digits, point: digits.length + Math.min(exponent, 0) }
}

/** Rounds to the given number of digits. Ties round to even. */
function round({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point }
  if (count < 0) return { digits: '', point: 0 }
  const head = digits.slice(0, count)
  const rest = digits.slice(count)
  const half = `5${'0'.repeat(rest.length - 1)}`
  const up = rest > half || (rest === half && Number(head.at(-1) ?? '0') % 2 === 1)
  if (!up) return { digits: head, point: count === 0 ? 0 : point }
  const raised = (BigInt(head || '0') + 1n).toString()
  return { digits: raised, point: point + Math.max(raised.length - count, 0) }
}

function exponential({ digits, point }: Decimal, precision: number): string {
  const exponent = digits === '' ? 0 : point - 1
  const tail = digits.slice(1, precision + 1).padEnd(precision, '0')
  const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  return `${digits[0] ?? '0'}${precision > 0 ? `.${tail}` : ''}e${power}`
}

function fixed({ digits, point }: Decimal, precision: number): string {
  const integer = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0'
  const tail = '0'.repeat(Math.max(-point, 0)) + digits.slice(Math.max(point, 0))
  return precision > 0 ? `${integer}.${tail.slice(0, precision).padEnd(precision, '0')}` : integer
}

/** Returns the mantissa of a float64 with the leading 1, and the exponent of its last bit. */
function bitsOf(size: number): { mantissa: bigint; exponent: number } {
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, size)
  const raw = bits.getBigUint64(0)
  const biased = Number((raw >> 52n) & 0x7ffn)
  const fraction = raw & 0xfffffffffffffn
  const mantissa = biased === 0 ? fraction : fraction | 0x10000000000000n
  return { mantissa, exponent: Math.max(biased, 1) - 1075 }
}

/** Go's format b: the mantissa and its power of two. */
function binary(size: number): string {
  const { mantissa, exponent } = bitsOf(size)
  return `${mantissa}p${exponent < 0 ? '' : '+'}${exponent}`
}

/** Go's format x: hexadecimal digits and a power of two. Rounds a tie to the even digit. */
function hexadecimal(size: number, precision?: number): string {
  const bits = bitsOf(size)
  const length = bits.mantissa.toString(2).length
  // One digit before the point, and 13 after it.
  let mantissa = size === 0 ? 0n : bits.mantissa << BigInt(53 - length)
  let exponent = size === 0 ? 0 : bits.exponent + length - 1
  if (precision !== undefined && precision < 13) {
    const dropped = BigInt(4 * (13 - precision))
    const half = 1n << (dropped - 1n)
    const rest = mantissa & ((1n << dropped) - 1n)
    const head = mantissa >> dropped
    mantissa = (head + (rest > half || (rest === half && head % 2n === 1n) ? 1n : 0n)) << dropped
    if (mantissa >> 53n) {
      mantissa >>= 1n
      exponent += 1
    }
  }
  const digits = mantissa.toString(16).padStart(14, '0')
  const fraction =
    precision === undefined
      ? digits.slice(1).replace(/0+$/, '')
      : digits.slice(1).padEnd(precision, '0').slice(0, precision)
  const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  return `0x${digits[0]}${fraction && `.${fraction}`}p${power}`
}

/** Go's strconv.FormatFloat for the formats b, e, f, g and x. Without precision, uses the fewest digits that identify the number. */
export function formatFloat(value: number, format: 'b' | 'e' | 'f' | 'g' | 'x', precision?: number): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
  const size = Math.abs(value)
  if (format === 'b') return sign + binary(size)
  if (format === 'x') return sign + hexadecimal(size, precision)
  const unrounded = precision === undefined ? shortest(size) : exact(size)
  if (format === 'e') {
    const decimal = precision === undefined ? unrounded : round(unrounded, precision + 1)
    return sign + exponential(decimal, precision ?? Math.max(decimal.digits.length - 1, 0))
  }
  if (format === 'f') {
    const decimal = precision === undefined ? unrounded : round(unrounded, unrounded.point + precision)
    return sign + fixed(decimal, precision ?? Math.max(decimal.digits.length - decimal.point, 0))
  }
  const wanted = precision === 0 ? 1 : precision
  const decimal = wanted === undefined ? unrounded : round(unrounded, wanted)
  const digits = decimal.digits.replace(/0+$/, '')
  const count = digits.length
  const limit = wanted === undefined ? 6 : wanted > count && count >= decimal.point ? count : wanted
  const exponent = decimal.point - 1
  if (exponent < -4 || exponent >= limit) {
    return sign + exponential({ digits, point: decimal.point }, Math.max(count - 1, 0))
  }
  return sign + fixed({ digits, point: decimal.point }, Math.max(count - decimal.point, 0))
}

/** Go's %v: formats a value that a template prints. */
export function formatValue(value: GoValue): string {
  if (value === null) return '<nil>'
  if (typeof value === 'number') return formatFloat(value, 'g')
  if (typeof value !== 'object') return String(value)
  if (isList(value)) return `[${value.map(formatValue).join(' ')}]`
  return `map[${entries(value)
    .map(([key, member]) => `${key}:${formatValue(member)}`)
    .join(' ')}]`
}

/** Go's %#v: formats a value as Go source. */
export function formatSource(value: GoValue, nested = false): string {
  if (value === null) return nested ? 'interface {}(nil)' : '<nil>'
  if (typeof value === 'string') return quote(value)
  if (typeof value !== 'object') return formatValue(value)
  const members = isList(value)
    ? value.map((member) => formatSource(member, true))
    : entries(value).map(([key, member]) => `${quote(key)}:${formatSource(member, true)}`)
  return `${typeName(value)}{${members.join(', ')}}`
}

/** Go's fmt.Sprint: adds a space between two operands if neither is a string. */
export function sprint(values: readonly GoValue[]): string {
  return values.reduce<string>((text, value, at) => {
    const apart = at > 0 && typeof value !== 'string' && typeof values[at - 1] !== 'string'
    return text + (apart ? ' ' : '') + formatValue(value)
  }, '')
}
