import { Failure } from '../errors.ts'
import { isDeepJson, parseBody } from '../http/parse-body.ts'
import { isRecord } from '../record.ts'
import { plainSingleLine } from '../text/plain-text.ts'
import { authenticateSource, type NotificationRequest } from './authenticate-source.ts'
import { loadSourceType, type SourceTypeName } from './load-source-type.ts'
import type { FetchPublished } from './published.ts'
import type { SourceSecret } from './secret.ts'
import { type HeaderNames, MAX_ID, type SourceSettings } from './source-type.ts'

/** A source, as `events.yaml` declares it. */
interface DeclaredSource extends SourceSettings {
  type: SourceTypeName
}

/** A notification. Its content may contain secrets: it is for rules only, and never logged or stored. */
export interface Notification {
  /**
   * - `first-request`: tests the URL
   * - `ended`: a run has ended, or waits for a decision: worth a poll. A hint, not the truth
   * - `progress`: a run has not ended
   * - `ignored`: about no run
   */
  kind: 'first-request' | 'ended' | 'progress' | 'ignored'
  /** The sender's name for what happened: `workflow_run.completed`. */
  event: string
  /** The ids of the runs, as `notifiedBy` of the provider returns them for a stored run. */
  runs: string[]
  /** The same for each attempt to deliver the notification. Not a reason to ignore one: the first may have come too early. */
  delivery?: string | undefined
  /** The URL to fetch so that SNS starts to send. It is a URL of SNS. */
  confirmUrl?: string
  /** The body for rules. */
  content: Record<string, unknown>
  /** The headers for rules, by name in lower case: those that the credential of the sender covers. */
  headers: HeaderNames
}

/**
 * Verifies and reads a notification. Verifies the bytes that were sent, before it parses them.
 *
 * @param secret of the source
 * @param now epoch milliseconds
 * @param fetchPublished returns the keys that Google and AWS publish
 * @throws Failure `unauthenticated`, `invalid`, `misconfigured`; `unavailable` if the sender should try again
 */
export async function readNotification(
  source: DeclaredSource,
  request: NotificationRequest,
  secret: SourceSecret,
  now: number,
  fetchPublished: FetchPublished,
): Promise<Notification> {
  const type = await loadSourceType(source.type)
  const headers = await authenticateSource(type, request, secret, now, fetchPublished)
  const text = Buffer.from(request.rawBody).toString('utf8')
  const body = isDeepJson(text) ? undefined : parseBody(text)
  if (!isRecord(body))
    throw new Failure(
      'invalid',
      'The body is not a JSON object. Let the sender send JSON, with the content type application/json.',
    )
  return readEvent(source, headers, body)
}

/**
 * Reads a notification that is known to be from the sender, such as an event of AWS.
 *
 * @param headers that are known to be from the sender, too
 * @throws Failure `invalid`, `misconfigured`
 */
export async function readEvent(source: DeclaredSource, headers: HeaderNames, body: object): Promise<Notification> {
  const type = await loadSourceType(source.type)
  const {
    runs: read = [],
    ended = false,
    isFirst,
    delivery,
    confirmUrl,
    content = { ...body },
    ...reading
  } = await type.read(body, headers, source)
  const event = plainSingleLine(reading.event, MAX_EVENT)
  const runs = [...new Set(read.filter((run) => run !== undefined))]
  if (ended && runs.length === 0)
    throw new Failure(
      'invalid',
      `The event ${event} of ${type.title} names no run. Let the sender send the complete body.`,
    )
  if ([...runs, delivery ?? ''].some(({ length }) => length > MAX_ID))
    throw new Failure('invalid', `The event ${event} of ${type.title} has an id of more than ${MAX_ID} characters.`)
  const kind = isFirst ? 'first-request' : runs.length === 0 ? 'ignored' : ended ? 'ended' : 'progress'
  return { kind, event, runs, delivery, content, headers, ...(confirmUrl === undefined ? {} : { confirmUrl }) }
}

const MAX_EVENT = 100
