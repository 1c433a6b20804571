import { createServer, request, type Server } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { readBody, tooLong, toProxyEvent, writeProxyResult } from '../../../../infra/local/cloud/index.ts'
import { closeServer, listen } from '../../../../infra/local/port.ts'

let server: Server
let url: string
let event: APIGatewayProxyEvent | undefined
let result: unknown

beforeAll(async () => {
  server = createServer(async (req, res) => {
    const body = await readBody(req)
    if (body === undefined) return writeProxyResult(res, tooLong())
    event = toProxyEvent(req, body, {
      resource: '/{category}/{action}',
      stage: 'v1',
      pathParameters: { category: 'notification', action: 'push' },
    })
    writeProxyResult(res, result)
  })
  url = await listen(server, 0)
})

beforeEach(() => {
  event = undefined
  result = { statusCode: 200, body: '{}' }
})

afterAll(() => closeServer(server))

const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  fetch(url + path, { method: 'POST', body, headers })

describe('the event of a request', () => {
  test('has the path, parameters and context of a REST API', async () => {
    await post('/v1/notification/push?mode=silent&when=fail&when=warning&text=a%20b', '{"id":1}', {
      'Content-Type': 'application/json',
      Authorization: 'Bearer abc',
    })
    expect(event).toMatchObject({
      resource: '/{category}/{action}',
      path: '/notification/push',
      httpMethod: 'POST',
      queryStringParameters: { mode: 'silent', when: 'warning', text: 'a b' },
      multiValueQueryStringParameters: { mode: ['silent'], when: ['fail', 'warning'], text: ['a b'] },
      pathParameters: { category: 'notification', action: 'push' },
      stageVariables: null,
      body: '{"id":1}',
      isBase64Encoded: false,
      requestContext: {
        path: '/v1/notification/push',
        resourcePath: '/{category}/{action}',
        stage: 'v1',
        httpMethod: 'POST',
        requestId: expect.stringMatching(/^[\w-]{36}$/),
        accountId: '000000000000',
        apiId: expect.any(String),
        domainName: '127.0.0.1',
        domainPrefix: '127',
        requestTimeEpoch: expect.any(Number),
        identity: { sourceIp: '127.0.0.1' },
      },
    })
    const headers = Object.fromEntries(Object.entries(event?.headers ?? {}).map(([k, v]) => [k.toLowerCase(), v]))
    expect(headers).toMatchObject({
      authorization: 'Bearer abc',
      host: url.replace('http://', ''),
      'x-forwarded-proto': 'http',
      'x-forwarded-for': '127.0.0.1',
    })
  })

  test('has every value of a repeated header and preserves its case', async () => {
    await new Promise((resolve, reject) => {
      const options = {
        method: 'POST',
        headers: [
          ['Host', 'localhost'],
          ['X-Tag', 'one'],
          ['X-Tag', 'two'],
        ].flat(),
      }
      request(`${url}/v1`, options, (res) => res.resume().on('end', resolve))
        .on('error', reject)
        .end()
    })
    expect(event?.path).toBe('/')
    expect(event?.headers['X-Tag']).toBe('two')
    expect(event?.multiValueHeaders['X-Tag']).toEqual(['one', 'two'])
  })

  test('has null for a missing query and body', async () => {
    await fetch(`${url}/v1/notification/push`)
    expect(event).toMatchObject({
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
      body: null,
      isBase64Encoded: false,
    })
  })

  test('has text unchanged and other bytes in base64', async () => {
    await post('/v1/a/b', 'Grüße 🎉')
    expect(event).toMatchObject({ body: 'Grüße 🎉', isBase64Encoded: false })
    const bytes = Buffer.from([0x7b, 0xff, 0xfe, 0x22])
    await post('/v1/a/b', new Uint8Array(bytes))
    expect(event).toMatchObject({ body: bytes.toString('base64'), isBase64Encoded: true })
  })
})

test('a body of 10 MB is accepted, and of one more byte is rejected', async () => {
  const size = 10 * 1024 * 1024
  await expect(post('/v1/a/b', 'x'.repeat(size))).resolves.toMatchObject({ status: 200 })
  expect(event?.body).toHaveLength(size)
  const refused = await post('/v1/a/b', 'x'.repeat(size + 1))
  expect(refused.status).toBe(413)
  await expect(refused.text()).resolves.toBe('{"message":"Request Too Long"}')
})

describe('the response', () => {
  test('has the status, headers and body of the function', async () => {
    result = {
      statusCode: 202,
      headers: { 'Content-Type': 'application/problem+json', 'Retry-After': 5 },
      multiValueHeaders: { 'Set-Cookie': ['a=1', 'b=2'] },
      body: '{"ok":"ü"}',
    }
    const response = await post('/v1/a/b', '')
    expect(response.status).toBe(202)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.get('retry-after')).toBe('5')
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    await expect(response.text()).resolves.toBe('{"ok":"ü"}')
  })

  test('decodes a body in base64', async () => {
    const headers = { 'content-type': 'image/png' }
    result = { statusCode: 200, headers, body: Buffer.from([1, 2, 255]).toString('base64'), isBase64Encoded: true }
    const response = await post('/v1/a/b', '')
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from([1, 2, 255]))
  })

  test.each([undefined, null, 'text', {}, { statusCode: 'many' }, { statusCode: 200, body: { a: 1 } }])(
    'is 502 if the function returned %j',
    async (returned) => {
      result = returned
      const response = await post('/v1/a/b', '')
      expect(response.status).toBe(502)
      await expect(response.json()).resolves.toEqual({ message: 'Internal server error' })
    },
  )
})
