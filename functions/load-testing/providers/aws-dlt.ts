import * as z from 'zod/mini'
import { awsAccountFields } from '../../../shared/aws/aws.ts'
import { sigV4Authorization } from '../../../shared/aws/sign.ts'
import { Failure } from '../../../shared/errors.ts'
import { optional, url, word } from '../../../shared/fields.ts'
import type { Authorization, Http } from '../../../shared/http/client.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type Run, type StopJob } from '../../../shared/providers/job.ts'
import { metricsOf, times } from '../metrics.ts'

const connection = z.strictObject({
  baseUrl: url("The solution's API: https://<id>.execute-api.<region>.amazonaws.com/prod"),
  region: optional(word('The region of the API, where its URL does not say so')),
  roleArn: awsAccountFields.roleArn,
  externalId: awsAccountFields.externalId,
  consoleUrl: optional(url("The solution's web console, for links to the scenario: https://<id>.cloudfront.net")),
  target: optional(word('Default scenario, by its id')),
})
type Connection = z.output<typeof connection>

const platform = 'Distributed Load Testing on AWS'
/** It writes some numbers as text. */
const number = z.nullish(z.union([z.number(), z.string()]))
type Measure = z.output<typeof number>
/** Of all regions together; times are in seconds. */
const totals = z.object({
  ...{ succ: number, fail: number, testDuration: number },
  ...{ avg_rt: number, p0_0: number, p50_0: number, p90_0: number, p95_0: number, p99_0: number, p100_0: number },
})
const results = z.nullish(z.object({ total: z.nullish(totals) }))
const region = z.looseObject({ region: z.string(), taskCount: z.coerce.number(), concurrency: z.coerce.number() })
const scenario = z.object({
  testId: z.string(),
  testName: z.string(),
  status: z.nullish(z.string()),
  startTime: z.nullish(z.string()),
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
/** Of a region, where the solution could find out. */
const capacity = z.looseObject({
  vCPULimit: z.nullish(z.number()),
  vCPUsInUse: z.nullish(z.number()),
  vCPUsPerTask: z.nullish(z.number()),
})
type Capacity = z.output<typeof capacity>
const capacities = z.record(z.string(), capacity)
const startedRun = z.object({ testId: z.string(), startTime: z.string() })
const runList = z.object({ testRuns: z.array(z.object({ testRunId: z.string(), startTime: z.nullish(z.string()) })) })
const testRun = z.object({ status: z.nullish(z.string()), errorReason: z.nullish(z.string()), results })
type Seen = z.output<typeof testRun>

const apiHost = /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/
const mostListed = 100
/** Another run of the scenario is on, or is being cleared away: that will end. */
const busy = 409

/**
 * Distributed Load Testing on AWS, from version 4: a run of a scenario. The solution keeps one run at a time, and answers no id
 * when one is started; what names it is the time of its start. It has no place for a key either, so none can be looked up.
 *
 * @see https://docs.aws.amazon.com/solutions/latest/distributed-load-testing-on-aws/distributed-load-testing-api.html
 * @see https://github.com/aws-solutions/distributed-load-testing-on-aws source/api-services, and how source/cli starts a run
 */
export const awsDlt = defineJobProvider({
  title: platform,
  noun: 'test run',
  connection,
  authorization,
  check: ({ http }) => http.get('scenarios'),
  // API Gateway's own refusals, of who may not call it.
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
      if (value !== undefined) throw invalid(field, 'is of no use, since a scenario is known by its id: leave it out')
    if (parameters !== undefined)
      throw invalid('parameters', 'is of no use, since a run takes none: all of it is in the scenario')
    if (!isId(target)) throw invalid('target', 'is no scenario: write its id like xLSxdVZzcP')
  },

  // A run is started by saving the whole scenario again.
  async start({ http, connection }, { target }) {
    const known = await readScenario(http, target)
    const { body: capacity } = await http.get('vCPUDetails', { schema: capacities })
    const { status, body } = await http.post('scenarios', requestOf(known, capacity), {
      schema: startedRun,
      accept: [busy],
    })
    if (status === busy)
      throw new Failure('platform', `${known.testName} can not be started yet: ${errorReasonIn(body)}`)
    return runOf(connection, body.testId, body.startTime)
  },

  async getStatus({ http, connection }, { id }) {
    const { testId, startTime } = locate({ id })
    const now = await readScenario(http, testId)
    if (startTime === undefined && !now.startTime)
      throw new Failure('refused', `${now.testName} has not been run yet: it is ${now.status}.`)
    const time = startTime ?? now.startTime ?? ''
    const seen = time === now.startTime ? now : await pastRun(http, now, time)
    const metrics = numbersOf(seen)
    return {
      state: seen.status ?? '',
      run: runOf(connection, testId, time),
      reason: seen.errorReason || undefined,
      data: metrics,
      metrics,
    }
  },

  parseRunId(input) {
    locate(input)
    return { id: input.id }
  },

  // What is stopped is the scenario, whichever run of it is on: so it is looked whether that is ours.
  async stop({ http }, { id }) {
    const { testId, startTime } = locate({ id })
    if (startTime !== undefined && startTime !== (await readScenario(http, testId)).startTime) return
    // 409 for a run that has ended, or is about to: the next look shows which.
    await http.post(`scenarios/${segment(testId)}`, undefined, { accept: [409] })
  },
})

/** The API takes signatures of IAM alone: those of the function's role, or of one that it assumes. */
function authorization({ baseUrl, region: given, roleArn, externalId }: Connection): Authorization {
  const region = given ?? apiHost.exec(new URL(baseUrl).hostname)?.[1]
  if (region) return sigV4Authorization({ service: 'execute-api', platform, account: { region, roleArn, externalId } })
  throw new Failure(
    'misconfigured',
    `The connection to ${platform} needs a region, since its baseUrl does not name one.`,
  )
}

async function readScenario(http: Http, testId: string): Promise<Scenario> {
  return (await http.get(`scenarios/${segment(testId)}`, { query: { history: false }, schema: scenario })).body
}

/** A run after which the scenario has been run again. */
async function pastRun(http: Http, { testId, testName }: Scenario, startTime: string): Promise<Seen> {
  const path = `scenarios/${segment(testId)}/testruns`
  const query = { start_timestamp: isoOf(startTime), limit: mostListed }
  const { testRuns: runs } = (await http.get(path, { query, schema: runList })).body
  const found = runs.find((run) => run.startTime === startTime)
  if (found) return (await http.get(`${path}/${segment(found.testRunId)}`, { schema: testRun })).body
  throw new Failure('refused', `${platform} lists no run of ${testName} that began at ${startTime}.`)
}

/** What the solution's own command line sends, and the schedule, which would be forgotten else. */
function requestOf(known: Scenario, capacity: z.output<typeof capacities>) {
  const { testId, testName, testDescription, testType, fileType, showLive, testScenario } = known
  const given = {
    testDescription,
    fileType,
    tags: known.tags,
    healthyThreshold: known.healthyThreshold,
    nativeRunMode: known.nativeRunMode,
    recurrence: known.scheduleRecurrence,
    cronValue: known.cronValue,
    cronExpiryDate: known.cronExpiryDate,
    scheduleTimezone: known.scheduleTimezone,
  }
  return {
    testId,
    testName,
    testType,
    showLive: showLive ?? false,
    // Beside these, what is read has all of a region's infrastructure.
    testTaskConfigs: known.testTaskConfigs.map(({ region, taskCount, concurrency }) => ({
      region,
      taskCount,
      concurrency,
    })),
    testScenario: typeof testScenario === 'string' ? JSON.parse(testScenario) : testScenario,
    regionalTaskDetails: Object.fromEntries(
      known.testTaskConfigs.map(({ region, taskCount }) => [region, detailsOf(region, taskCount, capacity[region])]),
    ),
    ...Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== null && value !== undefined && value !== ''),
    ),
  }
}

/** @throws Failure where there is no room for so many tasks, now or ever */
function detailsOf(region: string, tasks: number, capacity: Capacity | undefined) {
  if (!capacity)
    throw new Failure('refused', `${platform} has no stack in ${region}: deploy one, or change the scenario.`)
  const { vCPULimit: limit, vCPUsInUse: used, vCPUsPerTask: each } = capacity
  // The solution does not always find out: then it is not for us to say.
  if (limit == null || used == null || !each) return { ...capacity, dltAvailableTasks: tasks }
  const [most, free] = [Math.floor(limit / each), Math.floor((limit - used) / each)]
  if (tasks > most)
    throw new Failure('refused', `${tasks} tasks are more than the ${most} that Fargate can run in ${region}.`)
  if (tasks > free)
    throw new Failure('platform', `Fargate has room for ${free} of ${tasks} tasks in ${region} just now.`)
  return { ...capacity, dltAvailableTasks: free }
}

function numbersOf({ results }: Seen): Record<string, number> {
  const all = results?.total
  if (!all) return {}
  const milliseconds = (seconds: Measure) => times(1_000, seconds)
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

/** Named by its scenario and the time of its start, which the solution writes as `2026-01-01 10:00:00`. */
function runOf({ consoleUrl }: Connection, testId: string, startTime: string): Run {
  const id = `${testId}@${isoOf(startTime)}`
  return { id, ...(consoleUrl ? { url: `${consoleUrl.replace(/\/$/, '')}/scenarios/${segment(testId)}` } : {}) }
}

function isoOf(time: string): string {
  return `${time.replace(' ', 'T')}Z`
}

/** Without a time it is the last run of the scenario. */
function locate({ id }: Pick<StopJob, 'id'>): { testId: string; startTime: string | undefined } {
  const [, testId, date, clock] = /^([A-Za-z0-9-]{1,128})(?:@(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)Z)?$/.exec(id) ?? []
  if (testId) return { testId, startTime: date && `${date} ${clock}` }
  throw invalid('id', 'is no test run: write it like xLSxdVZzcP@2026-01-01T10:00:00Z, or xLSxdVZzcP for the last one')
}

function isId(text: string): boolean {
  return /^[A-Za-z0-9-]{1,128}$/.test(text)
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
