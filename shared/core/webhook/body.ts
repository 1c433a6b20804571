import { nest, refuseUnsafe } from '../../dotted-keys.ts'
import { Failure } from '../../errors.ts'

/** A larger call could not start its task either. */
const MAX_BODY_BYTES = 256 * 1024
const MAX_DEPTH = 32

/**
 * Parses the body of a request, which is JSON or a form with dotted names.
 *
 * @param body the text, or base64 of the bytes if `isBase64`
 * @throws Failure `large` (over 256 KB), `media` (another content type), `invalid`
 */
export function parseCallBody(
  body: string | null,
  isBase64: boolean,
  contentType: string | undefined,
): Record<string, unknown> {
  if (body === null || body === '') return {}
  refuseLargeBody(body, isBase64)
  const text = repairEncoding(isBase64 ? decode(Buffer.from(body, 'base64')) : body)
  const media = (contentType ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? ''
  if (media === 'application/json' || media.endsWith('+json')) return parseJson(text)
  if (media === 'application/x-www-form-urlencoded') {
    // curl sends this content type unless the subscription sets another header.
    return text.trimStart().startsWith('{') ? parseJson(text) : nest(new URLSearchParams(text))
  }
  throw new Failure(
    'media',
    `The content type ${media.slice(0, 80)} is not supported. Send application/json or application/x-www-form-urlencoded.`,
  )
}

/**
 * Refuses a body that is too large, before it is decoded or parsed.
 *
 * @throws Failure `large`
 */
export function refuseLargeBody(body: string, isBase64: boolean): void {
  const size = isBase64 ? Math.floor((body.length * 3) / 4) : Buffer.byteLength(body)
  if (size <= MAX_BODY_BYTES) return
  throw new Failure(
    'large',
    `The body must be at most ${MAX_BODY_BYTES} bytes (it has ${size}). Send references instead of content.`,
  )
}

/**
 * Repairs text that is not ASCII. webhook-service sends each byte of its UTF-8 encoding as a character. The text is repaired
 * only if all of it decodes as UTF-8, which does not happen with real text.
 */
export function repairEncoding(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  // A character above U+00FF is not a single byte, so this text is intact.
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
      'The body is not UTF-8. Encode it as UTF-8, or send a form with percent-encoded values.',
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
      `The body is not valid JSON (${(cause as Error).message.slice(0, 120)}). Escape quotes and line breaks in values, or send a form, which needs no escaping.`,
      { cause },
    )
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Failure(
      'invalid',
      `The body is ${value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`}. Send one JSON object.`,
    )
  }
  refuseDepth(value)
  // Checking every name takes longer than parsing, so the text is searched first.
  if (/__proto__|constructor|prototype|\\u/.test(text)) refuseUnsafeNames(value)
  return value as Record<string, unknown>
}

function refuseUnsafeNames(value: unknown): void {
  if (value === null || typeof value !== 'object') return
  for (const [name, field] of Object.entries(value)) {
    refuseUnsafe(name, name)
    refuseUnsafeNames(field)
  }
}

/** Iterative, so that a deep body cannot exhaust the stack. */
function refuseDepth(value: object): void {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH)
      throw new Failure('invalid', `The body is nested deeper than ${MAX_DEPTH} levels. Send only the fields you need.`)
    level = level.flatMap((field) => (field !== null && typeof field === 'object' ? Object.values(field) : []))
  }
}
