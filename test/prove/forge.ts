import { runIdOf } from '../../infra/sandbox/platforms/databricks/responses.ts'
import type { NotifyingPlatform } from '../../infra/sandbox/platforms/sandbox/notifications/open-runs.ts'
import { authenticate } from '../../infra/sandbox/platforms/sandbox/notifications/sources.ts'

/** Notifications of each platform that a run has ended. */
const ENDS: Record<NotifyingPlatform, (run: number) => object> = {
  github: (id) => ({ action: 'completed', workflow_run: { id } }),
  rundeck: (executionId) => ({ trigger: 'success', status: 'succeeded', executionId }),
  databricks: (number) => ({ event_type: 'jobs.on_success', run: { run_id: runIdOf({ number }) } }),
}

/** The response to a forged notification. */
export interface ForgedNotification {
  status: number
  woken: number
}

/**
 * Notifies the runtime of the end of a run, whether it has ended or not.
 *
 * @param key of the engines. With another one, the runtime must refuse the notification
 * @returns undefined if the runtime did not respond
 */
export async function forgeEnd(
  platform: NotifyingPlatform,
  run: number,
  url: string,
  key: string,
): Promise<ForgedNotification | undefined> {
  const body = JSON.stringify(ENDS[platform](run))
  const { path, headers } = authenticate(platform, body, { url, key: () => key })
  try {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-github-event': 'workflow_run', ...headers },
      body,
      signal: AbortSignal.timeout(10_000),
    })
    const { woken = 0 } = (await response.json()) as Partial<ForgedNotification>
    return { status: response.status, woken }
  } catch {
    // The runtime is down.
    return undefined
  }
}
