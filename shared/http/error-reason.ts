import { isRecord } from '../record.ts'
import { redactDeep } from '../redact.ts'

const longestReason = 500

/**
 * Reads the platform's own words for a refusal from the fields in which APIs put them: `message`, `errorMessages`, `errors`,
 * `error`, `error_description`, `detail`, `details`, `title`; the title of the page if it is HTML. If they have none, the first
 * text of several words in the body. At most 500 characters.
 */
export function errorReasonIn(body: unknown): string {
  // Before anything is cut: half of a secret would not be known any more.
  const masked = redactDeep(body)
  const words = collect(masked)
  const fallback = words.length > 0 ? words : messagesOfFields(masked)
  const text = [...new Set(fallback.length > 0 ? fallback : firstSentence(masked))]
    .join('; ')
    .replace(/\s+/g, ' ')
    .trim()
  return text.length > longestReason ? `${text.slice(0, longestReason)}...` : text
}

function collect(body: unknown): string[] {
  if (typeof body === 'string') return [fromPage(body)].filter(Boolean)
  if (Array.isArray(body)) return body.slice(0, 10).flatMap(collect)
  if (body === null || typeof body !== 'object') return []
  const holder = body as Record<string, unknown>
  const words: string[] = []
  for (const name of ['message', 'errorMessages', 'error_description', 'error', 'detail', 'title']) {
    const said = holder[name]
    if (said !== undefined && said !== '') words.push(...collect(said))
  }
  const { errors, details } = holder
  if (Array.isArray(errors)) words.push(...errors.slice(0, 10).flatMap(oneError))
  else if (errors !== null && typeof errors === 'object') {
    words.push(
      ...Object.entries(errors)
        .slice(0, 10)
        .flatMap(([field, said]) => collect(said).map((word) => `${field}: ${word}`)),
    )
  }
  // OData's form (Azure, Grafana Cloud k6): the message is general, and the details say what is wrong.
  if (Array.isArray(details)) words.push(...details.slice(0, 10).flatMap(messageOfDetail))
  return words
}

/** Django REST framework (Flagsmith, AWX) has `{"enabled":["Must be a valid boolean."]}`. */
function messagesOfFields(body: unknown): string[] {
  if (!isRecord(body)) return []
  return Object.entries(body)
    .slice(0, 10)
    .flatMap(([field, messages]) =>
      Array.isArray(messages) ? messages.filter(isSentence).map((message) => `${field}: ${message}`) : [],
    )
}

function isSentence(value: unknown): boolean {
  return typeof value === 'string' && /\S\s+\S/.test(value)
}

/** Icinga 2 has `{"error":404,"status":"No objects found."}`, and `{"results":[{"code":409,"status":"..."}]}`. */
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

/** `{resource, field, code}` is GitHub's way to say which field is wrong. */
function oneError(error: unknown): string[] {
  const { field, code, message } = (error ?? {}) as Record<string, unknown>
  if (typeof message === 'string') return [message]
  if (typeof field === 'string' && typeof code === 'string') return [`${field}: ${code}`]
  return collect(error)
}

function fromPage(text: string): string {
  if (!/<\w/.test(text.slice(0, 2_000))) return text
  const title = /<title[^<>]*>([^<]{1,200})/i.exec(text)?.[1]?.trim()
  return title ? `a page titled "${title}"` : 'a page instead of JSON'
}

/**
 * How long to stay away, in seconds, in the dialects that platforms speak: `retry-after` in seconds or as a date,
 * `x-ratelimit-reset` as epoch seconds (GitHub), epoch milliseconds (LaunchDarkly) or an ISO time (Jira), `ratelimit-reset`
 * in seconds (PagerDuty).
 *
 * @param now epoch milliseconds
 * @param unit what `retry-after` counts (NeoLoad: milliseconds)
 */
export function retryAfterSeconds(
  headers: Record<string, string>,
  now: number,
  unit: 'seconds' | 'milliseconds' = 'seconds',
): number | undefined {
  const after = headers['retry-after']
  if (unit === 'milliseconds' && /^\d+$/.test(after ?? '')) return Math.ceil(Number(after) / 1_000)
  if (after !== undefined) return secondsUntil(after, now)
  // A reset is only an answer to "when again" where nothing is left.
  if ((remainingOf(headers) ?? '0') !== '0') return undefined
  const reset = headers['x-ratelimit-reset'] ?? headers['ratelimit-reset']
  return reset === undefined ? undefined : secondsUntil(reset, now)
}

/**
 * Whether a refusal is a limit: 429, what AWS names so (which is often a 400), and a 403 that is no lack of rights. A time of
 * reset alone does not say that: PagerDuty and ServiceNow send theirs with every answer. GitHub's secondary limit may come with
 * no header at all.
 *
 * @param said the platform's own words
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
 */
export function isRateLimited(status: number, headers: Record<string, string>, said: string): boolean {
  if (status === 429 || /^Throttl/.test(headers['x-amzn-errortype'] ?? '')) return true
  if (status !== 403) return false
  const hasHeader = headers['retry-after'] !== undefined || remainingOf(headers) === '0'
  return hasHeader || /\b(?:rate limit|abuse detection)/i.test(said)
}

function remainingOf(headers: Record<string, string>): string | undefined {
  return headers['x-ratelimit-remaining'] ?? headers['ratelimit-remaining']
}

function secondsUntil(text: string, now: number): number | undefined {
  const number = Number(text)
  if (Number.isFinite(number)) {
    // Of ten digits it is a point in time, of thirteen one in milliseconds, else a span.
    const seconds = number > 100_000_000_000 ? number / 1000 : number
    return Math.max(0, Math.ceil(seconds > 1_000_000_000 ? seconds - now / 1000 : seconds))
  }
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000))
}
