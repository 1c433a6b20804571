import type { APIGatewayProxyEvent } from 'aws-lambda'
import { readSecret } from '../aws/deployment-secrets.ts'
import { Failure } from '../errors.ts'
import { log } from '../log.ts'
import type { NotificationRequest } from '../sources/authenticate-source.ts'
import { AWS_SOURCE, type DeclaredSource, declaredSources } from '../sources/declared.ts'
import { fetchPublished } from '../sources/published.ts'
import { type Notification, readEvent, readNotification } from '../sources/read-notification.ts'
import { sourceSecret } from '../sources/secret.ts'
import type { HeaderNames } from '../sources/source-type.ts'
import { queueAlertsOf } from './queue-alerts.ts'
import { wakeTasksFor } from './wake-tasks.ts'

/** The response to a notification. */
export interface ReceivedNotification {
  /** The sender's name for what happened. */
  event: string
  /** How many tasks were woken. */
  woken: number
  /** How many calls of rules were accepted. Absent if the source has no rules. */
  calls?: number | undefined
}

const MAX_BODY_BYTES = 1024 * 1024
/** A signature that does not match reads the secret of its source again, but at most this often. */
const RECHECK_MS = 15_000
const recheckedAt = new Map<string, number>()

/**
 * Verifies a request of a source, wakes the tasks that wait for what it reports, and queues the alerts for rules. Verifies the bytes
 * before it parses them.
 *
 * @throws Failure `method`, `unknown`, `large`, `unauthenticated`, `invalid`, `misconfigured`, `unavailable`
 */
export async function receiveRequest(event: APIGatewayProxyEvent): Promise<ReceivedNotification> {
  if (event.httpMethod !== 'POST')
    throw new Failure('method', `${event.httpMethod} is not allowed here. Use POST.`, { headers: { allow: 'POST' } })
  const name = event.pathParameters?.['source'] ?? ''
  const sources = declaredSources()
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined
  if (source === undefined)
    throw new Failure('unknown', `There is no source ${name.slice(0, 63)}. Declare it in events.yaml, and deploy.`)
  log.appendKeys({ source: name })
  const notification = await verify(name, source, requestOf(event))
  if (notification.confirmUrl !== undefined) {
    const { confirmSubscription } = await import('./confirm-subscription.ts')
    await confirmSubscription(notification.confirmUrl)
  }
  return handle(name, source, notification)
}

/**
 * Wakes the tasks that wait for what an event of AWS reports. The role of the function allows only the rules of the stack to send one.
 *
 * @throws Failure `invalid`, `unavailable`
 */
export async function receiveAwsEvent(event: object): Promise<ReceivedNotification> {
  log.appendKeys({ source: AWS_SOURCE })
  const source: DeclaredSource = { type: 'eventbridge', wakes: [] }
  return handle(AWS_SOURCE, source, await readEvent(source, {}, event))
}

async function handle(name: string, source: DeclaredSource, notification: Notification): Promise<ReceivedNotification> {
  const { event, runs } = notification
  log.appendKeys({ event, runs: runs.length })
  const [woken, calls] = await Promise.all([
    wakeTasksFor(name, notification),
    queueAlertsOf(name, source, notification),
  ])
  log.appendKeys({ woken })
  return calls === undefined ? { event, woken } : { event, woken, calls }
}

function requestHeaders({ headers }: APIGatewayProxyEvent): HeaderNames {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** @throws Failure `large` */
function requestOf(event: APIGatewayProxyEvent): NotificationRequest {
  const { body, isBase64Encoded } = event
  const text = body ?? ''
  const size = isBase64Encoded ? Math.floor((text.length * 3) / 4) : Buffer.byteLength(text)
  if (size > MAX_BODY_BYTES)
    throw new Failure(
      'large',
      `The body must be at most ${MAX_BODY_BYTES} bytes (it has ${size}). Let the sender send fewer details.`,
    )
  return {
    headers: requestHeaders(event),
    query: event.queryStringParameters ?? {},
    rawBody: Buffer.from(text, isBase64Encoded ? 'base64' : 'utf8'),
  }
}

/** Reads the secret again if the credentials do not match: the sender may have a newer key. */
async function verify(name: string, source: DeclaredSource, request: NotificationRequest): Promise<Notification> {
  const verifyWith = async (fresh: boolean) => {
    const secret = await readSecret(`sources/${name}`, sourceSecret, { fresh })
    return readNotification(source, request, secret, Date.now(), fetchPublished)
  }
  try {
    return await verifyWith(false)
  } catch (error) {
    const isRefused = error instanceof Failure && error.kind === 'unauthenticated'
    if (!isRefused || Date.now() - (recheckedAt.get(name) ?? 0) <= RECHECK_MS) throw error
  }
  recheckedAt.set(name, Date.now())
  return verifyWith(true)
}
