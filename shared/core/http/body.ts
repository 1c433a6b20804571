import { Failure } from '../../errors.ts'
import { nest, refuseUnsafe } from './dotted-keys.ts'

/** Over this a call is refused; its task could not be started with it either. */
const largestBody = 256 * 1024
const deepest = 32

/**
 * The object that a request's body holds, sent as JSON or as a form with dotted names.
 *
 * @param body the text, or base64 of the bytes where `isBase64`; null where there is none
 * @throws Failure `large` (over 256 KB), `media` (another content type), `invalid`
 */
export function parseBody(
  body: string | null,
  isBase64: boolean,
  contentType: string | undefined,
): Record<string, unknown> {
  if (body === null || body === '') return {}
  refuseLargeBody(body, isBase64)
  const text = mend(isBase64 ? decode(Buffer.from(body, 'base64')) : body)
  const media = (contentType ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? ''
  if (media === 'application/json' || media.endsWith('+json')) return parseJson(text)
  if (media === 'application/x-www-form-urlencoded') {
    // curl's own content type where a subscription sets no header.
    return text.trimStart().startsWith('{') ? parseJson(text) : nest(new URLSearchParams(text))
  }
  throw new Failure(
    'media',
    `The content type ${media.slice(0, 80)} is not understood: send application/json or application/x-www-form-urlencoded.`,
  )
}

/**
 * Refuses a body that is too large, before anything of it is decoded or parsed.
 *
 * @throws Failure `large`
 */
export function refuseLargeBody(body: string, isBase64: boolean): void {
  const size = isBase64 ? Math.floor((body.length * 3) / 4) : Buffer.byteLength(body)
  if (size <= largestBody) return
  throw new Failure(
    'large',
    `The body has ${size} bytes; at most ${largestBody} are taken. Send references instead of content.`,
  )
}

/**
 * Undoes what webhook-service does to text that is not ASCII: it sends each byte of the UTF-8 as a character of its own.
 * Only where the text as a whole reads as such; real text practically never does.
 */
export function mend(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  // A character over U+00FF is no single byte: this text was not mangled.
  if (!/[\u0080-\u00ff]/.test(text) || bytes.toString('latin1') !== text) return text
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return text
  }
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Failure(
      'invalid',
      'The body is not UTF-8: encode it as UTF-8, or send a form with percent-encoded values.',
      { cause },
    )
  }
}

function parseJson(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Failure(
      'invalid',
      `The body is not JSON (${(cause as Error).message.slice(0, 120)}): a quote or a line break in a value breaks it; a form body takes every value.`,
      { cause },
    )
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Failure(
      'invalid',
      `The body is ${value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`}: send one JSON object.`,
    )
  }
  refuseDepth(value)
  // Only if the text could hold them: to look through every value takes longer than to parse it.
  if (/__proto__|constructor|prototype|\\u/.test(text)) refuseUnsafeNames(value)
  return value as Record<string, unknown>
}

function refuseUnsafeNames(value: unknown): void {
  if (value === null || typeof value !== 'object') return
  for (const [name, held] of Object.entries(value)) {
    refuseUnsafe(name, name)
    refuseUnsafeNames(held)
  }
}

/** With a list of its own instead of calls that nest, so that depth can not exhaust the stack. */
function refuseDepth(value: object): void {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest)
      throw new Failure(
        'invalid',
        `The body nests deeper than ${deepest} levels: send only the fields that are needed.`,
      )
    level = level.flatMap((held) => (held !== null && typeof held === 'object' ? Object.values(held) : []))
  }
}
