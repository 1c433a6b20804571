import { sleep } from '../../../shared/sleep.ts'
import { UsageError } from '../../project/usage-error.ts'
import { note } from '../terminal/output.ts'
import { isLoopback, type Receiver } from './receiver.ts'

/** Response that does not come from this project's API, such as the error page of a proxy. */
class UnexpectedResponseError extends UsageError {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const MAX_UNREACHABLE_MS = 600_000

const DEPLOYED_TOKEN =
  'Pass the token of a caller with --token or WEBHOOKS_TOKEN. npx webhooks token rotate creates a new one.'
const LOCAL_TOKEN = [
  'A runtime gets a new token when a real platform is connected. To use it, omit --token and WEBHOOKS_TOKEN, and set WEBHOOKS_STATE',
  'if the runtime has another state folder. npx webhooks console then prints the link to its console.',
].join('\n')

/**
 * Returns the error for an API that does not respond.
 *
 * @param isStatusUrl whether the URL is that of a task, which no option changes
 */
export function noConnection(url: string, isStatusUrl = false): UsageError {
  const [local, remote] = isStatusUrl
    ? ['check the statusUrl', 'the statusUrl']
    : ['pass --url', 'the URL (--url or WEBHOOKS_URL)']
  const advice = isLoopback(url) ? `Run npm start, or ${local}.` : `Check ${remote} and your connection to the network.`
  return new UsageError(`Cannot connect to ${new URL(url).origin}. ${advice}`)
}

/**
 * Calls the receiver and returns the status and the JSON body.
 *
 * @throws UsageError if the receiver does not respond, or does not respond with JSON
 */
export async function callReceiver(
  { url, token }: Receiver,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: unknown }> {
  const target = path.startsWith('http') ? path : `${url}${path}`
  let response: Response
  try {
    response = await fetch(target, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } })
  } catch {
    throw noConnection(target, target === path)
  }
  if (response.status === 401) note(isLoopback(target) ? LOCAL_TOKEN : DEPLOYED_TOKEN)
  const text = await response.text()
  try {
    return { status: response.status, body: JSON.parse(text) }
  } catch {
    throw new UnexpectedResponseError(
      response.status,
      `${target} returned ${response.status} without JSON. Check that it is the URL of this project's API.`,
    )
  }
}

/**
 * Polls an accepted task until it ends. A failed poll is repeated, because the task runs on regardless.
 *
 * @param path of the task's status
 * @param intervalMs between two polls
 * @param report receives the progress of the task whenever it changes
 * @throws UsageError if the status cannot be read for ten minutes, or is not from this project's API
 */
export async function waitForTask(
  receiver: Receiver,
  path: string,
  intervalMs: number,
  report: (progress: string) => void,
): Promise<{ status: number; body: unknown }> {
  let unreachableSince: number | undefined
  let reported = ''
  for (;;) {
    const response = await callReceiver(receiver, path).catch((error: UsageError) => error)
    const status =
      response instanceof UsageError && !(response instanceof UnexpectedResponseError) ? undefined : response.status
    const isUnreachable = status === undefined || status === 429 || status >= 500
    if (response instanceof Error) {
      if (!isUnreachable || Date.now() - (unreachableSince ?? Date.now()) > MAX_UNREACHABLE_MS) throw response
    } else if (!isUnreachable && (status !== 200 || (response.body as { state?: string }).state !== 'running')) {
      return response
    } else if (!isUnreachable) {
      const { progress } = response.body as { progress?: string }
      if (progress && progress !== reported) report(progress)
      reported = progress ?? reported
    }
    if (isUnreachable && unreachableSince === undefined) {
      const reason = response instanceof Error ? response.message : `The API returned ${status}.`
      note(`Cannot read the status of the task: ${reason} Retrying ...`)
    }
    unreachableSince = isUnreachable ? (unreachableSince ?? Date.now()) : undefined
    await sleep(intervalMs)
  }
}
