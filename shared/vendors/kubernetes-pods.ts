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
const pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z.nullish(
        z.object({
          containerStatuses: z.nullish(z.array(containerStatus)),
          initContainerStatuses: z.nullish(z.array(containerStatus)),
        }),
      ),
    }),
  ),
})

/** Kubernetes repeats what has led to these reasons. */
const STUCK_REASONS = [
  ...['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull'],
  ...['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError'],
]
const MAX_LOG_LINES = 20
const MAX_REASON = 1_000

/** Returns why a container of a job cannot start; undefined if nothing is known to be wrong. */
export async function stuckReason(http: Http, namespace: string, job: string): Promise<string | undefined> {
  const waiting = (await containersOf(http, namespace, job)).map(({ state }) => state?.waiting)
  const found = waiting.find((one) => STUCK_REASONS.includes(one?.reason ?? ''))
  if (!found) return undefined
  return clipSingleLine([found.reason, found.message].filter(Boolean).join(': '), MAX_REASON)
}

/** Returns the exit code of the failed container of a job, and the last lines of its log. */
export async function failureOf(
  http: Http,
  namespace: string,
  job: string,
): Promise<{ exitCode?: number; reason?: string }> {
  const containers = await containersOf(http, namespace, job)
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

async function containersOf(http: Http, namespace: string, job: string) {
  const query = { labelSelector: `batch.kubernetes.io/job-name=${segment(job)}` }
  const { items } = (await http.get(resourcePath('api/v1', namespace, 'pods'), { query, schema: pods })).body
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
