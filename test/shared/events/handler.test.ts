import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { closeServer, listen } from '../../../infra/local/port.ts'
import { eventsHandler } from '../../../shared/events/handler.ts'
import type { AlertMessage } from '../../../shared/events/queue.ts'
import { itemKeys } from '../../../shared/state/item-keys.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const OLD = 'old-signing-key-0123456789'
const NEW = 'new-signing-key-0123456789'
/** Limit of SQS for the messages of a request. */
const MAX_BATCH_BYTES = 1_048_576
/** One item of DynamoDB. */
type Attributes = Record<string, { S: string } | { N: string }>

/** AWS as the function sees it. */
const aws = {
  keys: [OLD],
  items: new Map<string, Attributes>(),
  isTableDown: false,
  secretReads: 0,
  updates: [] as string[],
  /** The bodies of the messages in the queue. */
  messages: [] as string[],
  completed: [] as string[],
}
const server = createServer((req, res) => void answer(req, res))

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of req) body += chunk
  const reply = (status: number, json: object) =>
    void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
  const [, operation = ''] = String(req.headers['x-amz-target'] ?? '').split('.')
  if (operation === 'GetSecretValue') {
    aws.secretReads++
    return reply(200, { SecretString: JSON.stringify({ keys: aws.keys, token: OLD }) })
  }
  if (operation !== '' && aws.isTableDown) return reply(500, { __type: 'InternalServerError' })
  if (operation === 'GetItem') return reply(200, { Item: aws.items.get(JSON.parse(body).Key.id.S) })
  if (operation === 'UpdateItem') {
    aws.updates.push(JSON.parse(body).Key.id.S)
    return reply(200, {})
  }
  if (operation === 'SendMessageBatch') {
    const bodies = JSON.parse(body).Entries.map(({ MessageBody }: { MessageBody: string }) => MessageBody)
    if (Buffer.byteLength(bodies.join('')) > MAX_BATCH_BYTES) return reply(400, { __type: 'BatchRequestTooLong' })
    aws.messages.push(...bodies)
    return reply(200, { Failed: [] })
  }
  const [, callback = ''] = /durable-execution-callbacks\/([^/]+)\/succeed/.exec(req.url ?? '') ?? []
  if (callback === 'closed') {
    res.setHeader('x-amzn-errortype', 'CallbackTimeoutException')
    return reply(400, {})
  }
  aws.completed.push(callback)
  reply(200, {})
}

const saved = { ...process.env }
const eventsFile = join(temporaryFolder(), 'events.json')
let now = Date.now()
let output = ''

beforeAll(async () => {
  const url = await listen(server, 0)
  writeFileSync(
    eventsFile,
    JSON.stringify({
      sources: {
        ci: { type: 'github', wakes: [] },
        aws: { type: 'eventbridge', wakes: [] },
        large: { type: 'github', wakes: [] },
        broker: { type: 'cloudevents', wakes: [] },
        monitor: { type: 'alertmanager', wakes: [] },
      },
      rules: Array.from({ length: 15 }, (_, index) => ({
        name: `rule-${index}`,
        source: 'large',
        call: 'issue-ticketing/open-issue',
        input: '{description: issue.body}',
      })).concat({ name: 'open', source: 'monitor', call: 'issue-ticketing/open-issue', input: '{title: status}' }),
    }),
  )
  Object.assign(process.env, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_ENDPOINT_URL: url,
    WEBHOOKS_STATE_TABLE: 'table',
    WEBHOOKS_ALERT_QUEUE: 'alerts',
    WEBHOOKS_EVENTS_FILE: eventsFile,
  })
  jest.spyOn(Date, 'now').mockImplementation(() => now)
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text)
    return true
  })
})
afterAll(async () => {
  jest.restoreAllMocks()
  process.env = saved
  await closeServer(server)
})
beforeEach(() => {
  // Longer than anything is cached.
  now += 600_000
  output = ''
  Object.assign(aws, { keys: [OLD], isTableDown: false, secretReads: 0, updates: [], messages: [], completed: [] })
  aws.items.clear()
})

const handler = eventsHandler()
const context = { awsRequestId: 'request' } as unknown as Context
const completed = JSON.stringify({ action: 'completed', workflow_run: { id: 7 } })

/** Sends a notification as API Gateway does. */
function deliver(body = completed, key = OLD, more: Partial<APIGatewayProxyEvent> = {}) {
  return handler(
    {
      httpMethod: 'POST',
      path: '/events/ci',
      pathParameters: { source: 'ci' },
      headers: {
        'X-GitHub-Event': 'workflow_run',
        'X-Hub-Signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
      },
      queryStringParameters: null,
      body,
      isBase64Encoded: false,
      ...more,
    } as unknown as APIGatewayProxyEvent,
    context,
  )
}

/** Stores tasks that wait for a run. */
function wait(source: string, run: string, callbacks: string[]): void {
  const tasks = callbacks.map((callback) => [`t_${callback}`, { S: 'ci-cd' }] as const)
  aws.items.set(itemKeys.wake(source, run), Object.fromEntries(tasks))
  for (const callback of callbacks)
    aws.items.set(itemKeys.waiter('ci-cd', callback), {
      callbackId: { S: callback },
      startedAt: { N: '1' },
      round: { N: '0' },
    })
}

describe('A notification', () => {
  it('wakes all tasks that wait for its run', async () => {
    wait('ci', '7', ['one', 'two'])
    wait('ci', '8', ['other'])
    expect(await deliver()).toMatchObject({
      statusCode: 200,
      body: JSON.stringify({ event: 'workflow_run.completed', woken: 2 }),
    })
    expect(aws.completed.sort()).toEqual(['one', 'two'])
  })

  it('whose body is encoded for the function is verified as it was sent', async () => {
    wait('ci', '7', ['one'])
    const body = Buffer.from(completed).toString('base64')
    const { headers } = {
      headers: {
        'x-github-event': 'workflow_run',
        'x-hub-signature-256': `sha256=${createHmac('sha256', OLD).update(completed).digest('hex')}`,
      },
    }
    expect(await deliver(completed, OLD, { body, isBase64Encoded: true, headers })).toMatchObject({ statusCode: 200 })
    expect(aws.completed).toEqual(['one'])
  })

  it('whose calls do not fit in one message of the queue is stored in several', async () => {
    const issue = { id: 1, state: 'open', updated_at: '2026-11-30T10:00:00Z', body: 'x'.repeat(99_000) }
    const body = JSON.stringify({ action: 'opened', issue })
    const signature = `sha256=${createHmac('sha256', OLD).update(body).digest('hex')}`
    const headers = { 'x-github-event': 'issues', 'x-hub-signature-256': signature }
    const received = await deliver(body, OLD, { headers, pathParameters: { source: 'large' } })
    expect(received).toMatchObject({ statusCode: 200, body: expect.stringContaining('"calls":15') })
    const messages: AlertMessage[] = aws.messages.map((message) => JSON.parse(message))
    expect(new Set(messages.map(({ key, state, at }) => JSON.stringify([key, state, at]))).size).toBe(1)
    expect(new Set(messages.flatMap(({ calls }) => calls.map(({ rule }) => rule))).size).toBe(15)
  })

  it('becomes a message with the calls of all rules, ended if the alert has ended or a rule closes something', async () => {
    const alert = (status: string) => ({
      status,
      labels: {},
      startsAt: '2026-11-30T10:00:00Z',
      endsAt: '2026-11-30T10:05:00Z',
      fingerprint: 'f',
    })
    const opening = { source: 'monitor', call: 'issue-ticketing/open-issue' }
    const closing = { source: 'monitor', call: 'issue-ticketing/close-issue', closes: 'opens' }
    const kinds = [
      { rule: { name: 'opens', ...opening }, on: ['firing'] },
      { rule: { name: 'opens-always', on: '`true`', ...opening }, on: ['firing', 'resolved'] },
      { rule: { name: 'closes', ...closing }, on: ['resolved'] },
      { rule: { name: 'closes-early', on: "status == 'firing'", ...closing }, on: ['firing'] },
    ]
    const pairs = kinds.flatMap((first) =>
      kinds.flatMap((second) => (first === second ? [[first]] : [[first, second]])),
    )
    let files = 0
    try {
      for (const chosen of pairs)
        for (const status of ['firing', 'resolved']) {
          // A file of a new name, as each deployment has.
          const file = eventsFile.replace('.json', `-${++files}.json`)
          const sources = { monitor: { type: 'alertmanager', wakes: [] } }
          writeFileSync(file, JSON.stringify({ sources, rules: chosen.map(({ rule }) => rule) }))
          process.env['WEBHOOKS_EVENTS_FILE'] = file
          aws.messages = []
          const body = JSON.stringify({ status, alerts: [alert(status)] })
          await deliver(body, OLD, {
            headers: { authorization: `Bearer ${OLD}` },
            pathParameters: { source: 'monitor' },
          })
          const calling = chosen.filter(({ on }) => on.includes(status)).map(({ rule }) => rule)
          const hasEnded = status === 'resolved' || calling.some((rule) => 'closes' in rule)
          const message = {
            key: expect.any(String),
            state: hasEnded ? 'resolved' : 'firing',
            calls: calling.map(({ name }) => ({ rule: name, input: {} })),
          }
          // The end is recorded even if nothing closes: what fires next is another occurrence.
          const expected = calling.length > 0 || hasEnded ? [expect.objectContaining(message)] : []
          const names = chosen.map(({ rule }) => rule.name)
          expect([status, names, aws.messages.map((text) => JSON.parse(text))]).toEqual([status, names, expected])
        }
    } finally {
      process.env['WEBHOOKS_EVENTS_FILE'] = eventsFile
    }
  })

  it('with too many alerts is refused at once', async () => {
    const body = JSON.stringify({ status: 'firing', alerts: Array.from({ length: 10_001 }, () => ({})) })
    const headers = { authorization: `Bearer ${OLD}` }
    const response = await deliver(body, OLD, { headers, pathParameters: { source: 'monitor' } })
    expect(response).toMatchObject({ statusCode: 400, body: expect.stringContaining('has 10001 alerts') })
    expect(aws.messages).toEqual([])
  })

  it('of CloudEvents is preceded by a handshake', async () => {
    const ask = (source: string, headers: Record<string, string>) =>
      deliver('', OLD, { httpMethod: 'OPTIONS', headers, pathParameters: { source } })
    const origin = { 'WebHook-Request-Origin': 'eventgrid.azure.net' }
    expect(await ask('broker', { ...origin, 'WebHook-Request-Rate': '120' })).toMatchObject({
      statusCode: 200,
      headers: { 'webhook-allowed-origin': '*', 'webhook-allowed-rate': '*' },
    })
    const { headers = {} } = (await ask('broker', origin)) ?? {}
    expect(headers).not.toHaveProperty('webhook-allowed-rate')
    for (const response of [await ask('broker', {}), await ask('ci', origin)])
      expect(response).toMatchObject({ statusCode: 405, headers: { allow: 'POST' } })
    expect(aws.secretReads).toBe(0)
  })

  it('for a task that is being woken already is a success', async () => {
    wait('ci', '7', ['closed'])
    expect(await deliver()).toMatchObject({ statusCode: 200, body: expect.stringContaining('"woken":0') })
  })

  it('that could not wake a task is refused with 503, so that its sender repeats it', async () => {
    aws.isTableDown = true
    const response = await deliver()
    expect(response).toMatchObject({ statusCode: 503, headers: { 'retry-after': '5' } })
    expect(output).toContain('"effect":"failed"')
  })

  it('that names more runs than a hundred is refused', async () => {
    writeFileSync(
      eventsFile.replace('.json', '-http.json'),
      JSON.stringify({ sources: { ci: { type: 'http', run: 'ids', wakes: [] } } }),
    )
    process.env['WEBHOOKS_EVENTS_FILE'] = eventsFile.replace('.json', '-http.json')
    try {
      const ids = Array.from({ length: 101 }, (_, id) => id)
      const timestamp = String(Math.floor(now / 1_000))
      const body = JSON.stringify({ ids })
      const signature = createHmac('sha256', Buffer.from(OLD, 'base64'))
        .update(`m.${timestamp}.${body}`)
        .digest('base64')
      const headers = { 'webhook-id': 'm', 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
      const response = await deliver(body, OLD, { headers })
      expect(response).toMatchObject({ statusCode: 400, body: expect.stringContaining('at most 100') })
    } finally {
      process.env['WEBHOOKS_EVENTS_FILE'] = eventsFile
    }
  })

  it('is recorded once a minute, and when it wakes a task', async () => {
    await deliver()
    await deliver()
    expect(aws.updates).toEqual(['source#ci'])
    wait('ci', '7', ['one'])
    await deliver()
    expect(aws.updates).toEqual(['source#ci', 'source#ci'])
    now += 61_000
    await deliver('{}', OLD, { headers: {} })
    await deliver(JSON.stringify({ action: 'requested', workflow_run: { id: 7 } }))
    expect(aws.updates).toHaveLength(3)
  })
})

describe('The secret of a source', () => {
  it('is read again after a signature that does not match, at most every 15 seconds', async () => {
    expect(await deliver()).toMatchObject({ statusCode: 200 })
    expect(aws.secretReads).toBe(1)
    aws.keys = [NEW, OLD]
    expect(await deliver(completed, NEW)).toMatchObject({ statusCode: 200 })
    expect(aws.secretReads).toBe(2)
    const forge = () => deliver(completed, 'another-key-0123456789')
    for (let count = 0; count < 5; count++) expect(await forge()).toMatchObject({ statusCode: 401 })
    expect(aws.secretReads).toBe(2)
    now += 15_001
    expect(await forge()).toMatchObject({ statusCode: 401 })
    expect(aws.secretReads).toBe(3)
  })
})

describe('An event of AWS', () => {
  const build = 'arn:aws:codebuild:eu-west-1:123456789012:build/shop:8745a7a9'
  const event = (detail: object) => ({ 'detail-type': 'CodeBuild Build State Change', source: 'aws.codebuild', detail })
  const ended = event({ 'build-id': build, 'build-status': 'SUCCEEDED' })

  it('that a rule sends wakes the tasks that wait for its run', async () => {
    wait('aws', 'shop:8745a7a9', ['one'])
    expect(await handler(ended, context)).toBeUndefined()
    expect(aws.completed).toEqual(['one'])
    expect(output).toContain('"source":"aws","event":"CodeBuild Build State Change: SUCCEEDED"')
  })

  it('that could not wake a task fails the function, so that Lambda invokes it again', async () => {
    aws.isTableDown = true
    await expect(handler(ended, context)).rejects.toThrow('could not be woken')
  })

  it('that cannot be read is logged and not repeated', async () => {
    expect(await handler(event({}), context)).toBeUndefined()
    expect(output).toContain('"effect":"failed","kind":"invalid"')
  })
})
