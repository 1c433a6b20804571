import { createHash, createHmac } from 'node:crypto'
import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Call, Reply } from '../../../../infra/testing/loopback-server.ts'
import { type JobRow, stages, startWith, stopsWhenAsked } from '../../../conformance/row.ts'

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
  [field: string]: unknown
}

interface TestRun {
  testRunId: string
  startTime: string
  endTime: string
  status: string
  results: { total?: object }
  errorReason?: string | undefined
}

type State = ReturnType<typeof initial>

const TEST_ID = 'xLSxdVZzcP'
const CANCELABLE = ['queued', 'provisioning', 'running', 'cancelling']
const ACTIVE = [...CANCELABLE, 'cleaning up', 'parsing results']

const initial = () => ({
  scenario: initialScenario(),
  runs: [] as TestRun[],
  /** The requests that started tests. */
  starts: [] as Record<string, unknown>[],
  capacity: { 'eu-west-1': { vCPULimit: 100, vCPUsInUse: 20, vCPUsPerTask: 2 } } as Record<
    string,
    Record<string, number | undefined>
  >,
  /** The role may call the API. */
  mayInvoke: true,
  /** A canceled run stops at once. */
  stopsAtOnce: false,
  /** The time of the next start. */
  now: '2026-01-01 10:00:00',
})

/**
 * The API of Distributed Load Testing on AWS (version 4) with one scenario, behind an API Gateway that requires signatures.
 *
 * @see https://github.com/aws-solutions/distributed-load-testing-on-aws source/api-services
 */
const startAwsDlt = definePlatform({
  base: '/prod',
  state: initial,
  refuses(call, { mayInvoke }) {
    const message = signatureError(call)
    if (message) return { status: 403, body: { message } }
    if (mayInvoke) return undefined
    const Message = `User: robot is not authorized to perform: execute-api:Invoke on resource: GET ${call.path}`
    return { status: 403, body: { Message } }
  },
  routes: {
    'GET /vCPUDetails': ({ state }) => state.capacity,
    'GET /scenarios': ({ state }) => ({ Items: [state.scenario] }),
    'POST /scenarios': ({ state, body }) => start(state, body),
    'GET /scenarios/{id}': ({ state: { scenario, runs }, params: { id }, query }) =>
      noTest(id) ?? { ...scenario, history: query.get('history') === 'false' ? [] : runs },
    'POST /scenarios/{id}': ({ state, params: { id } }) => noTest(id) ?? cancel(state),
    'GET /scenarios/{id}/testruns': ({ state, params: { id }, query }) => noTest(id) ?? list(state.runs, query),
    'GET /scenarios/{id}/testruns/{run}': ({ state, params: { id, run } }) =>
      noTest(id) ??
      state.runs.find(({ testRunId }) => testRunId === run) ??
      refusal(404, 'TESTRUN_NOT_FOUND', `Test run '${run}' not found for test '${id}'`),
  },
  members: ({ scenario, runs }) => ({
    testId: TEST_ID,
    /** Completes the run. */
    finish(status: string, fields: Partial<Pick<Scenario, 'results' | 'errorReason'>> = {}) {
      const started = Date.parse(`${scenario.startTime.replace(' ', 'T')}Z`)
      const endTime = new Date(started + 240_000).toISOString().slice(0, 19).replace('T', ' ')
      Object.assign(scenario, { status, endTime, ...fields })
      const { startTime, results, errorReason } = scenario
      runs.push({ testRunId: `run-${runs.length}`, startTime, endTime, status, results, errorReason })
    },
  }),
})

function initialScenario(): Scenario {
  return {
    testId: TEST_ID,
    testName: 'checkout',
    testDescription: 'checkout load',
    testType: 'simple',
    fileType: 'none',
    showLive: false,
    tags: ['shop'],
    status: 'created',
    startTime: '',
    results: {},
    testTaskConfigs: [{ region: 'eu-west-1', taskCount: 2, concurrency: 10, taskCluster: 'dlt-cluster' }],
    testScenario: {
      execution: [{ 'ramp-up': '1m', 'hold-for': '2m', scenario: 'checkout' }],
      scenarios: { checkout: { requests: [{ url: 'https://shop.example.com', method: 'GET' }] } },
    },
    nextRun: '',
    scheduleTimezone: 'UTC',
    cronValue: '',
    cronExpiryDate: '',
    scheduleRecurrence: '',
    healthyThreshold: 80,
    endTime: '',
    totalTestRuns: 0,
  }
}

/** Errors are JSON text: `"TEST_RUNNING: testId .."`. */
function refusal(status: number, code: string, message: string): Reply {
  return { status, body: JSON.stringify(`${code}: ${message}`) }
}

function noTest(id: string): Reply | undefined {
  return id === TEST_ID ? undefined : refusal(404, 'TEST_NOT_FOUND', `testId '${id}' not found`)
}

function list(runs: TestRun[], query: URLSearchParams): object {
  const since = Date.parse(query.get('start_timestamp') ?? '')
  const later = runs.filter(({ startTime }) => !(Date.parse(`${startTime.replace(' ', 'T')}Z`) < since))
  const testRuns = later.toReversed().map(({ testRunId, startTime, status }) => ({ testRunId, startTime, status }))
  return { testRuns, pagination: { limit: 100, next_token: null, total_count: testRuns.length } }
}

function start({ scenario, starts, now }: State, request: Record<string, unknown>): object | Reply {
  const regions = request['testTaskConfigs'] as Scenario['testTaskConfigs']
  const details = (request['regionalTaskDetails'] ?? {}) as Record<string, { dltAvailableTasks?: number }>
  for (const field of ['testName', 'testDescription', 'testType'])
    if (typeof request[field] !== 'string') return refusal(400, 'INVALID_REQUEST_BODY', `${field} is required`)
  if (typeof request['testScenario'] !== 'object')
    return refusal(400, 'BAD_INPUT', 'Invalid input type for testScenario')
  for (const name of ['cronValue', 'recurrence', 'cronExpiryDate'])
    if (request[name] === '') return refusal(400, 'INVALID_REQUEST_BODY', `Invalid ${name}`)
  for (const { region, taskCount } of regions) {
    const max = details[region]?.dltAvailableTasks ?? 0
    if (taskCount > max)
      return refusal(400, 'InvalidParameter', `Task count should be positive number between 1 to ${max}.`)
  }
  if (ACTIVE.includes(scenario.status)) {
    const message = `testId '${TEST_ID}' already has an active run (status: ${scenario.status}). Wait for it to finish or cancel it before starting a new run.`
    return refusal(409, 'TEST_RUNNING', message)
  }
  starts.push(request)
  delete scenario.errorReason
  Object.assign(scenario, { status: 'queued', startTime: now, results: {} })
  return { ...scenario, testScenario: JSON.stringify(scenario.testScenario) }
}

function cancel({ scenario, stopsAtOnce }: State): Reply {
  if (!CANCELABLE.includes(scenario.status))
    return refusal(409, 'TEST_NOT_ACTIVE', `testId '${TEST_ID}' is not in a cancelable state; nothing to cancel.`)
  scenario.status = stopsAtOnce ? 'cancelled' : 'cancelling'
  return { status: 200, body: JSON.stringify('test cancelling') }
}

/** Returns the error of API Gateway for an invalid signature. */
function signatureError({ method, path, query, headers, body }: Call): string | undefined {
  const [, key, day, region, service, names, signature] =
    /^AWS4-HMAC-SHA256 Credential=(\w+)\/(\d{8})\/([\w-]+)\/([\w-]+)\/aws4_request, SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/.exec(
      String(headers['authorization']),
    ) ?? []
  if (!names || !day || !region || !service) return 'Missing Authentication Token'
  if (key !== process.env['AWS_ACCESS_KEY_ID']) return 'The security token included in the request is invalid.'
  if (region !== 'eu-west-1' || service !== 'execute-api')
    return `Credential should be scoped to a valid region and service, not ${region}/${service}.`
  const payload = sha256(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body))
  const sorted = [...query].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).sort()
  const signed = names.split(';').map((name) => `${name}:${headers[name]}`)
  const canonical = [method, path, sorted.join('&'), ...signed, '', names, payload].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n')
  const signing = [day, region, service, 'aws4_request'].reduce<Buffer | string>(
    (with_, part) => hmac(with_, part),
    `AWS4${process.env['AWS_SECRET_ACCESS_KEY']}`,
  )
  const expected = hmac(signing, toSign).toString('hex')
  return expected === signature
    ? undefined
    : 'The request signature we calculated does not match the signature you provided.'
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

export const jobRow = {
  starts: /^POST .*\/scenarios$/,
  start: startWith(startAwsDlt, ({ url, testId: target, state, finish }) => {
    const { scenario } = state
    const enter = (status: string) => {
      if (/^(?:complete|cancelled|failed)$/.test(status)) finish(status)
      else Object.assign(scenario, { status })
    }
    return {
      connection: { baseUrl: `${url}/prod`, region: 'eu-west-1' },
      input: { target },
      runs: () => state.starts.length,
      id: () => `${target}@${scenario.startTime.replace(' ', 'T')}Z`,
      ...stages(enter, 'running', 'complete'),
      finishStop: stopsWhenAsked(enter, () => scenario.status, 'cancelling', 'cancelled'),
    }
  }),
} satisfies JobRow
