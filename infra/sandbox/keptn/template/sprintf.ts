import { toBytes } from './bytes.ts'
import { formatFloat, formatSource, formatValue, quote } from './format.ts'
import { entries, type GoValue, isList, typeName } from './values.ts'

interface Spec {
  minus: boolean
  plus: boolean
  sharp: boolean
  /** `%#v`: formats the value as Go source. */
  source: boolean
  space: boolean
  zero: boolean
  width?: number
  precision?: number
}

const directive =
  /%(?<flags>[#0+\- ]*)(?<width>(?:\[\d*\])?\*|\d+)?(?<precision>\.(?:(?:\[\d*\])?\*|\d*))?(?<index>\[[^\]%]*\])?(?<verb>[\s\S])?/uy

/**
 * Go's fmt.Sprintf, including its output for invalid verbs and for missing and extra arguments. webhook-service uses parts of
 * a command as a format, so a percent sign in a payload is formatted, too.
 */
export function sprintf(format: string, args: readonly GoValue[]): string {
  let text = ''
  let at = 0
  let next = 0
  let reordered = false

  const indexed = (bracket: string | undefined): boolean => {
    const number = /\[(\d+)\]/.exec(bracket ?? '')?.[1]
    if (number === undefined) return false
    reordered = true
    next = Number(number) - 1
    return next >= 0 && next < args.length
  }
  const starred = (part: string): number | undefined => {
    if (part.includes('[')) indexed(part)
    const value = args[next++]
    return typeof value === 'bigint' && value > -1_000_000n && value < 1_000_000n ? Number(value) : undefined
  }

  while (at < format.length) {
    const percent = format.indexOf('%', at)
    if (percent < 0) break
    text += format.slice(at, percent)
    directive.lastIndex = percent
    const groups = directive.exec(format)?.groups ?? {}
    at = directive.lastIndex
    const spec = parseFlags(groups['flags'] ?? '')
    if (groups['width']?.endsWith('*')) {
      const width = starred(groups['width'])
      if (width === undefined) text += '%!(BADWIDTH)'
      else Object.assign(spec, { width: Math.abs(width) }, width < 0 ? { minus: true, zero: false } : {})
    } else if (groups['width']) spec.width = Number(groups['width'])
    if (groups['precision']?.endsWith('*')) {
      const precision = starred(groups['precision'])
      if (precision === undefined) text += '%!(BADPREC)'
      else if (precision >= 0) spec.precision = precision
    } else if (groups['precision']) spec.precision = Number(groups['precision'].slice(1))

    const tooLarge = (spec.width ?? 0) > 1_000_000 || (spec.precision ?? 0) > 1_000_000
    const verb = tooLarge ? undefined : groups['verb']
    if (tooLarge) at = format.length
    if (verb === undefined) text += '%!(NOVERB)'
    else if (verb === '%') text += '%'
    else if (groups['index'] !== undefined && !indexed(groups['index'])) text += `%!${verb}(BADINDEX)`
    else if (next >= args.length) text += `%!${verb}(MISSING)`
    else text += print(args[next++] ?? null, verb, verb === 'v' ? sourceSpec(spec) : spec)
  }
  text += format.slice(at)
  return reordered || next >= args.length ? text : text + describeExtra(args.slice(next))
}

function parseFlags(flags: string): Spec {
  return {
    minus: flags.includes('-'),
    plus: flags.includes('+'),
    sharp: flags.includes('#'),
    source: false,
    space: flags.includes(' '),
    zero: flags.includes('0') && !flags.includes('-'),
  }
}

function describeExtra(args: readonly GoValue[]): string {
  const described = args.map((value) => (value === null ? '<nil>' : `${typeName(value)}=${formatValue(value)}`))
  return `%!(EXTRA ${described.join(', ')})`
}

/** For `%v` the flags + and # have another meaning: they do not affect the sign and the form of a number. */
const sourceSpec = (spec: Spec): Spec => ({ ...spec, plus: false, sharp: false, source: spec.sharp })

function print(value: GoValue, verb: string, spec: Spec): string {
  if (verb === 'T') return pad(typeName(value), spec)
  if (verb === 'v' && spec.source) return pad(formatSource(value), spec)
  if (value === null) return verb === 'v' ? pad('<nil>', spec) : wrongVerb(value, verb, spec)
  if (typeof value === 'string') return printString(value, verb, spec)
  if (typeof value === 'number') return printFloat(value, verb, spec)
  if (typeof value === 'bigint') return printInteger(value, verb, spec)
  if (typeof value === 'boolean')
    return verb === 'v' || verb === 't' ? pad(String(value), spec) : wrongVerb(value, verb, spec)
  if (verb === 'p') return wrongVerb(value, verb, spec)
  const member = (of: GoValue): string => (of === null ? '<nil>' : print(of, verb, spec))
  if (isList(value)) return `[${value.map(member).join(' ')}]`
  const pairs = entries(value).map(([key, of]) => `${print(key, verb, spec)}:${member(of)}`)
  return `map[${pairs.join(' ')}]`
}

/** Formats a value with an invalid verb. Width and precision apply to the value: `%.0f` of a string prints an empty one. */
function wrongVerb(value: GoValue, verb: string, spec: Spec): string {
  const shown = value === null ? '<nil>' : `${typeName(value)}=${print(value, 'v', spec)}`
  return `%!${verb}(${shown})`
}

function pad(text: string, spec: Spec): string {
  const missing = (spec.width ?? 0) - [...text].length
  if (missing <= 0) return text
  if (spec.minus) return text + ' '.repeat(missing)
  return (spec.zero ? '0' : ' ').repeat(missing) + text
}

function printString(value: string, verb: string, spec: Spec): string {
  const cut = spec.precision === undefined ? value : [...value].slice(0, spec.precision).join('')
  if (verb === 'v' || verb === 's') return pad(cut, spec)
  if (verb === 'q') {
    const raw = spec.sharp && !/[`\p{Cc}]/u.test(cut)
    return pad(raw ? `\`${cut}\`` : quote(cut, '"', spec.plus), spec)
  }
  if (verb === 'x' || verb === 'X') {
    const bytes = toBytes(value).subarray(0, spec.precision)
    const prefix = spec.sharp ? '0x' : ''
    const pairs = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'))
    const hex = spec.space
      ? pairs.map((pair) => prefix + pair).join(' ')
      : (pairs.length > 0 ? prefix : '') + pairs.join('')
    return pad(verb === 'X' ? hex.toUpperCase() : hex, spec)
  }
  return wrongVerb(value, verb, spec)
}

/** Puts the sign before padding zeros. */
function padNumber(sign: string, digits: string, spec: Spec): string {
  if (spec.zero && spec.width !== undefined) return sign + digits.padStart(spec.width - sign.length, '0')
  return pad(sign + digits, spec)
}

const signOf = (negative: boolean, spec: Spec): string => (negative ? '-' : spec.plus ? '+' : spec.space ? ' ' : '')

const FLOAT_FORMATS: Record<string, 'b' | 'e' | 'f' | 'g' | 'x'> = {
  v: 'g',
  b: 'b',
  e: 'e',
  E: 'e',
  f: 'f',
  F: 'f',
  g: 'g',
  G: 'g',
  x: 'x',
  X: 'x',
}

function printFloat(value: number, verb: string, spec: Spec): string {
  const format = FLOAT_FORMATS[verb]
  if (format === undefined) return wrongVerb(value, verb, spec)
  const text = formatFloat(value, format, spec.precision ?? (format === 'e' || format === 'f' ? 6 : undefined))
  const negative = text.startsWith('-')
  const size = text.replace(/^[+-]/, '')
  const digits = spec.sharp && format !== 'b' ? withPoint(size, format, spec.precision) : size
  return padNumber(signOf(negative, spec), 'EGX'.includes(verb) ? digits.toUpperCase() : digits, spec)
}

/** Applies the flag #: always prints a decimal point, and for g and x as many digits as the precision (default: 6). */
function withPoint(size: string, format: string, precision = 6): string {
  const [, number = size, tail = ''] = (format === 'x' ? /^(.*?)(p.*)$/ : /^(.*?)(e.*)$/).exec(size) ?? []
  const pointed = number.includes('.') ? number : `${number}.`
  if (format !== 'g' && format !== 'x') return pointed + tail
  const significant = number === '0' ? 1 : number.replace(/^[0.]+|\./g, '').length
  return pointed + '0'.repeat(Math.max(precision - significant, 0)) + tail
}

const bases: Record<string, [radix: number, prefix: string]> = {
  d: [10, ''],
  v: [10, ''],
  b: [2, '0b'],
  o: [8, '0'],
  O: [8, '0o'],
  x: [16, '0x'],
  X: [16, '0X'],
}

function printInteger(value: bigint, verb: string, spec: Spec): string {
  const base = bases[verb]
  if (base) {
    const [radix, prefix] = base
    const size = (value < 0n ? -value : value).toString(radix).padStart(spec.precision ?? 0, '0')
    const digits = verb === 'X' ? size.toUpperCase() : size
    const sign = signOf(value < 0n, spec) + (verb === 'O' || spec.sharp ? prefix : '')
    return padNumber(sign, digits, spec.precision === undefined ? spec : { ...spec, zero: false })
  }
  const known = value >= 0n && value <= 0x10ffffn && !(value >= 0xd800n && value <= 0xdfffn)
  const character = known ? String.fromCodePoint(Number(value)) : '\ufffd'
  if (verb === 'c') return pad(character, spec)
  if (verb === 'q') return pad(quote(character, "'", spec.plus), spec)
  if (verb === 'U')
    return pad(`U+${value.toString(16).toUpperCase().padStart(4, '0')}${spec.sharp ? ` '${character}'` : ''}`, spec)
  return wrongVerb(value, verb, spec)
}
