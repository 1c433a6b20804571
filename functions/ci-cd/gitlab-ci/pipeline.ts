import * as z from 'zod/mini'
import { optional } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import type { RunStatus } from '../../../shared/providers/job.ts'

export const pipeline = z.object({ id: z.int(), web_url: z.string(), status: z.string(), name: z.nullish(z.string()) })
export type Pipeline = z.output<typeof pipeline>
export const pipelineDetails = z.extend(pipeline, {
  started_at: z.nullish(z.string()),
  finished_at: z.nullish(z.string()),
  /** Without the time that jobs waited. */
  duration: z.nullish(z.number()),
  coverage: z.nullish(z.union([z.string(), z.number()])),
  yaml_errors: z.nullish(z.string()),
  detailed_status: optional(z.object({ group: z.string() })),
})
const jobList = z.array(
  z.object({
    name: z.string(),
    stage: z.string(),
    web_url: z.string(),
    failure_reason: z.nullish(z.string()),
    allow_failure: optional(z.boolean()),
  }),
)
const testSummary = z.object({
  total: z.object({ count: z.int(), success: z.int(), failed: z.int(), skipped: z.int(), error: z.int() }),
})

/** Without permission to read jobs, only the state is reported. */
const UNREADABLE = [403, 404]

/** Returns why a pipeline that has ended failed, its tests and its measurements. */
export async function resultsOf(
  http: Http,
  path: string,
  current: z.output<typeof pipelineDetails>,
): Promise<Partial<RunStatus>> {
  const { duration, coverage, yaml_errors } = current
  const numbers: Record<string, number> = {
    ...(duration == null ? {} : { duration }),
    ...(coverage == null ? {} : { coverage: Number(coverage) }),
  }
  const tests = await testsOf(http, path)
  const job = current.status === 'failed' ? await failedJobOf(http, path) : undefined
  const cause = job?.failure_reason ? ` (${job.failure_reason})` : ''
  return {
    reason: job ? `job "${job.name}" of stage "${job.stage}" failed${cause}` : (yaml_errors ?? undefined),
    data: { ...numbers, ...(tests ? { tests } : {}), ...(job ? { failedJob: job.name, failedStage: job.stage } : {}) },
    links: job ? { [`job ${job.name}`]: job.web_url } : {},
    metrics: { ...numbers, ...tests },
    period: { start: current.started_at, end: current.finished_at },
  }
}

async function testsOf(http: Http, path: string) {
  const { status, body } = await http.get(`${path}/test_report_summary`, { accept: UNREADABLE, schema: testSummary })
  if (UNREADABLE.includes(status) || body.total.count === 0) return undefined
  const { count: total, success: passed, failed, error, skipped } = body.total
  return { total, passed, failed: failed + error, skipped }
}

async function failedJobOf(http: Http, path: string) {
  const query = { scope: 'failed', per_page: 100 }
  const { status, body: jobs } = await http.get(`${path}/jobs`, { query, accept: UNREADABLE, schema: jobList })
  return UNREADABLE.includes(status) ? undefined : jobs.find(({ allow_failure }) => !allow_failure)
}
