import * as z from 'zod/mini'
import { awsAccountFields } from '../../../shared/aws/aws.ts'
import { sigV4Authorization } from '../../../shared/aws/sign.ts'
import { Failure, invalidInput, refused, retryLater } from '../../../shared/errors.ts'
import { optional, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import type { Authorization } from '../../../shared/http/options.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type Run, type StopJob } from '../../../shared/providers/job.ts'
import { metricsOf, scale } from '../metrics.ts'

const connection = z.strictObject({
  baseUrl: url("URL of the solution's API: https://<id>.execute-api.<region>.amazonaws.com/prod"),
  region: optional(word('Region of the API, if its URL does not contain it')),
  roleArn: awsAccountFields.roleArn,
  externalId: awsAccountFields.externalId,
  consoleUrl: optional(url("URL of the solution's web console, for links to scenarios: https://<id>.cloudfront.net")),
  target: optional(word('Default scenario, by id')),
})
type Connection = z.output<typeof connection>

const PLATFORM = 'Distributed Load Testing on AWS'
/** The solution returns some numbers as text. */
const number = z.nullish(z.union([z.number(), z.string()]))
type Measure = z.output<typeof number>
/** Totals of all regions. Times are in seconds. */
const totals = z.object({
  succ: number,
  fail: number,
  testDuration: number,
  avg_rt: number,
  p0_0: number,
  p50_0: number,
  p90_0: number,
  p95_0: number,
  p99_0: number,
  p100_0: number,
})
const results = z.nullish(z.object({ total: z.nullish(totals) }))
const region = z.looseObject({ region: z.string(), taskCount: z.coerce.number(), concurrency: z.coerce.number() })
const scenario = z.object({
  testId: z.string(),
  testName: z.string(),
  status: z.nullish(z.string()),
  startTime: z.nullish(z.string()),
  endTime: z.nullish(z.string()),
  errorReason: z.nullish(z.string()),
  results,
  testDescription: z.nullish(z.string()),
  testType: z.string(),
  fileType: z.nullish(z.string()),
  showLive: z.nullish(z.boolean()),
  testTaskConfigs: z.array(region),
  testScenario: z.union([z.string(), z.record(z.string(), z.unknown())]),
  tags: z.nullish(z.array(z.string())),
  healthyThreshold: z.nullish(z.number()),
  nativeRunMode: z.nullish(z.record(z.string(), z.unknown())),
  scheduleRecurrence: z.nullish(z.string()),
  cronValue: z.nullish(z.string()),
  cronExpiryDate: z.nullish(z.string()),
  scheduleTimezone: z.nullish(z.string()),
})
type Scenario = z.output<typeof scenario>
/** Capacity of a region, as far as the solution could determine it. */
const capacity = z.looseObject({
  vCPULimit: z.nullish(z.number()),
  vCPUsInUse: z.nullish(z.number()),
  vCPUsPerTask: z.nullish(z.number()),
})
type Capacity = z.output<typeof capacity>
const capacities = z.record(z.string(), capacity)
const startedRun = z.object({ testId: z.string(), startTime: z.string() })
const runList = z.object({ testRuns: z.array(z.object({ testRunId: z.string(), startTime: z.nullish(z.string()) })) })
const testRun = z.object({
  status: z.nullish(z.string()),
  endTime: z.nullish(z.string()),
  errorReason: z.nullish(z.string()),
  results,
})
type TestRun = z.output<typeof testRun>

const API_HOST = /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/
const MAX_LISTED = 100
/** Another run of the scenario is running or being cleaned up. Transient. */
const CONFLICT = 409

/**
 * Distributed Load Testing on AWS, version 4 or later: runs a scenario. The solution allows one run per scenario at a time,
 * and a start returns no id, so the start time identifies a run. A start takes no idempotency key, so there is no `find`.
 *
 * @see https://docs.aws.amazon.com/solutions/latest/distributed-load-testing-on-aws/distributed-load-testing-api.html
 * @see https://github.com/aws-solutions/distributed-load-testing-on-aws source/api-services, and source/cli for a start
 */
export const awsDlt = defineJobProvider({
  title: PLATFORM,
  noun: 'test run',
  connection,
  authorization,
  check: ({ http }) => http.get('scenarios'),
  // API Gateway's own error responses.
  errorReason: (body) => (body as { Message?: string } | undefined)?.Message,

  states: {
    queued: 'running',
    pending: 'running',
    provisioning: 'running',
    running: 'running',
    'parsing results': 'running',
    'cleaning up': 'running',
    cancelling: 'running',
    complete: 'pass',
    cancelled: 'aborted',
    failed: 'errored',
  },

  checkStart({ target, project, ref, parameters }) {
    for (const [field, value] of Object.entries({ project, ref }))
      if (value !== undefined)
        throw invalidInput(`input.${field}`, 'is not supported: a scenario is identified by its id')
    if (parameters !== undefined)
      throw invalidInput('input.parameters', 'is not supported: the scenario defines everything')
    if (!isId(target)) throw invalidInput('input.target', 'must be a scenario id such as xLSxdVZzcP')
  },

  // Saving a scenario again starts a run.
  async start({ http, connection }, { target }) {
    const saved = await readScenario(http, target)
    const { body: capacity } = await http.get('vCPUDetails', { schema: capacities })
    const { status, body } = await http.post('scenarios', requestOf(saved, capacity), {
      schema: startedRun,
      accept: [CONFLICT],
    })
    if (status === CONFLICT) throw retryLater(`${saved.testName} cannot start yet: ${errorReasonIn(body)}`)
    return runOf(connection, body.testId, body.startTime)
  },

  async getStatus({ http, connection }, { id }) {
    const { testId, startTime } = parseId({ id })
    const latest = await readScenario(http, testId)
    if (startTime === undefined && !latest.startTime)
      throw refused(`${latest.testName} has never run: its status is ${latest.status}.`)
    const time = startTime ?? latest.startTime ?? ''
    const current = time === latest.startTime ? latest : await pastRun(http, latest, time)
    const metrics = numbersOf(current)
    return {
      state: current.status ?? '',
      run: runOf(connection, testId, time),
      reason: current.errorReason || undefined,
      data: metrics,
      metrics,
      period: { start: isoOf(time), end: current.endTime && isoOf(current.endTime) },
    }
  },

  parseRunId(input) {
    parseId(input)
    return { id: input.id }
  },

  // The request stops whichever run of the scenario is running, so check first that it is ours.
  async stop({ http }, { id }) {
    const { testId, startTime } = parseId({ id })
    if (startTime !== undefined && startTime !== (await readScenario(http, testId)).startTime) return
    // 409 if the run has ended or is about to end: the next poll reports it.
    await http.post(`scenarios/${segment(testId)}`, undefined, { accept: [CONFLICT] })
  },
})

/** The API accepts only IAM signatures: of the function's role, or of a role that it assumes. */
function authorization({ baseUrl, region: configured, roleArn, externalId }: Connection): Authorization {
  const region = configured ?? API_HOST.exec(new URL(baseUrl).hostname)?.[1]
  if (region)
    return sigV4Authorization({ service: 'execute-api', platform: PLATFORM, account: { region, roleArn, externalId } })
  throw new Failure(
    'misconfigured',
    `The connection to ${PLATFORM} needs a region, because its baseUrl does not contain one.`,
  )
}

async function readScenario(http: Http, testId: string): Promise<Scenario> {
  return (await http.get(`scenarios/${segment(testId)}`, { query: { history: false }, schema: scenario })).body
}

/** Returns a run that is no longer the latest run of its scenario. */
async function pastRun(http: Http, { testId, testName }: Scenario, startTime: string): Promise<TestRun> {
  const path = `scenarios/${segment(testId)}/testruns`
  const query = { start_timestamp: isoOf(startTime), limit: MAX_LISTED }
  const { testRuns: runs } = (await http.get(path, { query, schema: runList })).body
  const found = runs.find((run) => run.startTime === startTime)
  if (found) return (await http.get(`${path}/${segment(found.testRunId)}`, { schema: testRun })).body
  throw refused(`${PLATFORM} has no run of ${testName} that started at ${startTime}.`)
}

/** Returns the request that the solution's command line sends, plus the schedule. Without it, the schedule would be deleted. */
function requestOf(saved: Scenario, capacity: z.output<typeof capacities>) {
  const { testId, testName, testDescription, testType, fileType, showLive, testScenario } = saved
  const optionalFields = {
    testDescription,
    fileType,
    tags: saved.tags,
    healthyThreshold: saved.healthyThreshold,
    nativeRunMode: saved.nativeRunMode,
    recurrence: saved.scheduleRecurrence,
    cronValue: saved.cronValue,
    cronExpiryDate: saved.cronExpiryDate,
    scheduleTimezone: saved.scheduleTimezone,
  }
  return {
    testId,
    testName,
    testType,
    showLive: showLive ?? false,
    // The saved configuration also contains all infrastructure of a region.
    testTaskConfigs: saved.testTaskConfigs.map(({ region, taskCount, concurrency }) => ({
      region,
      taskCount,
      concurrency,
    })),
    testScenario: typeof testScenario === 'string' ? JSON.parse(testScenario) : testScenario,
    regionalTaskDetails: Object.fromEntries(
      saved.testTaskConfigs.map(({ region, taskCount }) => [region, detailsOf(region, taskCount, capacity[region])]),
    ),
    ...Object.fromEntries(
      Object.entries(optionalFields).filter(([, value]) => value !== null && value !== undefined && value !== ''),
    ),
  }
}

/** @throws Failure `refused` if the tasks exceed the limit, `platform` if they exceed the free capacity */
function detailsOf(region: string, tasks: number, capacity: Capacity | undefined) {
  if (!capacity) throw refused(`${PLATFORM} has no stack in ${region}. Deploy one, or change the scenario.`)
  const { vCPULimit: limit, vCPUsInUse: used, vCPUsPerTask: each } = capacity
  // The solution cannot always determine these. Then it decides itself.
  if (limit == null || used == null || !each) return { ...capacity, dltAvailableTasks: tasks }
  const [max, free] = [Math.floor(limit / each), Math.floor((limit - used) / each)]
  if (tasks > max) throw refused(`The scenario needs ${tasks} tasks, but Fargate can run at most ${max} in ${region}.`)
  if (tasks > free)
    throw retryLater(`The scenario needs ${tasks} tasks, but Fargate has room for ${free} in ${region} now.`)
  return { ...capacity, dltAvailableTasks: free }
}

function numbersOf({ results }: Pick<TestRun, 'results'>): Record<string, number> {
  const all = results?.total
  if (!all) return {}
  const milliseconds = (seconds: Measure) => scale(1_000, seconds)
  const errors = Number(all.fail ?? 0)
  const requests = Number(all.succ ?? 0) + errors
  const duration = Number(all.testDuration ?? 0)
  return metricsOf({
    mean: milliseconds(all.avg_rt),
    min: milliseconds(all.p0_0),
    p50: milliseconds(all.p50_0),
    p90: milliseconds(all.p90_0),
    p95: milliseconds(all.p95_0),
    p99: milliseconds(all.p99_0),
    max: milliseconds(all.p100_0),
    requests,
    errors,
    ...(duration > 0 ? { duration, rps: requests / duration } : {}),
  })
}

/** The solution writes times as `2026-01-01 10:00:00`. */
function runOf({ consoleUrl }: Connection, testId: string, startTime: string): Run {
  const id = `${testId}@${isoOf(startTime)}`
  return { id, ...(consoleUrl ? { url: `${consoleUrl.replace(/\/$/, '')}/scenarios/${segment(testId)}` } : {}) }
}

function isoOf(time: string): string {
  return `${time.replace(' ', 'T')}Z`
}

/** Without a time, an id means the latest run of the scenario. */
function parseId({ id }: Pick<StopJob, 'id'>): { testId: string; startTime: string | undefined } {
  const [, testId, date, clock] = /^([A-Za-z0-9-]{1,128})(?:@(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)Z)?$/.exec(id) ?? []
  if (testId) return { testId, startTime: date && `${date} ${clock}` }
  throw invalidInput(
    'input.id',
    'must be a test run id such as xLSxdVZzcP@2026-01-01T10:00:00Z, or xLSxdVZzcP for the latest run',
  )
}

function isId(text: string): boolean {
  return /^[A-Za-z0-9-]{1,128}$/.test(text)
}
