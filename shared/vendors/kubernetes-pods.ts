import * as z from 'zod/mini'
import type { Http } from '../http/client.ts'
import { segment } from '../http/segment.ts'
import { clipSingleLine } from '../text/single-line.ts'
import { resourcePath } from './kubernetes.ts'

const containerStatus = z.object({
  name: z.string(),
  state: z.nullish(
    z.object({
      waiting: z.nullish(z.object({ reason: z.nullish(z.string()), message: z.nullish(z.string()) })),
      terminated: z.nullish(z.object({ exitCode: z.int(), reason: z.nullish(z.string()) })),
    }),
  ),
})
const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.nullish(z.string()),
  message: z.nullish(z.string()),
})
const pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z.nullish(
        z.object({
          conditions: z.nullish(z.array(condition)),
          containerStatuses: z.nullish(z.array(containerStatus)),
          initContainerStatuses: z.nullish(z.array(containerStatus)),
        }),
      ),
    }),
  ),
})
type Pod = z.output<typeof pods>['items'][number]

/** Kubernetes repeats what has led to these reasons. */
const STUCK_REASONS = [
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
]
const MAX_LOG_LINES = 20
const MAX_REASON = 1_000

/**
 * Returns what a job waits for, if it is known, and whether waiting does not help. A pod that no node has room for starts as
 * soon as a node has.
 */
export async function waitingReason(
  http: Http,
  namespace: string,
  job: string,
): Promise<{ reason?: string; isStuck?: boolean }> {
  const items = await podsOf(http, namespace, job)
  const waiting = containersOf(items).map(({ state }) => state?.waiting)
  const stuck = waiting.find((state) => STUCK_REASONS.includes(state?.reason ?? ''))
  const conditions = items.flatMap(({ status }) => status?.conditions ?? [])
  const unscheduled = conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  const found = stuck ?? unscheduled
  if (!found) return {}
  const reason = clipSingleLine([found.reason, found.message].filter(Boolean).join(': '), MAX_REASON)
  return { reason, isStuck: stuck !== undefined }
}

/** Returns the exit code of the failed container of a job, and the last lines of its log. */
export async function containerFailureOf(
  http: Http,
  namespace: string,
  job: string,
): Promise<{ exitCode?: number; reason?: string }> {
  const containers = containersOf(await podsOf(http, namespace, job))
  const failed = containers.findLast(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0)
  const end = failed?.state?.terminated
  if (!failed || !end) return {}
  const query = { container: failed.name, tailLines: MAX_LOG_LINES }
  const path = `${resourcePath('api/v1', namespace, 'pods', failed.pod)}/log`
  // The log may be gone, or the service account may not read it.
  const { status, body } = await http.get(path, { query, accept: [400, 403, 404], acceptsPages: true })
  const lines = status === 200 ? clipLog(typeof body === 'string' ? body : JSON.stringify(body ?? '')) : ''
  const cause = [`Exit code ${end.exitCode}`, end.reason && end.reason !== 'Error' ? ` (${end.reason})` : ''].join('')
  return { exitCode: end.exitCode, reason: lines ? `${cause}: ${lines}` : cause }
}

async function podsOf(http: Http, namespace: string, job: string): Promise<Pod[]> {
  const query = { labelSelector: `batch.kubernetes.io/job-name=${segment(job)}` }
  return (await http.get(resourcePath('api/v1', namespace, 'pods'), { query, schema: pods })).body.items
}

function containersOf(items: Pod[]) {
  return items.flatMap(({ metadata, status }) =>
    [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].map((container) => ({
      ...container,
      pod: metadata.name,
    })),
  )
}

/** The end of a log says most. */
function clipLog(log: string): string {
  const line = log.trim().split('\n').join(' | ')
  return clipSingleLine(line.slice(-MAX_REASON), MAX_REASON)
}
