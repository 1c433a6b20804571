import { isRecord } from '../record.ts'
import { redactDeep } from '../redact.ts'

const MAX_REASON = 500
const MAX_ERRORS = 10

/**
 * Returns the platform's reason for a refusal, redacted, at most 500 characters. Reads the fields that APIs use: `message`,
 * `errorMessages`, `errors`, `error`, `error_description`, `detail`, `details` and `title`; the title of an HTML page; else
 * the first text of several words.
 */
export function errorReasonIn(body: unknown): string {
  // Redact before cutting: half of a secret would not be recognized.
  const redacted = redactDeep(body)
  const reasons = collect(redacted)
  const fallback = reasons.length > 0 ? reasons : fieldErrors(redacted)
  const text = [...new Set(fallback.length > 0 ? fallback : firstSentence(redacted))]
    .join('; ')
    .replace(/\s+/g, ' ')
    .trim()
  return text.length > MAX_REASON ? `${text.slice(0, MAX_REASON)}...` : text
}

function collect(body: unknown): string[] {
  if (typeof body === 'string') return [fromHtml(body)].filter(Boolean)
  if (Array.isArray(body)) return body.slice(0, MAX_ERRORS).flatMap(collect)
  if (body === null || typeof body !== 'object') return []
  const fields = body as Record<string, unknown>
  const reasons: string[] = []
  for (const name of ['message', 'errorMessages', 'error_description', 'error', 'detail', 'title']) {
    const value = fields[name]
    if (value !== undefined && value !== '') reasons.push(...collect(value))
  }
  const { errors, details } = fields
  if (Array.isArray(errors)) reasons.push(...errors.slice(0, MAX_ERRORS).flatMap(oneError))
  else if (errors !== null && typeof errors === 'object') {
    reasons.push(
      ...Object.entries(errors)
        .slice(0, MAX_ERRORS)
        .flatMap(([field, value]) => collect(value).map((reason) => `${field}: ${reason}`)),
    )
  }
  // OData (Azure, Grafana Cloud k6): the message is general, and the details are specific.
  if (Array.isArray(details)) reasons.push(...details.slice(0, MAX_ERRORS).flatMap(messageOfDetail))
  return reasons
}

/** Reads the errors of the Django REST framework (Flagsmith, AWX): `{"enabled":["Must be a valid boolean."]}`. */
function fieldErrors(body: unknown): string[] {
  if (!isRecord(body)) return []
  return Object.entries(body)
    .slice(0, MAX_ERRORS)
    .flatMap(([field, messages]) =>
      Array.isArray(messages) ? messages.filter(isSentence).map((message) => `${field}: ${message}`) : [],
    )
}

function isSentence(value: unknown): boolean {
  return typeof value === 'string' && /\S\s+\S/.test(value)
}

/** Finds the errors of Icinga 2: `{"error":404,"status":"No objects found."}`, `{"results":[{"code":409,"status":"..."}]}`. */
function firstSentence(body: unknown): string[] {
  if (typeof body === 'string') return isSentence(body) ? [body] : []
  if (body === null || typeof body !== 'object') return []
  for (const value of Object.values(body).slice(0, 20)) {
    const found = firstSentence(value)
    if (found.length > 0) return found
  }
  return []
}

function messageOfDetail(detail: unknown): string[] {
  const { target, message } = (detail ?? {}) as Record<string, unknown>
  if (typeof message !== 'string' || message === '') return []
  return [typeof target === 'string' && target !== '' ? `${target}: ${message}` : message]
}

/** Reads GitHub's `{resource, field, code}`, among others. */
function oneError(error: unknown): string[] {
  const { field, code, message } = (error ?? {}) as Record<string, unknown>
  if (typeof message === 'string') return [message]
  if (typeof field === 'string' && typeof code === 'string') return [`${field}: ${code}`]
  return collect(error)
}

function fromHtml(text: string): string {
  if (!/<\w/.test(text.slice(0, 2_000))) return text
  const title = /<title[^<>]*>([^<]{1,200})/i.exec(text)?.[1]?.trim()
  return title ? `a page titled "${title}"` : 'a page instead of JSON'
}
