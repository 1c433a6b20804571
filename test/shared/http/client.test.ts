import { once } from 'node:events'
import http, { type RequestListener } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { generate } from 'selfsigned'
import * as z from 'zod'
import { Failure } from '../../../shared/errors.ts'
import { Http } from '../../../shared/http/client.ts'
import type { SentRequest } from '../../../shared/http/exchange.ts'
import { segment } from '../../../shared/http/segment.ts'

const servers: (http.Server | https.Server)[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(listener: RequestListener, tls?: { key: string; cert: string }): Promise<string> {
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener)
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const client = (baseUrl: string, more: Partial<ConstructorParameters<typeof Http>[0]> = {}) =>
  new Http({ platform: 'Acme', baseUrl, ...more })

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  try {
    await promise
  } catch (error) {
    return error as Failure
  }
  throw new Error('The request did not fail.')
}

describe('HTTP client: requests', () => {
  it('sends query, headers and JSON to a path below the base URL', async () => {
    const seen: unknown[] = []
    const url = await serve((req, res) => {
      let body = ''
      req.on('data', (chunk) => {
        body += chunk
      })
      req.on('end', () => {
        seen.push([req.method, req.url, req.headers['content-type'], req.headers['x-a'], body])
        res.end('{"ok":true}')
      })
    })
    const { body } = await client(`${url}/base`, { headers: { 'x-a': 'b' } }).post(
      `/things/${segment('a/b ?')}`,
      { ü: 1 },
      { query: { q: 'x y', none: undefined } },
    )
    expect(body).toEqual({ ok: true })
    expect(seen).toEqual([['POST', '/base/things/a%2Fb%20%3F?q=x+y', 'application/json', 'b', '{"ü":1}']])
  })

  it('rejects path segments that leave the base URL', async () => {
    expect(() => segment('..')).toThrow('is not allowed as a path segment')
    expect(() => segment('')).toThrow('is not allowed as a path segment')
    await expect(client('https://acme.example').get('//evil.example/x')).rejects.toThrow()
    expect(segment('//evil.example')).toBe('%2F%2Fevil.example')
    // Some servers decode a path before they resolve dot segments.
    for (const name of ['../x', 'a/..', 'a/../../b', 'a\\..\\b', './x'])
      expect(() => segment(name)).toThrow('is not allowed as a path segment')
    expect(segment('a..b/...')).toBe('a..b%2F...')
  })

  it('rejects a path segment with half of a surrogate pair', () => {
    expect(() => segment('a\ud800')).toThrow(expect.objectContaining({ kind: 'invalid' }))
    expect(segment('a\ud83d\ude80')).toBe('a%F0%9F%9A%80')
  })

  it('reports an invalid header as misconfigured, without its value', async () => {
    const url = await serve((_, res) => res.end('{}'))
    const bad = client(url, { headers: { 'x-api-key': 'seven\nlines' } })
    const failure = await failureOf(bad.post('x', {}))
    expect(failure).toMatchObject({ kind: 'misconfigured', message: expect.stringContaining('x-api-key') })
    expect(failure.message).not.toContain('seven')
  })

  it('does not follow a redirect out of the path of the connection', async () => {
    const seen: string[] = []
    const url = await serve((req, res) => {
      seen.push(`${req.method} ${req.url}`)
      if (req.url === '/tenant/moved') res.writeHead(307, { location: '/tenant/here' }).end()
      else if (req.url === '/tenant/here') res.end('{"here":true}')
      else res.writeHead(307, { location: '../other/steal' }).end()
    })
    expect((await client(`${url}/tenant`).post('moved', {})).body).toEqual({ here: true })
    expect(await failureOf(client(`${url}/tenant`).post('away', {}))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('/other/steal, which is not followed'),
    })
    expect(seen.at(-1)).toBe('POST /tenant/away')
  })

  it('follows redirects only within the host of the connection', async () => {
    const other = await serve((_, res) => res.end('{"stolen":true}'))
    const url = await serve((req, res) => {
      if (req.url === '/moved') res.writeHead(301, { location: '/here' }).end()
      else if (req.url === '/here') res.end('{"here":true}')
      else if (req.url === '/loop') res.writeHead(302, { location: '/loop' }).end()
      else res.writeHead(302, { location: `${other}/x` }).end()
    })
    expect((await client(url).get('moved')).body).toEqual({ here: true })
    expect(await failureOf(client(url).get('away'))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('which is not followed'),
    })
    const nowhere = await serve((_, res) => res.writeHead(302, { location: 'http://[' }).end())
    expect(await failureOf(client(nowhere).get('x'))).toMatchObject({
      kind: 'platform',
      message: 'Acme redirected GET /x to an invalid URL.',
    })
    expect(await failureOf(client(url).get('loop'))).toMatchObject({ kind: 'refused' })
    expect(await failureOf(client(url).post('moved', {}))).toMatchObject({ kind: 'refused' })
  })
})

it.each([
  ['GenieKey 0f3c-of-a-team', 'no such key: 0f3c-of-a-team', 'no such key: ***'],
  ['Token token=abcdef-of-an-agent', 'no such token: abcdef-of-an-agent', 'no such token: ***'],
  ['Token token=abcdef, of=shop', 'wrong: token=abcdef, of=shop', 'wrong: ***'],
  ['several words of a phrase', 'several words of a phrase, or words of a phrase', '***, or words of a phrase'],
])('HTTP client masks the header %s, with and without its scheme', async (authorization, message, masked) => {
  const url = await serve((_, res) => res.writeHead(400).end(JSON.stringify({ message })))
  const failure = await failureOf(client(url, { headers: { authorization } }).get('x'))
  expect(failure.message).toBe(`Acme answered 400 to GET /x: ${masked}`)
})

describe('HTTP client: a URL that is a credential', () => {
  const sig = 'aSignatureOfManyLetters_43'
  const path = `/workflows/8f14e45fceea167a5a36/invoke?v=1&sp=%2Fsome%2Frun&sig=${sig}`
  const urlAlias = 'the webhook'
  const secrets = /8f14e45|invoke|aSignature/

  it('is called unchanged but does not appear in errors', async () => {
    const seen: unknown[] = []
    const url = await serve((req, res) => {
      seen.push(`${req.method} ${req.url}`)
      res.writeHead(404).end(JSON.stringify({ message: `There is no ${req.url}, nor a ${sig}` }))
    })
    const failure = await failureOf(client(url).post(url + path, {}, { urlAlias }))
    expect(seen).toEqual([`POST ${path}`])
    expect(failure).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^Acme answered 404 to POST the webhook: /),
    })
    expect(failure.message).not.toMatch(secrets)
  })

  it('is masked in a dry run', async () => {
    const sent: SentRequest[] = []
    const intercept = (request: SentRequest) => {
      sent.push(request)
      throw new Error('dry')
    }
    const base = 'https://acme.example'
    await expect(client(base, { intercept }).post(base + path, { a: 1 }, { urlAlias })).rejects.toThrow('dry')
    expect(sent).toMatchObject([{ method: 'POST', url: `${base}/***`, body: '{"a":1}' }])
  })

  it('does not appear in the error of an unreachable platform', async () => {
    const base = 'http://127.0.0.1:9'
    const unreached = await failureOf(client(base).post(base + path, {}, { urlAlias }))
    expect(unreached).toMatchObject({ kind: 'platform', message: expect.stringContaining('(POST the webhook)') })
    const late = await failureOf(client(base, { deadlineAt: 0 }).post(base + path, {}, { urlAlias }))
    expect(late).toMatchObject({ kind: 'deadline' })
    for (const { message } of [unreached, late]) expect(message).not.toMatch(secrets)
  })

  it.each([301, 302, 303, 307, 308])('is not redirected with status %i', async (status) => {
    let calls = 0
    const url = await serve((_, res) => {
      calls++
      res.writeHead(status, { location: `/elsewhere${path}` }).end()
    })
    const failure = await failureOf(client(url).post(url + path, {}, { urlAlias }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('which is not followed') })
    expect(failure.message).not.toMatch(secrets)
    expect(calls).toBe(1)
  })

  it('must have the host of the connection', async () => {
    await expect(client('https://acme.example').post(`https://evil.example${path}`, {}, { urlAlias })).rejects.toThrow()
  })
})

describe('HTTP client: responses', () => {
  const serveReply = (status: number, body: string, headers = {}) =>
    serve((_, res) => {
      res.writeHead(status, headers).end(body)
    })

  it.each([
    [
      400,
      '{"message":"Validation Failed","errors":[{"resource":"Issue","field":"title","code":"missing_field"}]}',
      'refused',
      'Validation Failed; title: missing_field',
    ],
    [
      400,
      '{"errorMessages":["No project"],"errors":{"summary":"is required"}}',
      'refused',
      'No project; summary: is required',
    ],
    [
      400,
      '{"error":{"code":"error","message":"Validation failed","details":[{"message":"No tests left","code":"a"},{"message":"too many","target":"vus"},{"code":"b"}]}}',
      'refused',
      'Validation failed; No tests left; vus: too many',
    ],
    [422, '{"errors":["Subject cannot be blank"]}', 'refused', 'Subject cannot be blank'],
    [404, '', 'refused', 'no reason given'],
    [401, '{"error":"invalid_token","error_description":"expired"}', 'credentials', 'expired; invalid_token'],
    [403, '{"message":"Resource not accessible"}', 'refused', 'Resource not accessible'],
    [
      403,
      '{"message":"You have exceeded a secondary rate limit."}',
      'platform',
      'You have exceeded a secondary rate limit.',
    ],
    [500, '<html><head><title>Oops</title></head></html>', 'platform', 'a page titled "Oops"'],
    [502, '<h1>x</h1>', 'platform', 'a page instead of JSON'],
    [503, '{"error":{"message":"maintenance"}}', 'platform', 'maintenance'],
    [429, '{}', 'platform', 'no reason given'],
  ])('reports status %i with the message of the platform', async (status, body, kind, words) => {
    const failure = await failureOf(client(await serveReply(status, body)).get('x'))
    expect(failure).toMatchObject({ kind, message: `Acme answered ${status} to GET /x: ${words}` })
  })

  it('returns an expected status', async () => {
    expect(await client(await serveReply(404, '{"a":1}')).get('x', { accept: [404] })).toMatchObject({
      status: 404,
      body: { a: 1 },
    })
  })

  it('returns an expected redirect instead of following it', async () => {
    const url = await serveReply(302, '', { location: 'https://elsewhere.example.com/' })
    expect((await client(url).post('x', {}, { accept: [302] })).headers['location']).toContain('elsewhere')
    expect(await failureOf(client(url).post('x', {}, { accept: [404] }))).toMatchObject({ kind: 'refused' })
  })

  it.each([
    [200, '['.repeat(4_000_000)],
    [200, `${'{"message":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    [200, ` {"a\\"[": ${'['.repeat(201)}${']'.repeat(201)}}`],
  ])('reports a %i response with too many levels as a platform failure', async (status, body) => {
    const failure = await failureOf(client(await serveReply(status, body)).post('x', {}))
    expect(failure).toMatchObject({
      kind: 'platform',
      message: 'Acme answered JSON of more than 200 levels (POST /x).',
    })
  })

  it('reports a refusal with too many levels as a refusal', async () => {
    const url = await serveReply(400, `${'{"message":'.repeat(100_000)}1${'}'.repeat(100_000)}`)
    const message = 'Acme answered 400 to POST /x: JSON of more than 200 levels'
    expect(await failureOf(client(url).post('x', {}))).toMatchObject({
      kind: 'refused',
      message,
      mayHaveWritten: false,
    })
  })

  it('parses 199 levels, and text with many brackets', async () => {
    const levels = `${'['.repeat(199)}${']'.repeat(199)}`
    expect(JSON.stringify((await client(await serveReply(200, levels)).get('x')).body)).toBe(levels)
    const signs = JSON.stringify({ text: '[{"'.repeat(300), list: '[],'.repeat(300) })
    expect(JSON.stringify((await client(await serveReply(200, signs)).get('x')).body)).toBe(signs)
  })

  it('removes characters that control a terminal or the text direction', async () => {
    const url = await serveReply(400, JSON.stringify({ message: 'red \u001b[31m\u009b31m \u202egnp.exe\u2066' }))
    expect((await failureOf(client(url).get('x'))).message).toBe('Acme answered 400 to GET /x: red [31m31m gnp.exe')
  })

  it('returns an empty body as undefined and other text unchanged', async () => {
    expect((await client(await serveReply(204, '')).get('x')).body).toBeUndefined()
    expect((await client(await serveReply(200, '42')).get('x')).body).toBe(42)
    expect((await client(await serveReply(200, 'plain')).get('x')).body).toBe('plain')
  })

  it('reports a response that does not match the schema as a platform failure', async () => {
    const url = await serveReply(200, '{"number":"seven"}')
    const failure = await failureOf(client(url).get('x', { schema: z.object({ number: z.int() }) }))
    expect(failure).toMatchObject({
      kind: 'platform',
      message: expect.stringContaining('(number '),
    })
  })

  it('reports a response that is too large or incomplete as a platform failure', async () => {
    const endless = await serve((_, res) => {
      const more = () => {
        if (res.destroyed) return
        res.write('x'.repeat(65_536))
        setImmediate(more)
      }
      more()
    })
    expect(await failureOf(client(endless).get('x'))).toMatchObject({
      kind: 'platform',
      message: expect.stringContaining('more than 5 MB'),
    })
    const broken = await serve((_, res) => {
      res.writeHead(200, { 'content-length': '100' })
      res.write('{"half":')
      setTimeout(() => res.destroy(), 20)
    })
    expect(await failureOf(client(broken).get('x'))).toMatchObject({
      kind: 'platform',
      message: expect.stringContaining('closed the connection before the end'),
    })
  })

  it('reports a timeout at the deadline', async () => {
    const silent = await serve(() => undefined)
    const failure = await failureOf(client(silent, { deadlineAt: Date.now() + 1_200 }).get('x'))
    expect(failure).toMatchObject({ kind: 'timeout', message: expect.stringContaining('did not respond within 1 s') })
  })

  it.each<[string, (now: number) => Record<string, string>, number, number]>([
    ['retry-after in seconds', () => ({ 'retry-after': '30' }), 429, 30],
    ['retry-after of a 403', () => ({ 'retry-after': '7' }), 403, 7],
    ['retry-after as a date', (now) => ({ 'retry-after': new Date(now + 90_500).toUTCString() }), 503, 90],
    [
      'x-ratelimit-reset in epoch seconds',
      (now) => ({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.ceil(now / 1_000) + 40) }),
      403,
      40,
    ],
    ['x-ratelimit-reset as a time', (now) => ({ 'x-ratelimit-reset': new Date(now + 50_000).toISOString() }), 429, 50],
    ['x-ratelimit-reset in epoch milliseconds', (now) => ({ 'x-ratelimit-reset': String(now + 60_000) }), 429, 60],
    ['ratelimit-reset in seconds', () => ({ 'ratelimit-reset': '12' }), 429, 12],
    [
      'the error type of AWS',
      () => ({ 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/coral/', 'retry-after': '9' }),
      400,
      9,
    ],
  ])('reads the time of the next attempt from %s', async (_, headersAt, status, seconds) => {
    const before = Date.now()
    const failure = await failureOf(client(await serveReply(status, '{}', headersAt(before))).get('x'))
    const elapsed = (Date.now() - before) / 1_000
    expect(failure.transient).toBe(true)
    expect(failure.retryAfter).toBeLessThanOrEqual(seconds + 2)
    expect(failure.retryAfter).toBeGreaterThanOrEqual(seconds - elapsed - 2)
  })

  it('reads retry-after in milliseconds, and waits a minute after an abuse limit', async () => {
    const busy = client(await serveReply(429, '{}', { 'retry-after': '12500' }), { retryAfterUnit: 'milliseconds' })
    expect((await failureOf(busy.get('x'))).retryAfter).toBe(13)
    const limited = client(await serveReply(403, '{"message":"You have triggered an abuse detection mechanism."}'))
    expect((await failureOf(limited.get('x'))).retryAfter).toBe(60)
  })

  it.each([
    [{ 'x-ratelimit-limit': '1000', 'x-ratelimit-reset': '1700000000' }],
    [{ 'ratelimit-limit': '960', 'ratelimit-remaining': '958', 'ratelimit-reset': '12' }],
  ])('reports 403 as a refusal although the response has rate limit headers: %j', async (headers) => {
    expect(await failureOf(client(await serveReply(403, '{}', headers)).get('x'))).toMatchObject({ kind: 'refused' })
  })
})

describe('HTTP client: authorization', () => {
  const echo = () => serve((req, res) => res.end(JSON.stringify([req.headers['x-signed'], req.headers['x-a']])))

  it('can depend on the request', async () => {
    const authorization = {
      headers: async ({ method, url, body }: SentRequest) => ({
        'x-signed': `${method} ${new URL(url).search} ${body}`,
      }),
    }
    const signing = client(await echo(), { authorization, headers: { 'x-a': 'b' } })
    expect((await signing.post('x', { a: 1 }, { query: { q: 1 } })).body).toEqual(['POST ?q=1 {"a":1}', 'b'])
  })

  it('is invalidated after 401', async () => {
    let invalidated = 0
    const authorization = { headers: async () => ({}), invalidate: () => void invalidated++ }
    const statuses = [200, 403, 401]
    const url = await serve((_, res) => res.writeHead(statuses.shift() ?? 500).end())
    const http = client(url, { authorization })
    await http.get('x')
    expect(await failureOf(http.get('x'))).toMatchObject({ kind: 'refused' })
    expect(invalidated).toBe(0)
    expect(await failureOf(http.get('x'))).toMatchObject({ kind: 'credentials' })
    expect(invalidated).toBe(1)
  })

  it('that fails means that nothing was written', async () => {
    const seen: unknown[] = []
    const url = await serve((req, res) => {
      seen.push(req.url)
      res.end()
    })
    const headers = async (): Promise<Record<string, string>> => {
      throw new Failure('platform', 'The OAuth server is down.')
    }
    expect(await failureOf(client(url, { authorization: { headers } }).post('x'))).toMatchObject({
      message: 'The OAuth server is down.',
      mayHaveWritten: false,
    })
    expect(seen).toEqual([])
  })
})

describe('HTTP client: an error status in a body with status 200', () => {
  const statusOf = (body: unknown) => (body as { error?: { code: number } }).error?.code
  const serveReply = (body: object) => serve((_, res) => res.end(JSON.stringify(body)))

  it('replaces the status of the response', async () => {
    const failure = async (code: number) =>
      failureOf(client(await serveReply({ error: { code, message: 'No.' } }), { errorStatus: statusOf }).post('x'))
    expect(await failure(404)).toMatchObject({
      kind: 'refused',
      message: 'Acme answered 404 to POST /x: No.',
      mayHaveWritten: false,
    })
    expect(await failure(401)).toMatchObject({ kind: 'credentials' })
    expect(await failure(500)).toMatchObject({ kind: 'platform', mayHaveWritten: true })
  })

  it('can be expected, and is ignored if the body has no error', async () => {
    const url = await serveReply({ error: { code: 404 } })
    expect(await client(url, { errorStatus: statusOf }).get('x', { accept: [404] })).toMatchObject({ status: 404 })
    expect(await client(await serveReply({ ok: true }), { errorStatus: statusOf }).get('x')).toMatchObject({
      status: 200,
    })
  })
})

describe('HTTP client: mayHaveWritten', () => {
  it('is false if a write never arrived or was refused', async () => {
    const refusing = await serve((_, res) => res.writeHead(422).end('{}'))
    expect((await failureOf(client(refusing).post('x', {}))).mayHaveWritten).toBe(false)
    expect((await failureOf(client('http://127.0.0.1:9').post('x', {}))).mayHaveWritten).toBe(false)
    const taken = await serve((req, res) => res.writeHead(req.method === 'GET' ? 503 : 405).end('{}'))
    const http = client(taken)
    await http.post('x', {}, { accept: [405] })
    expect((await failureOf(http.get('x'))).mayHaveWritten).toBe(false)
  })

  it('is true if a write arrived and was not refused, also for later requests', async () => {
    const failing = await serve((req, res) => res.writeHead(req.method === 'GET' ? 503 : 500).end('{}'))
    expect((await failureOf(client(failing).post('x', {}))).mayHaveWritten).toBe(true)
    expect((await failureOf(client(failing).get('x'))).mayHaveWritten).toBe(false)
    const resetting = await serve((req) => req.socket.resetAndDestroy())
    expect((await failureOf(client(resetting).post('x', {}))).mayHaveWritten).toBe(true)
    const half = await serve((req, res) => res.writeHead(req.method === 'POST' ? 201 : 500).end('{}'))
    const http = client(half)
    await http.post('x', {})
    expect((await failureOf(http.get('x'))).mayHaveWritten).toBe(true)
  })

  it('is false after the deadline, when only reads are sent', async () => {
    let calls = 0
    const url = await serve((_, res) => {
      calls++
      res.end('{}')
    })
    const late = client(url, { deadlineAt: Date.now() - 1 })
    expect(await failureOf(late.post('x', {}))).toMatchObject({ kind: 'deadline', mayHaveWritten: false })
    expect(calls).toBe(0)
    await late.get('x')
    await late.post('search', {}, { isRead: true })
    expect(calls).toBe(2)
  })
})

it('HTTP client verifies certificates and trusts the "ca" of the connection', async () => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  const tls = { key, cert }
  const url = await serve((_, res) => res.end('{"ok":1}'), tls)
  expect(await failureOf(client(url).post('x', {}))).toMatchObject({
    kind: 'platform',
    message: expect.stringMatching(/certificate is not trusted.*"ca"/),
    mayHaveWritten: false,
  })
  expect((await client(url, { ca: cert }).get('x')).body).toEqual({ ok: 1 })
  const noCertificate = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'
  expect(await failureOf(client(url, { ca: noCertificate }).post('x', {}))).toMatchObject({
    kind: 'misconfigured',
    message: expect.stringContaining('must be a PEM certificate'),
  })
})

it('HTTP client reuses a TLS connection with a private "ca" across clients', async () => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  const ports = new Set<number | undefined>()
  const url = await serve(
    (req, res) => {
      ports.add(req.socket.remotePort)
      res.end('{"ok":1}')
    },
    { key, cert },
  )
  for (const path of ['x', 'y', 'z']) await client(url, { ca: cert }).get(path)
  expect(ports.size).toBe(1)
})
