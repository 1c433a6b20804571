import { beforeEach, describe, expect, it, jest } from '@jest/globals'
import { issueTicketing } from '../../../../functions/issue-ticketing/index.ts'
import { notification } from '../../../../functions/notification/index.ts'
import { awsOperation, type Call, ok } from '../../../../infra/testing/loopback-server.ts'
import { skipPauses } from '../../../functions/helpers.ts'
import { withLogLines } from '../../../log-lines.ts'
import { lambdaError, request, startAws, tokensOf } from '../webhook.ts'

skipPauses()

/** The executions that Lambda lists for the name. */
let listed: unknown[]
/** Milliseconds until Lambda ends the webhook. */
let timeLeft: number
/** The time at which Lambda ends the webhook, if time passes. */
let until: number | undefined

const arn = 'arn:aws:lambda:eu-west-1:0:function:f:1/durable-execution/n/i'
const isSave = (sent: Call) => awsOperation(sent) === 'PutItem'
const isSearch = ({ path }: Call) => path.includes('/durable-executions')
const isInvoke = ({ path }: Call) => path.endsWith('/invocations')
const aws = startAws(
  {
    callers: { demo: { tokens: tokensOf('caller-token'), categories: ['*'], orchestrator: 'k' } },
    'orchestrators/k': { type: 'keptn', baseUrl: 'https://keptn.example', token: 'keptn-token' },
    identity: { key: 'identity-key-of-thirty-two-characters' },
    approvals: { key: 'approvals-key-of-thirty-two-characters' },
    'connections/issue-ticketing/default': { provider: 'github', token: 'github-token', project: 'o/r' },
  },
  (call) => {
    // DynamoDB: calls with a stored credential are counted, and executions saved.
    if (awsOperation(call)) return ok({})
    if (isSearch(call)) return ok({ DurableExecutions: listed })
    return { status: 202, headers: { 'x-amz-durable-execution-arn': arn } }
  },
)
const starts = () => aws.calls.filter(isInvoke)
const searches = () => aws.calls.filter(isSearch).map(({ path }) => path)
const nameOf = ({ headers }: Call) => headers['x-amz-durable-execution-name']
const payloads = () => starts().map(({ body }) => body as Record<string, unknown>)
/** Fails the next starts. `lost` closes the connection. */
const failStarts = (...faults: ('lost' | ReturnType<typeof lambdaError>)[]) => {
  for (const fault of faults) {
    if (fault === 'lost') aws.loseNext(isInvoke)
    else aws.failNext(fault.status, fault.body, { on: isInvoke, headers: fault.headers ?? {} })
  }
}
const outage = lambdaError(500, 'ServiceException')
const throttling = lambdaError(429, 'TooManyRequestsException', 'Rate Exceeded.')

beforeEach(() => {
  listed = []
  timeLeft = 20_001
  until = undefined
})

const event = {
  id: 'e-1',
  type: 'sh.keptn.event.openticket.triggered',
  shkeptncontext: '6e7bc693-1dd2-4ab4-8a65-91949312d23c',
  data: { project: 'p', stage: 's', service: 'x' },
  input: { title: 'T' },
}
const json = { 'content-type': 'application/json' }
const forwarded = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Port': '443' }
const call = (body: unknown, more: Partial<Parameters<typeof request>[1]> = {}) =>
  request(
    issueTicketing,
    {
      path: '/issue-ticketing/open-issue',
      body: JSON.stringify(body),
      headers: { ...json, ...forwarded, authorization: 'Bearer caller-token' },
      multiValueQueryStringParameters: { mode: ['interactive'] },
      ...more,
    },
    () => (until === undefined ? timeLeft : until - Date.now()),
  )

// The first test, because no other call has loaded the secrets yet.
it.each(['keptn-token', 'github-token', 'caller-token'])('A call with %s in its id is refused', async (credential) => {
  const errors = [{ path: 'id', message: expect.stringContaining('contains a stored credential') }]
  expect(await call({ ...event, id: `id of ${credential}` })).toMatchObject({ statusCode: 400, json: { errors } })
  expect(starts()).toEqual([])
})

describe('An interactive call', () => {
  it('starts its task with an asynchronous Invoke of the alias, and returns its status URL', async () => {
    const { statusCode, json } = await call(event, {
      requestContext: { domainName: 'abc.execute-api.eu-west-1.amazonaws.com' },
    })
    expect(statusCode).toBe(202)
    const headers = { 'x-amz-durable-execution-name': json.taskId, 'x-amz-invocation-type': 'Event' }
    const encodedPath = expect.stringContaining('function%3Atask%3Alive/invocations')
    expect(starts()).toMatchObject([{ encodedPath, headers }])
    expect(json).toEqual({
      taskId: expect.stringMatching(/^[0-9a-f]{40}$/),
      duplicate: false,
      statusUrl: `https://abc.execute-api.eu-west-1.amazonaws.com/v1/issue-ticketing/tasks/${json.taskId}`,
    })
  })

  it.each([
    // Both paths contain the base path, and neither contains the stage.
    ['/v1/issue-ticketing/open-issue', 'https://webhooks.example.org/v1/issue-ticketing/tasks/'],
    ['/issue-ticketing/open-issue', 'https://webhooks.example.org/issue-ticketing/tasks/'],
  ])('returns a status URL with its custom domain (%s)', async (path, address) => {
    const { statusCode, json } = await call(event, {
      path,
      requestContext: { domainName: 'webhooks.example.org', path },
    })
    expect(statusCode).toBe(202)
    expect(json.statusUrl).toBe(`${address}${json.taskId}`)
  })

  it('starts its task with the same bytes for each delivery of an event', async () => {
    await call(event)
    const { input, data, ...rest } = event
    const others = { time: '2026-11-24T10:00:00Z', source: 'elsewhere', specversion: '1.0' }
    await call(
      { input, ...rest, ...others, data: { ...data, message: 'more', other: { x: 1 } } },
      { headers: { ...json, 'x-token': 'caller-token', 'user-agent': 'curl/8', 'x-amzn-trace-id': 'Root=1' } },
    )
    const [first, second] = starts().map((start) => ({ name: nameOf(start), text: start.text }))
    expect(second).toEqual(first)
    expect(payloads()[0]).toEqual({
      version: 1,
      id: first?.name,
      category: 'issue-ticketing',
      caller: 'demo',
      orchestrator: 'k',
      mode: 'interactive',
      action: 'open-issue',
      connection: 'default',
      provider: 'github',
      event: {
        id: 'e-1',
        task: 'openticket',
        context: event.shkeptncontext,
        ...event.data,
        labels: {},
      },
      input: { title: 'T', project: 'o/r' },
      inputDigest: expect.stringMatching(/^[\da-f]{64}$/),
      sendStarted: false,
      progress: false,
      labels: true,
      deadline: 3_600,
      dryRun: false,
      policyFacts: { isAgent: false, effect: 'reversible' },
      seal: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })

  it('has another id in another deployment with the same key', async () => {
    await call(event)
    process.env['WEBHOOKS_STATE_TABLE'] = 'table-of-another-stack'
    await call(event).finally(() => {
      process.env['WEBHOOKS_STATE_TABLE'] = 'table'
    })
    const [first, second] = starts().map(nameOf)
    expect(second).not.toBe(first)
  })

  it('saves its execution, which a later one with the same name replaces', async () => {
    const { json } = await call(event)
    const Item = {
      id: { S: `task#issue-ticketing#${json.taskId}` },
      arn: { S: arn },
      expiration: { N: expect.any(String) },
    }
    const ConditionExpression = 'attribute_not_exists(id) OR arn <> :arn'
    expect(aws.calls.filter(isSave).map(({ body }) => body)).toMatchObject([
      { Item, ConditionExpression, ExpressionAttributeValues: { ':arn': { S: arn } } },
    ])
  })

  it.each([
    ['is a duplicate if another payload has its name', 409, 'DurableExecutionAlreadyStartedException', isInvoke, true],
    ['is a duplicate if its name was saved before', 400, 'ConditionalCheckFailedException', 'PutItem', true],
    ['is accepted although its execution cannot be saved', 400, 'ResourceNotFoundException', 'PutItem', false],
  ] as const)('%s', async (_what, status, type, on, duplicate) => {
    const { body, headers = {} } = lambdaError(status, type)
    aws.failNext(status, body, { on, headers })
    expect(await call(event)).toMatchObject({ statusCode: 202, json: { duplicate } })
  })

  it.each([
    ['throttles', throttling],
    ['fails', outage],
    ['knows no such function', lambdaError(404, 'ResourceNotFoundException')],
    ['does not allow it', lambdaError(403, 'AccessDeniedException')],
    ['answers with a page', { status: 502, body: '<h1>Bad Gateway</h1>', headers: { 'content-type': 'text/html' } }],
    ['breaks off', 'lost' as const],
  ])('returns 503 if Lambda %s, because no event will follow', async (_, fault) => {
    timeLeft = 3_900
    failStarts(...Array(6).fill(fault))
    const detail = 'The task could not be started, so no event will follow. Send the call again.'
    expect(await call(event)).toMatchObject({
      statusCode: 503,
      json: { status: 503, detail },
      headers: { 'retry-after': '5', 'content-type': 'application/problem+json' },
    })
  })
})

it('An interactive call without a deadline has that of the deployment', async () => {
  process.env['WEBHOOKS_DEADLINE'] = 'PT4H'
  await call(event)
  delete process.env['WEBHOOKS_DEADLINE']
  await call({ ...event, id: 'e-2' })
  expect(payloads().map(({ deadline }) => deadline)).toEqual([14_400, 3_600])
})

it('A start without a response is accepted if a search finds the execution', async () => {
  const found = [{ DurableExecutionArn: arn, DurableExecutionName: 'n', Status: 'RUNNING', StartTimestamp: 1 }]
  timeLeft = 3_900
  // A throttled attempt was only the last of several. An earlier one may have reached Lambda.
  for (const [fault, executions, statusCode] of [
    ['lost', found, 202],
    [outage, found, 202],
    [throttling, found, 202],
    [throttling, [], 503],
  ] as const) {
    listed = executions as unknown[]
    aws.recover()
    failStarts(...Array(2).fill(fault))
    const before = starts().length
    expect((await call(event)).statusCode).toBe(statusCode)
    // Without time for another attempt, only the client of Lambda repeats the start.
    expect(starts().length - before).toBe(2)
  }
  // The function without a version: Lambda accepts a name only in this form.
  expect(searches()).toEqual(
    Array(4).fill('/2025-12-01/functions/arn:aws:lambda:eu-west-1:0:function:task/durable-executions'),
  )
})

it('A start without a response is sent again, and accepted if it arrives late', async () => {
  // Twice each, because the client of Lambda retries once.
  failStarts('lost', outage, 'lost', outage)
  expect(await call(event)).toMatchObject({ statusCode: 202, json: { duplicate: false } })
  expect(new Set(starts().map((start) => `${nameOf(start)} ${start.text}`)).size).toBe(1)
  expect(starts()).toHaveLength(5)
  expect(searches()).toEqual([])
})

it('A start does not depend on clock changes', async () => {
  until = Date.now() + 20_000
  const now = Date.now()
  const clock = jest.spyOn(Date, 'now')
  clock.mockImplementation(() => now + (starts().length > 0 ? 60_000 : 0))
  failStarts('lost', 'lost')
  expect(await call(event)).toMatchObject({ statusCode: 202 })
  clock.mockRestore()
  expect(starts()).toHaveLength(3)
})

it('An interactive call is refused if too little time is left to start its task', async () => {
  timeLeft = 1_500
  expect(await call(event)).toMatchObject({
    statusCode: 503,
    json: { detail: expect.stringContaining('no event will follow') },
  })
  expect(starts()).toEqual([])
})

it('An interactive call returns in time if DynamoDB or Lambda does not respond', async () => {
  let passed = 0
  let expire = () => {}
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => passed)
  const timeouts = jest.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => {
    const timeout = new AbortController()
    expire = () => {
      passed += milliseconds
      timeout.abort()
    }
    return timeout.signal
  })
  /** Lets the time of the next request pass without a response. */
  const hold = (on: (call: Call) => boolean) => aws.holdNext((sent) => on(sent) && setImmediate(expire) !== undefined)
  hold(isSave)
  expect(await call(event)).toMatchObject({ statusCode: 202, json: { duplicate: false } })
  listed = [{ DurableExecutionArn: arn, Status: 'RUNNING' }]
  timeLeft = 4_100
  // Each request may take half of the time that is left.
  for (const [statusCode, time] of [
    [202, 2_050 + 1_025],
    [503, 2_050],
  ]) {
    passed = 0
    hold(isInvoke)
    hold(isSave)
    expect(await call(event)).toMatchObject({ statusCode })
    expect(passed).toBe(time)
    listed = []
  }
  clock.mockRestore()
  timeouts.mockRestore()
})

describe('Every route', () => {
  it.each([
    ['/issue-ticketing/open-issue', 'POST'],
    ['/issue-ticketing/tasks/0123456789012345678901234567890123456789', 'GET'],
    ['/issue-ticketing/nothing', 'POST'],
    ['/issue-ticketing', 'POST'],
    ['/v1/issue-ticketing/open-issue', 'POST'],
  ])('requires a token: %s (%s)', async (path, method) => {
    const wrong = [{}, { authorization: 'Bearer wrong' }, { authorization: 'Basic caller-token' }, { 'x-token': '' }]
    for (const headers of wrong) expect((await call(event, { path, httpMethod: method, headers })).statusCode).toBe(401)
    expect(starts()).toEqual([])
  })
})

describe('The log of a webhook', () => {
  it.each([
    ['', 'approvals'],
    ['/v1', 'approvals'],
    ['', '%61pprovals'],
  ])('does not contain the link of an approval (base path "%s", route "%s")', async (base, route) => {
    const path = `${base}/notification/${route}/somebodys-key`
    const event = { path, httpMethod: 'GET', requestContext: { path } }
    const { result, lines } = await withLogLines(() => request(notification, event))
    expect(result.statusCode).toBe(403)
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ message: 'request', path: `/notification/${route}/***` })
    expect(lines.join('')).not.toContain('somebodys-key')
  })
})
