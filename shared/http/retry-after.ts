const LIMITS = ['x-ratelimit', 'ratelimit', 'x-ratelimit-requests', 'x-ratelimit-complexity']

/**
 * Returns how long to wait before a retry, in seconds. Reads the headers that platforms use: `retry-after` as seconds or a
 * date, `x-ratelimit-reset` as epoch seconds (GitHub), epoch milliseconds (LaunchDarkly) or an ISO time (Jira),
 * `ratelimit-reset` in seconds (PagerDuty), and one header per limit (Linear: requests and complexity).
 *
 * @param now epoch milliseconds
 * @param unit the unit of a number in `retry-after` (NeoLoad: milliseconds)
 */
export function retryAfterSeconds(
  headers: Record<string, string>,
  now: number,
  unit: 'seconds' | 'milliseconds' = 'seconds',
): number | undefined {
  const after = headers['retry-after']
  if (unit === 'milliseconds' && /^\d+$/.test(after ?? '')) return Math.ceil(Number(after) / 1_000)
  if (after !== undefined) return secondsUntil(after, now)
  // The reset time matters only if nothing is left.
  const waits = LIMITS.filter((limit) => (headers[`${limit}-remaining`] ?? '0') === '0').flatMap(
    (limit) => secondsUntil(headers[`${limit}-reset`] ?? '', now) ?? [],
  )
  return waits.length > 0 ? Math.max(...waits) : undefined
}

/**
 * Returns whether a refusal is a rate limit: 429, a throttling error of AWS (often a 400), or a 403 that is not about
 * permissions. The headers of a limit prove nothing, because PagerDuty, ServiceNow and Discord send them with every response.
 * Only GitHub refuses a request with 403 because nothing is left; its secondary limit may come without any header.
 *
 * @param reason the platform's reason
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
 */
export function isRateLimited(status: number, headers: Record<string, string>, reason: string): boolean {
  if (status === 429 || /^Throttl/.test(headers['x-amzn-errortype'] ?? '')) return true
  if (status !== 403) return false
  const isUsedUp = headers['x-github-request-id'] !== undefined && headers['x-ratelimit-remaining'] === '0'
  return headers['retry-after'] !== undefined || isUsedUp || /\b(?:rate limit|abuse detection)/i.test(reason)
}

function secondsUntil(text: string, now: number): number | undefined {
  const number = text === '' ? Number.NaN : Number(text)
  if (Number.isFinite(number)) {
    // Thirteen digits are epoch milliseconds, ten digits epoch seconds, fewer digits a duration.
    const seconds = number > 100_000_000_000 ? number / 1_000 : number
    return Math.max(0, Math.ceil(seconds > 1_000_000_000 ? seconds - now / 1_000 : seconds))
  }
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1_000))
}
