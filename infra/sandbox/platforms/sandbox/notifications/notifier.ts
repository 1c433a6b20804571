import type { EngineHost } from '../../../engines/place.ts'
import type { Faults } from '../faults.ts'
import type { Store } from '../store.ts'
import { type NotifyingPlatform, type OpenRun, openRunKey, openRuns } from './open-runs.ts'
import { authenticate } from './sources.ts'

/** A notification of a platform, without its credentials. */
export interface RunNotification {
  /** `workflow_run.completed` */
  event: string
  /** Whether it is the last one of the run. */
  isLast: boolean
  headers: Record<string, string>
  body: object
}

/** A platform that notifies the runtime of its runs. */
export interface Notifying {
  /** Returns the notification for the current state of a run. Undefined if the run does not exist. */
  notification(id: number, root: string): RunNotification | undefined
}

/** A notification in the list `/sandbox/notifications`. */
export interface SentNotification extends Pick<OpenRun, 'platform'> {
  at: string
  run: number
  event: string
  /** Null if it was lost, or if the runtime did not respond. */
  status: number | null
  /** How many tasks it has woken. */
  woken: number
  isLost: boolean
}

interface NotifierOptions {
  faults: Faults
  host: EngineHost
  /** Divides the interval in which the runs are checked. */
  timeScale: number
  /** Aborted when the sandbox closes. */
  closing: AbortSignal
}

const CHECK_INTERVAL_MS = 250
const MIN_CHECK_INTERVAL_MS = 25
/** GitHub waits 10 seconds, Rundeck 15. */
const TIMEOUT_MS = 10_000

/**
 * Sends the notifications of the platforms, as they do: once, without a retry. Runs end by the clock, so it checks the open ones again
 * and again. A run that ends while the sandbox is down is notified at the next start.
 *
 * @returns the sent notifications, oldest first
 */
export function startNotifier(
  store: Store,
  platforms: Record<NotifyingPlatform, Notifying>,
  { faults, host, timeScale, closing }: NotifierOptions,
): () => SentNotification[] {
  const open = openRuns(store)
  const sent = store.collection<SentNotification>('notifications')

  const check = (run: OpenRun) => {
    const { platform, id } = run
    const notification = platforms[platform].notification(id, `${host.url}/sandbox/${platform}`)
    if (notification && notification.event === run.event) return
    // Before it is sent: a killed sandbox loses it.
    if (!notification || notification.isLast) open.delete(openRunKey(run))
    else open.change(openRunKey(run), { event: notification.event })
    if (notification) void notify(run, notification)
  }

  const notify = async ({ platform, id }: OpenRun, { event, headers, body }: RunNotification) => {
    const isLost = faults.loses(platform)
    const at = new Date().toISOString()
    const key = sent.next()
    sent.put(key, { at, platform, run: id, event, status: null, woken: 0, isLost })
    if (isLost) return
    try {
      const text = JSON.stringify(body)
      const { path, headers: credentials } = authenticate(platform, text, host)
      const response = await fetch(`${host.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers, ...credentials },
        body: text,
        signal: AbortSignal.any([closing, AbortSignal.timeout(TIMEOUT_MS)]),
      })
      const { woken = 0 } = (await response.json()) as { woken?: number }
      if (!closing.aborted) sent.change(key, { status: response.status, woken })
    } catch {
      // The runtime did not respond: the platform does not try again.
    }
  }

  const timer = setInterval(
    () => {
      for (const run of open.list()) check(run)
    },
    Math.max(MIN_CHECK_INTERVAL_MS, CHECK_INTERVAL_MS / timeScale),
  ).unref()
  closing.addEventListener('abort', () => clearInterval(timer), { once: true })
  return () => sent.list()
}
