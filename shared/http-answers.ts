const longestReason = 500

/**
 * The platform's own words for a refusal, from the places where APIs put them: `message`, `errorMessages`, `errors`,
 * `error`, `error_description`, `detail`, `title`; a page's text where it is HTML. At most 500 characters.
 */
export function reasonOf(body: unknown): string {
  const words = collect(body)
  const text = [...new Set(words)].join('; ').replace(/\s+/g, ' ').trim()
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
  const { errors } = holder
  if (Array.isArray(errors)) words.push(...errors.slice(0, 10).flatMap(oneError))
  else if (errors !== null && typeof errors === 'object') {
    words.push(
      ...Object.entries(errors)
        .slice(0, 10)
        .flatMap(([field, said]) => collect(said).map((word) => `${field}: ${word}`)),
    )
  }
  return words
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
  const title = /<title[^>]*>([^<]{1,200})/i.exec(text)?.[1]?.trim()
  return title ? `a page titled "${title}"` : 'a page instead of JSON'
}

/**
 * How long to stay away, in seconds, in the dialects that platforms speak: `retry-after` in seconds or as a date,
 * `x-ratelimit-reset` as epoch seconds (GitHub) or as an ISO time (Jira), `ratelimit-reset` in seconds (PagerDuty).
 *
 * @param now epoch milliseconds
 */
export function retryAfterOf(headers: Record<string, string>, now: number): number | undefined {
  const after = headers['retry-after']
  if (after !== undefined) return secondsUntil(after, now)
  // A reset is only an answer to "when again" where nothing is left.
  if (headers['x-ratelimit-remaining'] !== undefined && headers['x-ratelimit-remaining'] !== '0') return undefined
  const reset = headers['x-ratelimit-reset'] ?? headers['ratelimit-reset']
  return reset === undefined ? undefined : secondsUntil(reset, now)
}

function secondsUntil(text: string, now: number): number | undefined {
  const number = Number(text)
  if (Number.isFinite(number)) {
    // Over ten digits it is a point in time, else a span.
    return number > 1_000_000_000 ? Math.max(0, Math.ceil(number - now / 1000)) : Math.max(0, Math.ceil(number))
  }
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000))
}
