/** The matchers of each secret that the current invocation has read. */
let current = new Map<string, Matcher[]>()
/** Those of the previous invocation: most calls read the same secrets, and preparing matchers takes time. */
let previous = new Map<string, Matcher[]>()
/** All current matchers, longest first: one secret may contain another, as a URL contains its token. */
let matchers: Matcher[] = []
/** Finds what any of them needs, in lower case; made when first needed. One pass for all of them, since most texts have no secret. */
let anyNeedle: RegExp | undefined

/** Below this a value would mask ordinary words; connection schemas refuse shorter secrets. */
export const shortestSecret = 6
/** Secrets of this length and more are matched in any case, and by their first characters alone. */
const LONG_SECRET = 16
/** The first characters that identify a long secret. */
const BEGINNING_LENGTH = 12

const star = '***'

/** Finds one form of a secret in a text. */
interface Matcher {
  form: string
  anyCase: boolean
  /** The longest run of letters and digits, in lower case. A text without it cannot match. */
  needle: string
  /** Made when first needed. */
  pattern?: RegExp
  /** The whole secret, if the form is only its first characters. */
  secret?: string
}

/**
 * Starts an invocation. Each one remembers the secrets that it reads, so the credentials of one connection never change the text
 * of a call that uses another. An environment works on one invocation at a time.
 */
export function clearSecrets(): void {
  previous = current
  current = new Map()
  matchers = []
  anyNeedle = undefined
}

/**
 * Remembers a secret value until the invocation ends. Everything that leaves (logs, answers, events, step results) passes `mask`,
 * so a platform that echoes our token in an error does not publish it.
 */
export function registerSecret(value: string): void {
  if (value.length < shortestSecret || current.has(value)) return
  current.set(value, previous.get(value) ?? matchersOf(value))
  matchers = [...current.values()].flat().sort((a, b) => b.form.length - a.form.length)
  anyNeedle = undefined
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

/** Whether the name of a header says that its value is a credential. */
export function isCredential(name: string): boolean {
  return /auth|cookie|credential|key|passw|secret|session|signature|token/i.test(name)
}

function matchersOf(value: string): Matcher[] {
  const bytes = Buffer.from(value)
  const anyCase = value.length >= LONG_SECRET
  const forms = new Set([value, ...base64Of(bytes)].filter(({ length }) => length >= shortestSecret))
  const whole = [...forms].map((form) => matcherOf(form, anyCase))
  const hex = matcherOf(bytes.toString('hex'), true)
  if (!hasUniqueBeginning(value)) return [...whole, hex]
  return [...whole, hex, { ...matcherOf(value.slice(0, BEGINNING_LENGTH), true), secret: value }]
}

/**
 * The base64 of a value, alone and as a part of something longer, such as `user:token`: its characters then depend on how many
 * bytes come before, and only those in the middle depend on the value alone.
 */
function base64Of(bytes: Buffer): string[] {
  const parts = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
  })
  return [bytes.toString('base64'), bytes.toString('base64').replaceAll('=', ''), ...parts]
}

/** Whether a value begins with random characters. URLs, PEM files and words begin as ordinary text does. */
function hasUniqueBeginning(value: string): boolean {
  const beginning = value.slice(0, BEGINNING_LENGTH)
  const isRandom = /\d/.test(beginning) || (/[a-z]/.test(beginning) && /[A-Z]/.test(beginning))
  return value.length >= LONG_SECRET && isRandom && !/\s/.test(beginning) && !/^[a-z][a-z\d+.-]*:\/\//i.test(value)
}

function matcherOf(form: string, anyCase: boolean): Matcher {
  const needle = (form.match(/[a-z\d]+/gi) ?? []).reduce((a, b) => (b.length > a.length ? b : a), '')
  return { form, anyCase, needle: needle.toLowerCase() }
}

/** Letters and digits as they are, and what is between them in each of its spellings. */
function patternOf({ form, anyCase }: Matcher): RegExp {
  const source = form.replace(/[^a-z\d]+/gi, (signs) => `(?:${spellingsOf(signs).map(escapeRegExp).join('|')})`)
  return new RegExp(source, anyCase ? 'gi' : 'g')
}

/** How URLs, forms, JSON, HTML and base64 for URLs write signs, longest first. Some encoders run twice, some escape more. */
function spellingsOf(signs: string): string[] {
  // Half of a surrogate pair cannot be encoded.
  const text = signs.toWellFormed()
  const percent = [encodeURIComponent(text), encodeURI(text), new URLSearchParams({ '': text }).toString().slice(1)]
  const escaped = [...new Set([signs, jsonOf(signs)])].flatMap((json) => [
    json,
    json.replaceAll('/', '\\/'),
    ...[/[\u007f-\uffff]/g, /[<>&\u007f-\uffff]/g, /[<>&'"\u007f-\uffff]/g].map((some) =>
      json.replace(some, unicodeEscape),
    ),
  ])
  const entities = [/[&<>"']/g, /[^\s\w]/gu].flatMap((some) => [
    text.replace(some, (sign) => NAMED_ENTITIES[sign] ?? sign),
    text.replace(some, (sign) => `&#${sign.codePointAt(0)};`),
    text.replace(some, (sign) => `&#x${sign.codePointAt(0)?.toString(16)};`),
  ])
  const base64url = signs.replaceAll('+', '-').replaceAll('/', '_')
  const all = [
    signs,
    ...percent,
    ...percent.map(encodeURIComponent),
    ...escaped,
    ...escaped.map(jsonOf),
    ...entities,
    base64url,
  ]
  // Hexadecimal digits come in both cases. V8 cannot be asked to ignore case here: it does not always respect (?i:..).
  const lower = all.map((form) => form.toLowerCase())
  const upper = all.map((form) => form.replace(/(?<=&#x|\\u)[\da-f]+/g, (digits) => digits.toUpperCase()))
  return [...new Set([...all, ...lower, ...upper])].sort((a, b) => b.length - a.length)
}

const NAMED_ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function jsonOf(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function unicodeEscape(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/** The end of an approval's link, which decides it: see `approvals/reference.ts`. The task before it is not secret. */
const approvalSignature = /\.(?<=[\da-f]{40}\.)[\da-z]{1,10}\.[\da-f]{16,64}/gi

/** The text with each secret of this invocation, and each approval's signature, replaced by `***`. */
export function redact(text: string): string {
  return maskSecrets(text.replace(approvalSignature, `.${star}`))
}

function maskSecrets(text: string): string {
  let masked = text
  // What is left on both sides of a star may be a secret together with it, so this is repeated until nothing changes.
  for (let before = ''; masked !== before && mayMatch(masked); ) {
    before = masked
    for (const matcher of matchers) masked = replaceIn(masked, matcher)
  }
  return masked
}

function mayMatch(text: string): boolean {
  if (matchers.length === 0) return false
  anyNeedle ??= new RegExp([...new Set(matchers.map(({ needle }) => needle))].join('|'))
  return anyNeedle.test(text.toLowerCase())
}

function replaceIn(text: string, matcher: Matcher): string {
  if (text.length < matcher.form.length) return text
  matcher.pattern ??= patternOf(matcher)
  const { pattern, secret } = matcher
  if (secret === undefined) return text.replace(pattern, star)
  let masked = ''
  let rest = text
  for (let at = rest.search(pattern); at >= 0; at = rest.search(pattern)) {
    let length = matcher.form.length
    while (isSameLetter(rest[at + length], secret[length])) length++
    masked += `${rest.slice(0, at)}${star}`
    rest = rest.slice(at + length)
  }
  return masked + rest
}

function isSameLetter(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && a.toLowerCase() === b?.toLowerCase()
}

/** A copy of a JSON value in which no text, and no property name, contains a secret. */
export function redactDeep<T>(value: T): T {
  if (typeof value === 'string') return redact(value) as T
  if (Array.isArray(value)) return value.map(redactDeep) as T
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, held]) => [redact(name), redactDeep(held)])) as T
  }
  return value
}

/** Whether a JSON value contains a secret of this invocation, in a text or in a property name. */
export function containsSecret(value: unknown): boolean {
  if (typeof value === 'string') return maskSecrets(value) !== value
  if (value === null || typeof value !== 'object') return false
  return Object.entries(value).some(([name, held]) => containsSecret(name) || containsSecret(held))
}
