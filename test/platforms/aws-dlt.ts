import { createHash, createHmac } from 'node:crypto'
import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Scenario {
  testId: string
  testName: string
  testDescription: string
  testType: string
  fileType: string
  showLive: boolean
  tags: string[]
  testTaskConfigs: { region: string; taskCount: number; concurrency: number; [infrastructure: string]: unknown }[]
  testScenario: Record<string, unknown>
  status: string
  startTime: string
  results: { total?: object }
  errorReason?: string
  [more: string]: unknown
}

interface TestRun {
  testRunId: string
  startTime: string
  status: string
  results: { total?: object }
  errorReason?: string | undefined
}

/** The state of the fake. Tests read and change it. */
interface AwsDltState {
  scenario: Scenario
  runs: TestRun[]
  /** The requests that started tests. */
  starts: Record<string, unknown>[]
  capacity: Record<string, Record<string, number | undefined>>
  /** Whether the role may call the API. */
  mayInvoke: boolean
  /** Whether a run is at once stopped when it is asked to be. */
  stopsAtOnce: boolean
  /** The time of the next start. */
  now: string
}

export interface AwsDltServer extends Served {
  testId: string
  state: AwsDltState
  /** Completes the run. */
  finish(status: string, more?: Partial<Pick<Scenario, 'results' | 'errorReason'>>): void
}

const active = ['queued', 'provisioning', 'running', 'cancelling', 'cleaning up', 'parsing results']
const cancelable = ['queued', 'provisioning', 'running', 'cancelling']

/**
 * The API of Distributed Load Testing on AWS (version 4) with one scenario, behind an API Gateway that takes signatures of IAM.
 *
 * @see https://github.com/aws-solutions/distributed-load-testing-on-aws source/api-services
 */
export async function startAwsDlt(): Promise<AwsDltServer> {
  const testId = 'xLSxdVZzcP'
  const state: AwsDltState = {
    scenario: {
      ...{ testId, testName: 'checkout', testDescription: 'checkout load', testType: 'simple', fileType: 'none' },
      ...{ showLive: false, tags: ['shop'], status: 'created', startTime: '', results: {} },
      testTaskConfigs: [{ region: 'eu-west-1', taskCount: 2, concurrency: 10, taskCluster: 'dlt-cluster' }],
      testScenario: {
        execution: [{ 'ramp-up': '1m', 'hold-for': '2m', scenario: 'checkout' }],
        scenarios: { checkout: { requests: [{ url: 'https://shop.example.com', method: 'GET' }] } },
      },
      ...{ nextRun: '', scheduleTimezone: 'UTC', cronValue: '', cronExpiryDate: '', scheduleRecurrence: '' },
      ...{ healthyThreshold: 80, endTime: '', totalTestRuns: 0 },
    },
    runs: [],
    starts: [],
    capacity: { 'eu-west-1': { vCPULimit: 100, vCPUsInUse: 20, vCPUsPerTask: 2 } },
    mayInvoke: true,
    stopsAtOnce: false,
    now: '2026-01-01 10:00:00',
  }
  const served = await serve((call) => {
    const wrong = signatureError(call)
    if (wrong) return { status: 403, body: { message: wrong } }
    if (!state.mayInvoke)
      return {
        status: 403,
        body: { Message: `User: robot is not authorized to perform: execute-api:Invoke on resource: GET ${call.path}` },
      }
    return answer(state, call)
  })
  return {
    ...served,
    testId,
    state,
    finish(status, more = {}) {
      Object.assign(state.scenario, { status, ...more })
      const { startTime, results, errorReason } = state.scenario
      const run = { testRunId: `run-${state.runs.length}`, startTime, status, results, errorReason }
      state.runs.push(run)
    },
  }
}

/** Errors are JSON text: `"TEST_RUNNING: testId .."`. */
function refused(status: number, code: string, message: string): Reply {
  return { status, body: JSON.stringify(`${code}: ${message}`) }
}

function answer(state: AwsDltState, { method, path, query, body }: Call): Reply {
  const { scenario } = state
  const is = (pattern: RegExp) => pattern.exec(path.replace(/^\/prod/, ''))
  if (is(/^\/vCPUDetails$/)) return ok(state.capacity)
  if (is(/^\/scenarios$/) && method === 'GET') return ok({ Items: [scenario] })
  if (is(/^\/scenarios$/)) return start(state, (body ?? {}) as Record<string, unknown>)
  const [, id = '', runs, runId] = is(/^\/scenarios\/([\w-]+)(?:\/(testruns)(?:\/([\w-]+))?)?$/) ?? []
  if (id !== scenario.testId) return refused(404, 'TEST_NOT_FOUND', `testId '${id}' not found`)
  if (method === 'POST') return cancel(state)
  if (!runs) return ok({ ...scenario, history: query.get('history') === 'false' ? [] : state.runs })
  if (runId) {
    const run = state.runs.find(({ testRunId }) => testRunId === runId)
    return run ? ok(run) : refused(404, 'TESTRUN_NOT_FOUND', `Test run '${runId}' not found for test '${id}'`)
  }
  const since = Date.parse(query.get('start_timestamp') ?? '')
  const later = state.runs.filter(({ startTime }) => !(Date.parse(`${startTime.replace(' ', 'T')}Z`) < since))
  const testRuns = later.toReversed().map(({ testRunId, startTime, status }) => ({ testRunId, startTime, status }))
  return ok({ testRuns, pagination: { limit: 100, next_token: null, total_count: testRuns.length } })
}

function start(state: AwsDltState, asked: Record<string, unknown>): Reply {
  const { scenario } = state
  const regions = asked['testTaskConfigs'] as Scenario['testTaskConfigs']
  const details = (asked['regionalTaskDetails'] ?? {}) as Record<string, { dltAvailableTasks?: number }>
  for (const field of ['testName', 'testDescription', 'testType'])
    if (typeof asked[field] !== 'string') return refused(400, 'INVALID_REQUEST_BODY', `${field} is required`)
  if (typeof asked['testScenario'] !== 'object') return refused(400, 'BAD_INPUT', 'Invalid input type for testScenario')
  for (const name of ['cronValue', 'recurrence', 'cronExpiryDate'])
    if (asked[name] === '') return refused(400, 'INVALID_REQUEST_BODY', `Invalid ${name}`)
  for (const { region, taskCount } of regions) {
    const most = details[region]?.dltAvailableTasks ?? 0
    if (taskCount > most)
      return refused(400, 'InvalidParameter', `Task count should be positive number between 1 to ${most}.`)
  }
  if (active.includes(scenario.status))
    return refused(
      409,
      'TEST_RUNNING',
      `testId '${scenario.testId}' already has an active run (status: ${scenario.status}). Wait for it to finish or cancel it before starting a new run.`,
    )
  state.starts.push(asked)
  delete scenario.errorReason
  Object.assign(scenario, { status: 'queued', startTime: state.now, results: {} })
  return ok({ ...scenario, testScenario: JSON.stringify(scenario.testScenario) })
}

function cancel(state: AwsDltState): Reply {
  const { scenario } = state
  if (!cancelable.includes(scenario.status))
    return refused(
      409,
      'TEST_NOT_ACTIVE',
      `testId '${scenario.testId}' is not in a cancelable state; nothing to cancel.`,
    )
  scenario.status = state.stopsAtOnce ? 'cancelled' : 'cancelling'
  return ok(JSON.stringify('test cancelling'))
}

/** Returns the error of API Gateway for an invalid signature. */
function signatureError({ method, path, query, headers, body }: Call): string | undefined {
  const given = String(headers['authorization'] ?? '')
  const [, key, day, region, service, names, signature] =
    /^AWS4-HMAC-SHA256 Credential=(\w+)\/(\d{8})\/([\w-]+)\/([\w-]+)\/aws4_request, SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/.exec(
      given,
    ) ?? []
  if (!names || !day || !region || !service) return 'Missing Authentication Token'
  if (key !== process.env['AWS_ACCESS_KEY_ID']) return 'The security token included in the request is invalid.'
  if (region !== 'eu-west-1' || service !== 'execute-api')
    return `Credential should be scoped to a valid region and service, not ${region}/${service}.`
  const payload = sha256(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body))
  const sorted = [...query].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).sort()
  const canonical = [
    ...[method, path, sorted.join('&')],
    ...names.split(';').map((name) => `${name}:${headers[name]}`),
    ...['', names, payload],
  ].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n')
  const signing = [day, region, service, 'aws4_request'].reduce<Buffer | string>(
    (with_, part) => hmac(with_, part),
    `AWS4${process.env['AWS_SECRET_ACCESS_KEY']}`,
  )
  const right = hmac(signing, toSign).toString('hex')
  return right === signature
    ? undefined
    : 'The request signature we calculated does not match the signature you provided.'
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
