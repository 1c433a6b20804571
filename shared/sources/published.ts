import { Failure } from '../errors.ts'
import { Http } from '../http/client.ts'

const MAX_FETCH_MS = 2_000
const CACHED_MS = 3_600_000
/** An unknown key is looked up again at most this often. */
const MIN_AGE_MS = 60_000
const FAILURE_CACHED_SECONDS = 30
/** Messages name the URL of a certificate, so the number of URLs has no other limit. */
const MAX_CACHED = 20

/**
 * Returns a text that a sender publishes, such as a set of keys.
 *
 * @param isFresh whether a text that is older than a minute is too old
 * @throws Failure `unavailable`
 */
export type FetchPublished = (url: string, isFresh?: boolean) => Promise<string>

interface Fetched {
  /** The newest text that was fetched. */
  text?: string
  textAt: number
  /** The last fetch, which may still run, or have failed. */
  attempt: Promise<string>
  attemptAt: number
  hasFailed: boolean
}

const fetched = new Map<string, Fetched>()

/**
 * Fetches what a sender publishes. Sends one request for each URL at a time, and caches failures for a short time, so that
 * forged requests cannot cause many requests. If a text cannot be fetched again, the previous one stays valid for its time:
 * a forged request cannot end it while the sender is down.
 */
export const fetchPublished: FetchPublished = async (url, isFresh = false) => {
  const now = Date.now()
  const cached = fetched.get(url)
  if (cached?.text !== undefined && !isFresh && now - cached.textAt < CACHED_MS) return cached.text
  const minAgeMs = cached?.hasFailed ? FAILURE_CACHED_SECONDS * 1_000 : MIN_AGE_MS
  if (cached && now - cached.attemptAt < minAgeMs) return cached.attempt
  if (!cached && fetched.size >= MAX_CACHED) fetched.clear()
  const attempt = fetchText(url, now)
  const entry: Fetched = { textAt: now, ...cached, attempt, attemptAt: now, hasFailed: false }
  fetched.set(url, entry)
  try {
    return Object.assign(entry, { text: await attempt, textAt: now }).text
  } catch (error) {
    entry.hasFailed = true
    throw error
  }
}

async function fetchText(url: string, now: number): Promise<string> {
  const { origin, host } = new URL(url)
  const http = new Http({ platform: host, baseUrl: origin, deadlineAt: now + MAX_FETCH_MS })
  try {
    const { body } = await http.get(url.slice(origin.length + 1))
    return typeof body === 'string' ? body : JSON.stringify(body)
  } catch (cause) {
    throw new Failure(
      'unavailable',
      `The keys that verify the request cannot be read from ${url} now. Try again in ${FAILURE_CACHED_SECONDS} seconds.`,
      { retryAfter: FAILURE_CACHED_SECONDS, cause },
    )
  }
}
