/** The matchers of each secret that the current invocation has read. */
let current = new Map<string, Matcher[]>()
/** The matchers of the previous invocation. Most calls read the same secrets, and preparing matchers takes time. */
let previous = new Map<string, Matcher[]>()
/** The search for the current secrets. Undefined after a change, until it is used. */
let search: Search | undefined
/** Searches by their secrets: most invocations of an environment read the same ones, and compiling takes time. */
const searches = new Map<string, Search>()
const MAX_SEARCHES = 50

/** Shorter values would mask ordinary words. Connection schemas refuse shorter secrets. */
export const MIN_SECRET_LENGTH = 6
/** Secrets of at least this length are matched regardless of case, and by their first characters alone. */
const LONG_SECRET_LENGTH = 16
/** The first characters that identify a long secret. */
const PREFIX_LENGTH = 12

const MASK = '***'

/** Finds a set of secrets. */
interface Search {
  /** Longest first, because one secret may contain another, as a URL contains its token. */
  matchers: Matcher[]
  /** Matches the needle of any matcher. One pass is enough for most texts, which contain no secret. */
  anyNeedle: RegExp
}

/** Matches one encoding of a secret. */
interface Matcher {
  form: string
  ignoresCase: boolean
  /** The longest run of letters and digits, in lower case. A text without it cannot match. */
  needle: string
  /** Compiled when first used. */
  pattern?: RegExp
  /** The complete secret, if the form is only its first characters. */
  secret?: string
}

/**
 * Clears the secrets at the start of an invocation, so that the credentials of one connection never change the texts of a call
 * that uses another. A Lambda environment runs one invocation at a time.
 */
export function clearSecrets(): void {
  previous = current
  current = new Map()
  search = undefined
}

/**
 * Registers a secret until the invocation ends. Logs, responses, events and step results pass `redact`, so a platform that
 * echoes a token in an error does not publish it.
 */
export function registerSecret(value: string): void {
  if (value.length < MIN_SECRET_LENGTH || current.has(value)) return
  current.set(value, previous.get(value) ?? matchersOf(value))
  search = undefined
  const [, basic] = /^Basic +([\w+/=-]+)$/i.exec(value) ?? []
  if (basic === undefined) return
  registerSecret(basic)
  // The password, without the user name.
  registerSecret(
    Buffer.from(basic, 'base64')
      .toString('utf8')
      .replace(/^[^:]*:/, ''),
  )
}

/** Returns whether the name of a header implies that its value is a credential. */
export function isCredential(name: string): boolean {
  return /auth|cookie|credential|key|passw|secret|session|signature|token/i.test(name)
}

function matchersOf(value: string): Matcher[] {
  const bytes = Buffer.from(value)
  const ignoresCase = value.length >= LONG_SECRET_LENGTH
  const forms = new Set([value, ...base64Of(bytes)].filter(({ length }) => length >= MIN_SECRET_LENGTH))
  const complete = [...forms].map((form) => matcherOf(form, ignoresCase))
  const hex = matcherOf(bytes.toString('hex'), true)
  if (!hasUniquePrefix(value)) return [...complete, hex]
  return [...complete, hex, { ...matcherOf(value.slice(0, PREFIX_LENGTH), true), secret: value }]
}

/**
 * Returns the base64 forms of a value, alone and within a longer text such as `user:token`. The latter depend on the number of
 * preceding bytes, and contain only the characters that depend on nothing but the value.
 */
function base64Of(bytes: Buffer): string[] {
  const parts = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
  })
  return [bytes.toString('base64'), bytes.toString('base64').replaceAll('=', ''), ...parts]
}

/** Returns whether a value starts with random characters. URLs, PEM files and words start like ordinary text. */
function hasUniquePrefix(value: string): boolean {
  const prefix = value.slice(0, PREFIX_LENGTH)
  const isRandom = /\d/.test(prefix) || (/[a-z]/.test(prefix) && /[A-Z]/.test(prefix))
  return value.length >= LONG_SECRET_LENGTH && isRandom && !/\s/.test(prefix) && !/^[a-z][a-z\d+.-]*:\/\//i.test(value)
}

function matcherOf(form: string, ignoresCase: boolean): Matcher {
  const needle = (form.match(/[a-z\d]+/gi) ?? []).reduce((a, b) => (b.length > a.length ? b : a), '')
  return { form, ignoresCase, needle: needle.toLowerCase() }
}

/** Returns a pattern that matches letters and digits verbatim, and the characters between them in every encoding. */
function patternOf({ form, ignoresCase }: Matcher): RegExp {
  const source = form.replace(/[^a-z\d]+/gi, (symbols) => `(?:${encodingsOf(symbols).map(escapeRegExp).join('|')})`)
  return new RegExp(source, ignoresCase ? 'gi' : 'g')
}

/** Returns symbols as URLs, forms, JSON, HTML and base64url encode them, longest first. Some encoders run twice, some escape more. */
function encodingsOf(symbols: string): string[] {
  // Half of a surrogate pair cannot be encoded.
  const text = symbols.toWellFormed()
  const percent = [encodeURIComponent(text), encodeURI(text), new URLSearchParams({ '': text }).toString().slice(1)]
  const escaped = [...new Set([symbols, jsonOf(symbols)])].flatMap((json) => [
    json,
    json.replaceAll('/', '\\/'),
    ...[/[\u007f-\uffff]/g, /[<>&\u007f-\uffff]/g, /[<>&'"\u007f-\uffff]/g].map((escapable) =>
      json.replace(escapable, unicodeEscape),
    ),
  ])
  const entities = [/[&<>"']/g, /[^\s\w]/gu].flatMap((escapable) => [
    text.replace(escapable, (symbol) => NAMED_ENTITIES[symbol] ?? symbol),
    text.replace(escapable, (symbol) => `&#${symbol.codePointAt(0)};`),
    text.replace(escapable, (symbol) => `&#x${symbol.codePointAt(0)?.toString(16)};`),
  ])
  const base64url = symbols.replaceAll('+', '-').replaceAll('/', '_')
  const all = [
    symbols,
    ...percent,
    ...percent.map(encodeURIComponent),
    ...escaped,
    ...escaped.map(jsonOf),
    ...entities,
    base64url,
  ]
  // Hexadecimal digits can have either case. (?i:..) is not reliable in V8.
  const lower = all.map((form) => form.toLowerCase())
  const upper = all.map((form) => form.replace(/(?<=&#x|\\u)[\da-f]+/g, (digits) => digits.toUpperCase()))
  return [...new Set([...all, ...lower, ...upper])].sort((a, b) => b.length - a.length)
}

const NAMED_ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function jsonOf(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/** Matches the signature at the end of an approval link. The task id before it is not secret. */
const approvalSignature = /\.(?<=[\da-f]{40}\.)[\da-z]{1,10}\.[\da-f]{16,64}/gi

/** Replaces each secret of this invocation, and each signature of an approval link, with `***`. */
export function redact(text: string): string {
  return maskSecrets(text.replace(approvalSignature, `.${MASK}`))
}

/** How many texts were masked. */
let masks = 0

/** Returns how often a text contained a secret so far: a difference shows that one was masked in between. */
export function countMasks(): number {
  return masks
}

function maskSecrets(text: string): string {
  let masked = text
  // The texts around a mask may form a secret together with it, so repeat until nothing changes.
  for (let before = ''; masked !== before && mayMatch(masked); ) {
    before = masked
    for (const matcher of currentSearch().matchers) masked = replaceIn(masked, matcher)
  }
  if (masked !== text) masks++
  return masked
}

function mayMatch(text: string): boolean {
  return current.size > 0 && currentSearch().anyNeedle.test(text.toLowerCase())
}

function currentSearch(): Search {
  if (search) return search
  // No secret contains the character NUL.
  const key = [...current.keys()].join('\0')
  search = searches.get(key)
  if (search) return search
  const matchers = [...current.values()].flat().sort((a, b) => b.form.length - a.form.length)
  search = { matchers, anyNeedle: new RegExp([...new Set(matchers.map(({ needle }) => needle))].join('|')) }
  if (searches.size >= MAX_SEARCHES) searches.clear()
  searches.set(key, search)
  return search
}

function replaceIn(text: string, matcher: Matcher): string {
  if (text.length < matcher.form.length) return text
  matcher.pattern ??= patternOf(matcher)
  const { pattern, secret } = matcher
  if (secret === undefined) return text.replace(pattern, MASK)
  let masked = ''
  let rest = text
  for (let index = rest.search(pattern); index >= 0; index = rest.search(pattern)) {
    let length = matcher.form.length
    while (isSameLetter(rest[index + length], secret[length])) length++
    masked += `${rest.slice(0, index)}${MASK}`
    rest = rest.slice(index + length)
  }
  return masked + rest
}

function isSameLetter(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && a.toLowerCase() === b?.toLowerCase()
}

/**
 * Returns a value as JSON with the secrets in all texts masked.
 *
 * Most lines contain none, which a search of the complete text shows: its escapes never split letters and digits, of which the
 * searched parts of secrets consist.
 */
export function toMaskedJson(value: unknown): string {
  const text = JSON.stringify(value)
  if (!mayMatch(text) && text.search(approvalSignature) < 0) return toTerminalJson(text)
  return toTerminalJson(JSON.stringify(value, (_name, item) => (typeof item === 'string' ? redact(item) : item)))
}

/** Returns JSON that a terminal shows unchanged: some terminals obey the control characters that JSON does not escape. */
export function toTerminalJson(json: string): string {
  return json.replace(/[\u007f-\u009f]/g, (control) => `\\u00${control.charCodeAt(0).toString(16)}`)
}

/** Returns a copy of a JSON value with the secrets in all texts and property names masked. */
export function redactDeep<T>(value: T): T {
  if (typeof value === 'string') return redact(value) as T
  if (Array.isArray(value)) return value.map(redactDeep) as T
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [redact(name), redactDeep(item)])) as T
  }
  return value
}

/** Returns whether a text or property name in a JSON value contains a secret of this invocation. */
export function containsSecret(value: unknown): boolean {
  if (typeof value === 'string') return maskSecrets(value) !== value
  if (value === null || typeof value !== 'object') return false
  return Object.entries(value).some(([name, item]) => containsSecret(name) || containsSecret(item))
}
