import type { NotificationRequest } from '../../../shared/sources/authenticate-source.ts'
import type { SourceTypeName } from '../../../shared/sources/load-source-type.ts'
import { readNotification } from '../../../shared/sources/read-notification.ts'
import { type SourceSecret, sourceSecret } from '../../../shared/sources/secret.ts'

export const NOW = Date.parse('2026-11-30T10:00:00Z')
export const TOKEN = 'a-token-of-a-source'

export interface Sent extends Partial<Omit<NotificationRequest, 'rawBody'>> {
  body: string
}

/** Texts that Google and AWS publish, by URL. */
export type Published = Record<string, string>

/** Reads a notification, and returns its kind or the error, with the URLs that were fetched. */
export function read(type: SourceTypeName, sent: Sent, secret: SourceSecret, published: Published = {}) {
  const fetched: string[] = []
  return readSent(type, sent, secret, published, fetched).then(
    ({ kind }) => ({ kind, fetched }),
    (error) => ({ error: `${error.kind}: ${error.message}`, challenge: error.headers?.['www-authenticate'], fetched }),
  )
}

/** Reads a notification. */
export function readSent(
  type: SourceTypeName,
  { body, ...sent }: Sent,
  secret: SourceSecret,
  published: Published = {},
  fetched: string[] = [],
) {
  const request = { headers: {}, query: {}, ...sent, rawBody: Buffer.from(body) }
  const fetchPublished = async (url: string, isFresh = false) => {
    fetched.push(isFresh ? `${url} again` : url)
    const text = published[url]
    if (text === undefined) throw new Error(`Unexpected request: ${url}`)
    return text
  }
  return readNotification({ type }, request, sourceSecret.parse(secret), NOW, fetchPublished)
}
