import { Failure } from '../errors.ts'
import { Http } from '../http/client.ts'

const MAX_FETCH_MS = 2_000
const CACHED_MS = 3_600_000
/** An unknown key is looked up again at most this often. */
const MIN_AGE_MS = 60_000
const FAILURE_CACHED_MS = 30_000
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
  text: Promise<string>
  at: number
  hasFailed: boolean
}

const fetched = new Map<string, Fetched>()

/**
 * Fetches what a sender publishes. Sends one request for each URL at a time, and caches failures for a short time, so that
 * forged requests cannot cause many requests.
 */
export const fetchPublished: FetchPublished = (url, isFresh = false) => {
  const now = Date.now()
  const cached = fetched.get(url)
  const maxAge = cached?.hasFailed ? FAILURE_CACHED_MS : isFresh ? MIN_AGE_MS : CACHED_MS
  if (cached && now - cached.at < maxAge) return cached.text
  if (fetched.size >= MAX_CACHED) fetched.clear()
  const entry: Fetched = { text: fetchText(url, now), at: now, hasFailed: false }
  entry.text.catch(() => {
    entry.hasFailed = true
  })
  fetched.set(url, entry)
  return entry.text
}

async function fetchText(url: string, now: number): Promise<string> {
  const { origin, host } = new URL(url)
  const http = new Http({ platform: host, baseUrl: origin, deadlineAt: now + MAX_FETCH_MS })
  try {
    const { body } = await http.get(url.slice(origin.length + 1))
    return typeof body === 'string' ? body : JSON.stringify(body)
  } catch (cause) {
    throw new Failure('unavailable', `${host} did not return the keys that verify the request.`, { cause })
  }
}
