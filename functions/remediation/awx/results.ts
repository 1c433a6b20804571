import * as z from 'zod/mini'
import { Failure, messageOf } from '../../../shared/errors.ts'
import { optional } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import type { RunStatus } from '../../../shared/providers/job.ts'
import { limitOutput, metricsIn } from '../../../shared/providers/run-output.ts'
import { isRecord } from '../../../shared/record.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { partsOf, states } from './run.ts'
import type { TemplateKind } from './templates.ts'

const counts = z.nullish(z.record(z.string(), z.number()))
export const runDetails = z.object({
  status: z.string(),
  elapsed: z.nullish(z.number()),
  started: z.nullish(z.string()),
  finished: z.nullish(z.string()),
  job_explanation: z.nullish(z.string()),
  result_traceback: z.nullish(z.string()),
  event_processing_finished: z.nullish(z.boolean()),
  artifacts: z.nullish(z.unknown()),
  playbook_counts: counts,
  host_status_counts: counts,
})
type RunDetails = z.output<typeof runDetails>
const eventList = z.object({
  results: z.array(
    z.object({
      task: z.nullish(z.string()),
      host_name: z.nullish(z.string()),
      event_data: optional(z.object({ res: z.nullish(z.unknown()) })),
    }),
  ),
})
const nodeList = z.object({
  results: z.array(
    z.object({
      do_not_run: optional(z.boolean()),
      summary_fields: z.object({
        job: z.nullish(z.object({ id: z.int(), name: z.string(), type: z.string(), status: z.string() })),
      }),
    }),
  ),
})
type NodeJob = NonNullable<z.output<typeof nodeList>['results'][number]['summary_fields']['job']>

/** How long to wait for the events of a job that has ended. */
const MAX_SAVE_MS = 60_000
const MAX_NAMES = 3
const MAX_NODES = 200
const MAX_REASON = 300

/** AWX's names for the states of hosts, and ours. */
const hostStates = { ok: 'ok', changed: 'changed', failures: 'failed', dark: 'unreachable', skipped: 'skipped' }

/** AWX saves the events of a job, and so the states of its hosts, after the job has ended. */
export function isSaving({ event_processing_finished, finished }: RunDetails): boolean {
  if (event_processing_finished !== false || !finished) return false
  return Math.abs(Date.now() - Date.parse(finished)) < MAX_SAVE_MS
}

export async function progressOf(
  http: Http,
  kind: TemplateKind,
  path: string,
  details: RunDetails,
): Promise<string | undefined> {
  const { play_count, task_count } = details.playbook_counts ?? {}
  if (kind === 'job')
    return task_count ? `play ${play_count ?? 1}, task ${task_count}` : details.job_explanation || undefined
  const { jobs, total } = await nodesOf(http, path)
  const running = jobs.filter(({ status }) => states[status] === 'running')
  const ended = `${jobs.length - running.length} of ${total} nodes ended`
  return [ended, ...running.slice(0, MAX_NAMES).map(formatNode)].join(', ')
}

function formatNode({ name, type, status }: NodeJob): string {
  return type === 'workflow_approval' ? `waiting for the approval "${name}"` : `${name} ${status}`
}

async function nodesOf(http: Http, path: string): Promise<{ jobs: NodeJob[]; total: number }> {
  const query = { order_by: 'id', page_size: MAX_NODES }
  const { results } = (await http.get(`${path}workflow_nodes/`, { query, schema: nodeList })).body
  const jobs = results.flatMap(({ summary_fields: { job } }) => (job ? [job] : []))
  return { jobs, total: results.filter(({ do_not_run }) => !do_not_run).length }
}

export async function resultsOf(http: Http, kind: TemplateKind, api: string, path: string, details: RunDetails) {
  const { elapsed, artifacts, host_status_counts } = details
  const duration: Record<string, number> = elapsed == null ? {} : { duration: elapsed }
  const hosts =
    host_status_counts && Object.keys(host_status_counts).length > 0 ? hostsOf(host_status_counts) : undefined
  const failure = ['fail', 'errored'].includes(states[details.status] ?? '')
    ? await failureOf(http, kind, api, path)
    : {}
  const traceback = details.result_traceback?.trim().split('\n').at(-1)
  return {
    reason: joinReasons([failure.reason, details.job_explanation, traceback]),
    data: {
      ...duration,
      ...(hosts ? { hosts } : {}),
      ...failure.data,
      ...(limitOutput(artifacts) === undefined ? {} : { artifacts: limitOutput(artifacts) }),
    },
    metrics: { ...metricsIn(artifacts), ...duration, ...hosts },
    period: { start: details.started, end: details.finished },
  } satisfies Partial<RunStatus>
}

function hostsOf(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(hostStates).map(([awxName, name]) => [name, counts[awxName] ?? 0]))
}

/** Returns the task or node that failed. If it cannot be read, the verdict is still reported. */
async function failureOf(
  http: Http,
  kind: TemplateKind,
  api: string,
  path: string,
): Promise<{ reason?: string | undefined; data?: Record<string, string> }> {
  try {
    return kind === 'job' ? await failedTask(http, path) : await failedNode(http, api, path)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { reason: `the failed task could not be read (${messageOf(error)})` }
  }
}

async function failedNode(http: Http, api: string, path: string) {
  const { jobs } = await nodesOf(http, path)
  const node = jobs.find(({ status }) => ['fail', 'errored'].includes(states[status] ?? ''))
  if (!node) return {}
  const task = node.type === 'job' ? await failedTask(http, partsOf(api, `job/${node.id}`).path) : {}
  const reason = `node "${node.name}" ended as ${node.status}${task.reason ? `: ${task.reason}` : ''}`
  return { reason, data: { failedNode: node.name, ...task.data } }
}

/** Reads only the names and the message of an event: the arguments and results of a module may contain secrets. */
async function failedTask(http: Http, path: string) {
  const query = {
    event__in: 'runner_on_failed,runner_on_unreachable',
    failed: true,
    order_by: '-counter',
    page_size: MAX_NAMES,
  }
  const { results } = (await http.get(`${path}job_events/`, { query, schema: eventList })).body
  const [last] = results
  if (!last?.task) return {}
  const hosts = results.flatMap(({ task, host_name }) => (task === last.task && host_name ? [host_name] : []))
  const on = hosts.length > 0 ? ` on ${[...new Set(hosts)].reverse().join(', ')}` : ''
  const res = last.event_data?.res
  const message = isRecord(res) && typeof res['msg'] === 'string' ? `: ${clipSingleLine(res['msg'], MAX_REASON)}` : ''
  return { reason: `task "${last.task}" failed${on}${message}`, data: { failedTask: last.task } }
}

export function joinReasons(reasons: (string | null | undefined)[]): string | undefined {
  const lines = reasons.flatMap((reason) => (reason ? clipSingleLine(reason, 2 * MAX_REASON) : []))
  return lines.join('; ') || undefined
}
