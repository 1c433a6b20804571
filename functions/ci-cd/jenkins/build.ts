import * as z from 'zod/mini'
import { optional } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import type { RunStatus } from '../../../shared/providers/job.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

/** An entry of the `actions` of a build or queue item. Many are empty. */
const action = z.object({
  parameters: optional(z.array(z.object({ name: z.string(), value: optional(z.unknown()) }))),
  totalCount: optional(z.int()),
  failCount: optional(z.int()),
  skipCount: optional(z.int()),
})
export type Action = z.output<typeof action>
export const actions = z.array(action)
const build = z.object({
  _class: optional(z.string()),
  building: z.boolean(),
  result: z.nullish(z.string()),
  /** The start, in epoch milliseconds. */
  timestamp: optional(z.number()),
  duration: optional(z.number()),
  actions: optional(actions),
})
type Build = z.output<typeof build>
const described = z.object({
  stages: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      error: z.nullish(z.object({ message: z.nullish(z.string()) })),
    }),
  ),
})
type Stage = z.output<typeof described>['stages'][number]

const MAX_REASON_LENGTH = 300

/** Returns the status of the build at a path. */
export async function buildStatus(http: Http, path: string): Promise<RunStatus> {
  const tree = 'building,result,timestamp,duration,actions[totalCount,failCount,skipCount]'
  const found = (await http.get(`${path}/api/json`, { query: { tree }, schema: build })).body
  const stages = found._class?.includes('.workflow.') ? await stagesOf(http, path) : []
  const page = `${http.baseUrl}/${path}`
  // A build can have a result before it ends.
  if (found.building || !found.result) return { state: 'BUILDING', progress: describeProgress(stages) }
  return { state: found.result, ...resultsOf(found, stages, page) }
}

/** Returns the stages of a pipeline. Requires the Pipeline: Stage View plugin. */
async function stagesOf(http: Http, path: string): Promise<Stage[]> {
  const { status, body } = await http.get(`${path}/wfapi/describe`, { accept: [404], schema: described })
  return status === 404 ? [] : body.stages
}

function describeProgress(stages: Stage[]): string | undefined {
  const index = stages.findLastIndex(({ status }) => ['IN_PROGRESS', 'PAUSED_PENDING_INPUT'].includes(status))
  const stage = stages[index]
  return stage && `stage ${index + 1}, ${stage.name}${stage.status === 'IN_PROGRESS' ? '' : ', waiting for input'}`
}

function resultsOf(
  { result, timestamp, duration = 0, actions = [] }: Build,
  stages: Stage[],
  page: string,
): Partial<RunStatus> {
  const metrics: Record<string, number> = { duration: Math.round(duration / 1_000) }
  // The test report is the action that has a total.
  const {
    totalCount: tests,
    failCount: testsFailed = 0,
    skipCount: testsSkipped = 0,
  } = actions.find(({ totalCount }) => totalCount !== undefined) ?? {}
  if (tests !== undefined)
    Object.assign(metrics, { tests, testsFailed, testsSkipped, testsPassed: tests - testsFailed - testsSkipped })
  const failing =
    result === 'SUCCESS' ? undefined : stages.find(({ status }) => /^(?:FAILED|UNSTABLE|ABORTED)$/.test(status))
  const cause = failing && `stage "${failing.name}" ${failing.status.toLowerCase()}`
  const reason = [
    [cause, failing?.error?.message].filter(Boolean).join(': '),
    testsFailed > 0 ? `${testsFailed} of ${tests} tests failed` : '',
  ]
  return {
    reason: clipSingleLine(reason.filter(Boolean).join('; '), MAX_REASON_LENGTH) || undefined,
    data: { ...metrics, ...(failing ? { failedStage: failing.name } : {}) },
    links: { console: `${page}/console`, ...(tests === undefined ? {} : { tests: `${page}/testReport/` }) },
    metrics,
    period: timestamp === undefined ? undefined : { start: timestamp, end: timestamp + duration },
  }
}
