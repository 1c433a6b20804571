import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { issueTicketing } from '../../../../functions/issue-ticketing/index.ts'
import { notification } from '../../../../functions/notification/index.ts'
import { webhookHandler } from '../../../../shared/core/http/handler.ts'
import type { WebhookResponse } from '../../../../shared/http/response.ts'

/** A fake of AWS with the response and error formats of its protocols. */
let aws: Server
let started: { path: string; name: string; type: string; payload: string }[]
let lambda: (res: ServerResponse) => void
let table: (res: ServerResponse) => void
/** The executions that Lambda lists for the name. */
let listed: unknown[]
/** The items that were written to the table. */
let savedItems: { Item: Record<string, unknown>; ConditionExpression: string }[]
/** The paths of searches. */
let searches: string[]
/** Milliseconds until Lambda ends the webhook. */
let timeLeft: number
/** The time at which Lambda ends the webhook, if time passes. */
let until: number | undefined

const prefix = 'cloud-automation-webhooks'
const secrets: Record<string, unknown> = {
  [`${prefix}/callers`]: {
    demo: {
      tokens: [`sha256:${createHash('sha256').update('caller-token').digest('hex')}`],
      categories: ['*'],
      orchestrator: 'k',
    },
  },
  [`${prefix}/orchestrators/k`]: { type: 'keptn', baseUrl: 'https://keptn.example', token: 'keptn-token' },
  [`${prefix}/identity`]: { key: 'identity-key-of-thirty-two-characters' },
  [`${prefix}/approvals`]: { key: 'approvals-key-of-thirty-two-characters' },
  [`${prefix}/connections/issue-ticketing/default`]: { provider: 'github', token: 'github-token', project: 'o/r' },
}

const reply = (res: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
/** Lambda's REST protocol names the error in a header. */
const lambdaError = (status: number, name: string, message: string) => (res: ServerResponse) =>
  reply(res, status, { Type: 'User', message, Message: message }, { 'x-amzn-errortype': name })
const accept = (res: ServerResponse) =>
  res
    .writeHead(202, { 'x-amz-durable-execution-arn': 'arn:aws:lambda:eu-west-1:0:function:f:1/durable-execution/n/i' })
    .end()

async function answer(req: IncomingMessage, res: ServerResponse) {
  let body = ''
  for await (const chunk of req) body += chunk
  const target = String(req.headers['x-amz-target'] ?? '')
  if (target.includes('GetSecretValue'))
    return reply(res, 200, { SecretString: JSON.stringify(secrets[JSON.parse(body).SecretId]) })
  if (target.includes('PutItem')) {
    savedItems.push(JSON.parse(body))
    return table(res)
  }
  // Calls with a stored credential are counted.
  if (target.includes('UpdateItem')) return reply(res, 200, {})
  if (req.url?.includes('/durable-executions')) searches.push(req.url)
  if (req.url?.includes('/durable-executions')) return reply(res, 200, { DurableExecutions: listed })
  const { 'x-amz-durable-execution-name': name, 'x-amz-invocation-type': type } = req.headers
  started.push({ path: req.url ?? '', name: String(name), type: String(type), payload: body })
  return lambda(res)
}

const saved = { ...process.env }
beforeAll(async () => {
  aws = createServer((req, res) => void answer(req, res)).listen(0, '127.0.0.1')
  await once(aws, 'listening')
  const endpoint = `http://127.0.0.1:${(aws.address() as AddressInfo).port}`
  Object.assign(process.env, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_ENDPOINT_URL: endpoint,
    AWS_MAX_ATTEMPTS: '2',
    WEBHOOKS_TASK_FUNCTION: 'arn:aws:lambda:eu-west-1:0:function:task:live',
    WEBHOOKS_STATE_TABLE: 'table',
  })
})
afterAll(() => {
  process.env = saved
  aws.closeAllConnections()
  aws.close()
})
afterEach(() => {
  jest.restoreAllMocks()
})
beforeEach(() => {
  started = []
  listed = []
  searches = []
  savedItems = []
  timeLeft = 20_001
  until = undefined
  lambda = accept
  table = (res) => reply(res, 200, {})
})

const handler = webhookHandler(issueTicketing)
const event = {
  id: 'e-1',
  type: 'sh.keptn.event.openticket.triggered',
  shkeptncontext: '6e7bc693-1dd2-4ab4-8a65-91949312d23c',
  data: { project: 'p', stage: 's', service: 'x' },
  input: { title: 'T' },
}

async function call(
  body: unknown,
  more: Partial<APIGatewayProxyEvent> = {},
): Promise<WebhookResponse & { json: Record<string, unknown> }> {
  const request = {
    httpMethod: 'POST',
    path: '/issue-ticketing/open-issue',
    headers: {
      authorization: 'Bearer caller-token',
      'content-type': 'application/json',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Port': '443',
    },
    multiValueQueryStringParameters: { mode: ['interactive'] },
    body: JSON.stringify(body),
    isBase64Encoded: false,
    requestContext: {
      domainName: 'abc.execute-api.eu-west-1.amazonaws.com',
      path: '/v1/issue-ticketing/open-issue',
      requestId: `${Math.random()}`,
    },
    ...more,
  } as unknown as APIGatewayProxyEvent
  const getRemainingTimeInMillis = () => (until === undefined ? timeLeft : until - Date.now())
  const context = { awsRequestId: 'r-1', getRemainingTimeInMillis } as unknown as Context
  const answered = (await handler(request, context)) as WebhookResponse
  return { ...answered, json: JSON.parse(answered.body) }
}

// The first test, because no other call has loaded the secrets yet.
it.each(['keptn-token', 'github-token', 'caller-token'])(
  'A call whose id contains %s is refused',
  async (credential) => {
    expect(await call({ ...event, id: `id of ${credential}` })).toMatchObject({
      statusCode: 400,
      json: { errors: [{ path: 'id', message: expect.stringContaining('contains a stored credential') }] },
    })
    expect(started).toEqual([])
  },
)

describe('An interactive call', () => {
  it('starts its task with an asynchronous Invoke of the alias, and returns its status URL', async () => {
    const { statusCode, json } = await call(event)
    expect(statusCode).toBe(202)
    expect(started).toMatchObject([
      { name: json['taskId'], type: 'Event', path: expect.stringContaining('function%3Atask%3Alive/invocations') },
    ])
    expect(json).toEqual({
      taskId: expect.stringMatching(/^[0-9a-f]{40}$/),
      duplicate: false,
      statusUrl: `https://abc.execute-api.eu-west-1.amazonaws.com/v1/issue-ticketing/tasks/${json['taskId']}`,
    })
  })

  it.each([
    // Both paths contain the base path, and neither contains the stage.
    ['/v1/issue-ticketing/open-issue', 'https://webhooks.example.org/v1/issue-ticketing/tasks/'],
    ['/issue-ticketing/open-issue', 'https://webhooks.example.org/issue-ticketing/tasks/'],
  ])('returns a status URL with its custom domain (%s)', async (path, address) => {
    const { statusCode, json } = await call(event, {
      path,
      requestContext: { domainName: 'webhooks.example.org', path } as APIGatewayProxyEvent['requestContext'],
    })
    expect(statusCode).toBe(202)
    expect(json['statusUrl']).toBe(`${address}${json['taskId']}`)
  })

  it('starts its task with the same bytes for each delivery of an event', async () => {
    await call(event)
    const { input, data, ...rest } = event
    await call(
      {
        input,
        ...rest,
        time: '2026-11-24T10:00:00Z',
        source: 'elsewhere',
        specversion: '1.0',
        data: { ...data, message: 'more', other: { x: 1 } },
      },
      {
        headers: {
          'x-token': 'caller-token',
          'content-type': 'application/json',
          'user-agent': 'curl/8',
          'x-amzn-trace-id': 'Root=1',
        },
      },
    )
    expect(started[1]).toEqual(started[0])
    expect(JSON.parse(started[0]?.payload ?? '')).toEqual({
      version: 1,
      id: started[0]?.name,
      category: 'issue-ticketing',
      caller: 'demo',
      orchestrator: 'k',
      mode: 'interactive',
      event: {
        id: 'e-1',
        task: 'openticket',
        context: event.shkeptncontext,
        project: 'p',
        stage: 's',
        service: 'x',
        labels: {},
      },
      action: 'open-issue',
      connection: 'default',
      provider: 'github',
      input: { title: 'T', project: 'o/r' },
      sendStarted: false,
      progress: false,
      labels: true,
      deadline: 3_600,
      dryRun: false,
    })
  })

  it('has another id as a dry run', async () => {
    const dry = await call(event, { multiValueQueryStringParameters: { mode: ['interactive'], dryRun: ['true'] } })
    const real = await call(event)
    expect(dry.json['taskId']).not.toBe(real.json['taskId'])
    expect(started.map(({ payload }) => JSON.parse(payload).dryRun)).toEqual([true, false])
  })

  it('has another id in another deployment with the same key', async () => {
    await call(event)
    process.env['WEBHOOKS_STATE_TABLE'] = 'table-of-another-stack'
    await call(event).finally(() => {
      process.env['WEBHOOKS_STATE_TABLE'] = 'table'
    })
    expect(started[1]?.name).not.toBe(started[0]?.name)
  })

  it('saves its execution, which a later one with the same name replaces', async () => {
    const { json } = await call(event)
    const arn = 'arn:aws:lambda:eu-west-1:0:function:f:1/durable-execution/n/i'
    expect(savedItems).toEqual([
      expect.objectContaining({
        Item: {
          id: { S: `task#issue-ticketing#${json['taskId']}` },
          arn: { S: arn },
          expiration: { N: expect.any(String) },
        },
        ConditionExpression: 'attribute_not_exists(id) OR arn <> :arn',
        ExpressionAttributeValues: { ':arn': { S: arn } },
      }),
    ])
  })

  it('is a duplicate if another payload has its name', async () => {
    lambda = lambdaError(
      409,
      'DurableExecutionAlreadyStartedException',
      'The durable execution with the specified name has already been started.',
    )
    expect(await call(event)).toMatchObject({ statusCode: 202, json: { duplicate: true } })
  })

  it('is a duplicate if its name was saved before', async () => {
    table = (res) =>
      reply(res, 400, {
        __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
        message: 'The conditional request failed',
      })
    expect(await call(event)).toMatchObject({ statusCode: 202, json: { duplicate: true } })
  })

  it('is accepted although its execution cannot be saved', async () => {
    table = (res) =>
      reply(res, 400, { __type: 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException', message: 'no table' })
    expect(await call(event)).toMatchObject({ statusCode: 202, json: { duplicate: false } })
  })

  it.each([
    ['throttles', lambdaError(429, 'TooManyRequestsException', 'Rate Exceeded.')],
    ['fails', lambdaError(500, 'ServiceException', 'An error occurred and the request cannot be processed.')],
    [
      'knows no such function',
      lambdaError(
        404,
        'ResourceNotFoundException',
        'Function not found: arn:aws:lambda:eu-west-1:0:function:task:live',
      ),
    ],
    [
      'lets us not',
      lambdaError(403, 'AccessDeniedException', 'User is not authorized to perform: lambda:InvokeFunction'),
    ],
    [
      'answers with a page',
      (res: ServerResponse) => void res.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>'),
    ],
    ['breaks off', (res: ServerResponse) => void res.destroy()],
  ])('returns 503 if Lambda %s, because no event will follow', async (_, fault) => {
    lambda = fault
    const { statusCode, headers, json } = await call(event)
    expect({ statusCode, json }).toEqual({
      statusCode: 503,
      json: expect.objectContaining({
        status: 503,
        detail: 'The task could not be started, so no event will follow. Send the call again.',
      }),
    })
    expect(headers).toMatchObject({ 'retry-after': '5', 'content-type': 'application/problem+json' })
  })
})

it('An interactive call without a deadline has that of the deployment', async () => {
  process.env['WEBHOOKS_DEADLINE'] = 'PT4H'
  await call(event)
  delete process.env['WEBHOOKS_DEADLINE']
  await call({ ...event, id: 'e-2' })
  expect(started.map(({ payload }) => JSON.parse(payload).deadline)).toEqual([14_400, 3_600])
})

it('A start without a response is accepted if a search finds the execution', async () => {
  listed = [
    {
      DurableExecutionArn: 'arn:aws:lambda:eu-west-1:0:function:f:1/durable-execution/n/i',
      DurableExecutionName: 'n',
      Status: 'RUNNING',
      FunctionArn: 'f',
      StartTimestamp: 1,
    },
  ]
  for (const fault of [
    (res: ServerResponse) => void res.destroy(),
    lambdaError(500, 'ServiceException', 'An error occurred'),
  ]) {
    lambda = fault
    expect((await call(event)).statusCode).toBe(202)
  }
  // Only the last of several attempts was refused. An earlier one may have reached Lambda.
  lambda = lambdaError(429, 'TooManyRequestsException', 'Rate Exceeded.')
  expect((await call(event)).statusCode).toBe(202)
  listed = []
  started = []
  expect((await call(event)).statusCode).toBe(503)
  // A refusal is not retried here: Lambda is already overloaded.
  expect(started).toHaveLength(2)
  // The function without a version: Lambda accepts a name only in this form.
  expect(searches.map((url) => decodeURIComponent(url).split('?')[0])).toEqual(
    Array(4).fill('/2025-12-01/functions/arn:aws:lambda:eu-west-1:0:function:task/durable-executions'),
  )
})

it('A start without a response is sent again, and accepted if it arrives late', async () => {
  const faults = [
    (res: ServerResponse) => void res.destroy(),
    lambdaError(500, 'ServiceException', 'An error occurred'),
  ]
  // Twice each, because the client of Lambda retries once.
  const answers = [...faults, ...faults]
  lambda = (res) => (answers.shift() ?? accept)(res)
  expect(await call(event)).toMatchObject({ statusCode: 202, json: { duplicate: false } })
  expect(new Set(started.map(({ name, payload }) => `${name} ${payload}`)).size).toBe(1)
  expect(started).toHaveLength(5)
  expect(searches).toEqual([])
})

it('A start does not depend on clock changes', async () => {
  until = Date.now() + 20_000
  lambda = (res) => {
    const now = Date.now()
    if (started.length === 1) jest.spyOn(Date, 'now').mockImplementation(() => now + 60_000)
    return started.length < 3 ? void res.destroy() : accept(res)
  }
  expect(await call(event)).toMatchObject({ statusCode: 202 })
  expect(started).toHaveLength(3)
})

it('An interactive call is refused if too little time is left to start its task', async () => {
  timeLeft = 1_500
  expect(await call(event)).toMatchObject({
    statusCode: 503,
    json: { detail: expect.stringContaining('no event will follow') },
  })
  expect(started).toEqual([])
})

it('An interactive call returns in time if DynamoDB or Lambda does not respond', async () => {
  table = () => undefined
  expect(await call(event)).toMatchObject({ statusCode: 202, json: { duplicate: false } })
  listed = [{ DurableExecutionArn: 'arn:aws:lambda:eu-west-1:0:function:f:1/durable-execution/n/i', Status: 'RUNNING' }]
  lambda = () => undefined
  for (const statusCode of [202, 503]) {
    until = Date.now() + 7_000
    expect(await call(event)).toMatchObject({ statusCode })
    expect(until).toBeGreaterThan(Date.now())
    listed = []
  }
})

describe('Every route', () => {
  const at = (path: string, httpMethod: string, more: Partial<APIGatewayProxyEvent> = {}) =>
    call(event, {
      path,
      httpMethod,
      requestContext: { domainName: 'd', path: `/v1${path}` } as APIGatewayProxyEvent['requestContext'],
      ...more,
    })

  it.each([
    ['/issue-ticketing/open-issue', 'POST'],
    ['/issue-ticketing/tasks/0123456789012345678901234567890123456789', 'GET'],
    ['/issue-ticketing/nothing', 'POST'],
    ['/issue-ticketing', 'POST'],
    ['/v1/issue-ticketing/open-issue', 'POST'],
  ])('requires a token: %s (%s)', async (path, method) => {
    for (const headers of [
      {},
      { authorization: 'Bearer wrong' },
      { authorization: 'Basic caller-token' },
      { 'x-token': '' },
    ]) {
      expect((await at(path, method, { headers })).statusCode).toBe(401)
    }
    expect(started).toEqual([])
  })
})

describe('The log of a webhook', () => {
  it.each([
    ['', 'approvals'],
    ['/v1', 'approvals'],
    ['', '%61pprovals'],
  ])('does not contain the link of an approval (base path "%s", route "%s")', async (base, route) => {
    const lines: string[] = []
    const { write } = process.stdout
    process.stdout.write = (chunk: string | Uint8Array) => lines.push(String(chunk)) > 0
    const path = `${base}/notification/${route}/somebodys-key`
    const request = { path, httpMethod: 'GET', headers: {}, body: null, requestContext: { domainName: 'd', path } }
    const context = { awsRequestId: 'r-1', getRemainingTimeInMillis: () => timeLeft }
    const open = webhookHandler(notification) as (...args: unknown[]) => Promise<WebhookResponse>
    const { statusCode } = await open(request, context).finally(() => {
      process.stdout.write = write
    })
    expect(statusCode).toBe(403)
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ message: 'request', path: `/notification/${route}/***` })
    expect(lines.join('')).not.toContain('somebodys-key')
  })
})
