import http, { type RequestListener } from 'node:http'
import https from 'node:https'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import * as z from 'zod'
import { Failure } from '../../../shared/errors.ts'
import { Http } from '../../../shared/http/client.ts'
import type { SentRequest } from '../../../shared/http/exchange.ts'
import { segment } from '../../../shared/http/segment.ts'
import { sendRequest } from '../../../shared/http/send.ts'
import { certificate } from '../../certificate.ts'
import { endsInTime, expectFailure, failureOf, timeOut } from '../../functions/helpers.ts'
import { listen } from '../../listen.ts'

const servers: (http.Server | https.Server)[] = []
/** The requests that the servers received: `GET /x`. */
let seen: string[]
beforeEach(() => {
  seen = []
})
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(listener: RequestListener, tls?: { key: string; cert: string }): Promise<string> {
  const handle: RequestListener = (req, res) => {
    seen.push(`${req.method} ${req.url}`)
    listener(req, res)
  }
  const server = tls ? https.createServer(tls, handle) : http.createServer(handle)
  servers.push(server)
  return `${tls ? 'https' : 'http'}://127.0.0.1:${await listen(server)}`
}

type Options = Partial<ConstructorParameters<typeof Http>[0]>
const client = (baseUrl: string, more: Options = {}) => new Http({ platform: 'Acme', baseUrl, ...more })
const replying = async (status: number, body = '', headers = {}, more: Options = {}) =>
  client(await serve((_, res) => res.writeHead(status, headers).end(body)), more)
/** Returns the failure of a GET with this response. */
const refusing = async (status: number, body: unknown = '', headers = {}, more: Options = {}) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return failureOf((await replying(status, text, headers, more)).get('x'))
}
const redirecting = (targets: Record<string, [status: number, location: string]>) =>
  serve((req, res) => {
    const [status, location] = targets[req.url ?? ''] ?? []
    if (status === undefined) res.end('{"here":true}')
    else res.writeHead(status, { location }).end()
  })

describe('HTTP client: requests', () => {
  it('sends query, headers and JSON to a path below the base URL', async () => {
    const url = await serve(async (req, res) => {
      let body = ''
      for await (const chunk of req) body += chunk
      res.end(JSON.stringify([req.headers['content-type'], req.headers['x-a'], body]))
    })
    const acme = client(`${url}/base`, { headers: { 'x-a': 'b' } })
    const query = { q: 'x y', none: undefined }
    const { body } = await acme.post(`/things/${segment('a/b ?')}`, { ü: 1 }, { query })
    expect(body).toEqual(['application/json', 'b', '{"ü":1}'])
    expect(seen).toEqual(['POST /base/things/a%2Fb%20%3F?q=x+y'])
  })

  it('rejects path segments that leave the base URL', async () => {
    await expect(client('https://acme.example').get('//evil.example/x')).rejects.toThrow()
    // Some servers decode a path before they resolve dot segments.
    for (const name of ['..', '', '../x', 'a/..', 'a/../../b', 'a\\..\\b', './x'])
      expect(() => segment(name)).toThrow('is not allowed as a path segment')
    expect(['//evil.example', 'a..b/...'].map(segment)).toEqual(['%2F%2Fevil.example', 'a..b%2F...'])
  })

  it('rejects a path segment with half of a surrogate pair', () => {
    expect(() => segment('a\ud800')).toThrow(expect.objectContaining({ kind: 'invalid' }))
    expect(segment('a\ud83d\ude80')).toBe('a%F0%9F%9A%80')
  })

  it('reports an invalid header as misconfigured, without its value', async () => {
    const failure = await refusing(200, '{}', {}, { headers: { 'x-api-key': 'seven\nlines' } })
    expect(failure).toMatchObject({ kind: 'misconfigured', message: expect.stringContaining('x-api-key') })
    expect(failure.message).not.toContain('seven')
  })

  it('does not follow a redirect out of the path of the connection', async () => {
    const url = await redirecting({
      '/tenant/moved': [307, '/tenant/here'],
      '/tenant/away': [307, '../other/steal'],
      '/tenant/around': [307, '/tenant/..;/other'],
    })
    expect((await client(`${url}/tenant`).post('moved', {})).body).toEqual({ here: true })
    await expectFailure(client(`${url}/tenant`).post('away', {}), 'refused', '/other/steal, which is not followed')
    expect(seen.at(-1)).toBe('POST /tenant/away')
    await expectFailure(
      client(`${url}/tenant`).post('around', {}),
      'refused',
      '/tenant/..;/other, which is not followed',
    )
  })

  it('follows redirects only within the host of the connection', async () => {
    const other = await serve((_, res) => res.end('{"stolen":true}'))
    const url = await redirecting({
      '/moved': [301, '/here'],
      '/loop': [302, '/loop'],
      '/away': [302, `${other}/x`],
      '/nowhere': [302, 'http://['],
    })
    expect((await client(url).get('moved')).body).toEqual({ here: true })
    await expectFailure(client(url).get('away'), 'refused', 'which is not followed')
    await expectFailure(client(url).get('nowhere'), 'platform', 'Acme redirected GET /nowhere to an invalid URL.')
    await expectFailure(client(url).get('loop'), 'refused')
    expect(seen.filter((line) => line === 'GET /loop')).toHaveLength(4)
    await expectFailure(client(url).post('moved', {}), 'refused')
    expect(seen).not.toContain('GET /x')
  })
})

it.each([
  ['GenieKey 0f3c-of-a-team', 'no such key: 0f3c-of-a-team', 'no such key: ***'],
  ['Token token=abcdef-of-an-agent', 'no such token: abcdef-of-an-agent', 'no such token: ***'],
  ['Token token=abcdef, of=shop', 'wrong: token=abcdef, of=shop', 'wrong: ***'],
  ['several words of a phrase', 'several words of a phrase, or words of a phrase', '***, or words of a phrase'],
])('HTTP client masks the header %s, with and without its scheme', async (authorization, message, masked) => {
  const failure = await refusing(400, { message }, {}, { headers: { authorization } })
  expect(failure.message).toBe(`Acme answered 400 to GET /x: ${masked}`)
})

describe('HTTP client: a URL that is a credential', () => {
  const sig = 'aSignatureOfManyLetters_43'
  const path = `/workflows/8f14e45fceea167a5a36/invoke?v=1&sp=%2Fsome%2Frun&sig=${sig}`
  const post = (url: string, more?: Options) =>
    client(url, more).post(url + path, { a: 1 }, { urlAlias: 'the webhook' })
  const secrets = /8f14e45|invoke|aSignature/

  it('is called unchanged but does not appear in errors', async () => {
    const url = await serve((req, res) => res.writeHead(404).end(`{"message":"There is no ${req.url}, nor a ${sig}"}`))
    const failure = await failureOf(post(url))
    expect(seen).toEqual([`POST ${path}`])
    const expected = { kind: 'refused', message: expect.stringMatching(/^Acme answered 404 to POST the webhook: /) }
    expect(failure).toMatchObject(expected)
    expect(failure.message).not.toMatch(secrets)
  })

  it('is masked in a dry run', async () => {
    const sent: SentRequest[] = []
    const intercept = (request: SentRequest) => {
      sent.push(request)
      throw new Error('dry')
    }
    await expect(post('https://acme.example', { intercept })).rejects.toThrow('dry')
    expect(sent).toMatchObject([{ method: 'POST', url: 'https://acme.example/***', body: '{"a":1}' }])
  })

  it('does not appear in the error of an unreachable platform', async () => {
    const unreached = await failureOf(post('http://127.0.0.1:9'))
    expect(unreached).toMatchObject({ kind: 'platform', message: expect.stringContaining('(POST the webhook)') })
    const late = await failureOf(post('http://127.0.0.1:9', { deadlineAt: 0 }))
    expect(late).toMatchObject({ kind: 'deadline' })
    for (const { message } of [unreached, late]) expect(message).not.toMatch(secrets)
  })

  it.each([301, 302, 303, 307, 308])('is not redirected with status %i', async (status) => {
    const failure = await failureOf(post(await redirecting({ [path]: [status, `/elsewhere${path}`] })))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('which is not followed') })
    expect(failure.message).not.toMatch(secrets)
    expect(seen).toHaveLength(1)
  })

  it('must have the host of the connection', async () => {
    const away = client('https://acme.example').post(`https://evil.example${path}`, {}, { urlAlias: 'the webhook' })
    await expect(away).rejects.toThrow()
  })
})

describe('HTTP client: responses', () => {
  const details = [{ message: 'No tests', code: 'a' }, { message: 'too many', target: 'vus' }, { code: 'b' }]
  it.each([
    [400, { message: 'Invalid', errors: [{ field: 'title', code: 'missing' }] }, 'refused', 'Invalid; title: missing'],
    [400, { errorMessages: ['None'], errors: { summary: 'is required' } }, 'refused', 'None; summary: is required'],
    [400, { error: { code: 'error', message: 'Invalid', details } }, 'refused', 'Invalid; No tests; vus: too many'],
    [422, { errors: ['Subject cannot be blank'] }, 'refused', 'Subject cannot be blank'],
    [404, '', 'refused', 'no reason given'],
    [401, { error: 'invalid_token', error_description: 'expired' }, 'credentials', 'expired; invalid_token'],
    [403, { message: 'Resource not accessible' }, 'refused', 'Resource not accessible'],
    [403, { message: 'exceeded a secondary rate limit' }, 'platform', 'exceeded a secondary rate limit'],
    [500, '<html><head><title>Oops</title></head></html>', 'platform', 'a page titled "Oops"'],
    [502, '<h1>x</h1>', 'platform', 'a page instead of JSON'],
    [503, { error: { message: 'maintenance' } }, 'platform', 'maintenance'],
    [429, {}, 'platform', 'no reason given'],
  ])('reports status %i with the message of the platform in %j', async (status, body, kind, words) => {
    expect(await refusing(status, body)).toMatchObject({ kind, message: `Acme answered ${status} to GET /x: ${words}` })
  })

  it('returns an expected status, and an expected redirect instead of following it', async () => {
    const missing = await replying(404, '{"a":1}')
    expect(await missing.get('x', { accept: [404] })).toMatchObject({ status: 404, body: { a: 1 } })
    const moved = await replying(302, '', { location: 'https://elsewhere.example.com/' })
    expect((await moved.post('x', {}, { accept: [302] })).headers['location']).toContain('elsewhere')
    await expectFailure(moved.post('x', {}, { accept: [404] }), 'refused')
  })

  const deep = `${'{"message":'.repeat(100_000)}1${'}'.repeat(100_000)}`
  const deepTexts = ['['.repeat(4_000_000), deep, ` {"a\\"[": ${'['.repeat(201)}${']'.repeat(201)}}`]
  it.each(deepTexts)('reports a successful response with too many levels as a platform failure (%#)', async (body) => {
    const message = 'Acme answered JSON of more than 200 levels (POST /x).'
    expect(await failureOf((await replying(200, body)).post('x', {}))).toMatchObject({ kind: 'platform', message })
  })

  it('reports a refusal with too many levels as a refusal', async () => {
    const message = 'Acme answered 400 to POST /x: JSON of more than 200 levels'
    const failure = await failureOf((await replying(400, deep)).post('x', {}))
    expect(failure).toMatchObject({ kind: 'refused', message, mayHaveWritten: false })
  })

  it.each([
    ['199 levels', `${'['.repeat(199)}${']'.repeat(199)}`],
    ['text with many brackets', JSON.stringify({ text: '[{"'.repeat(300), list: '[],'.repeat(300) })],
  ])('parses %s', async (_what, text) => {
    expect(JSON.stringify((await (await replying(200, text)).get('x')).body)).toBe(text)
  })

  it('removes characters that control a terminal or the text direction', async () => {
    const { message } = await refusing(400, { message: 'red \u001b[31m\u009b31m \u202egnp.exe\u2066' })
    expect(message).toBe('Acme answered 400 to GET /x: red [31m31m gnp.exe')
  })

  it.each([
    [204, '', undefined],
    [200, '42', 42],
    [200, 'plain', 'plain'],
  ])('returns the body of a response with the status %i and the text "%s" as %j', async (status, text, body) => {
    expect((await (await replying(status, text)).get('x')).body).toBe(body)
  })

  it('reports a response that does not match the schema as a platform failure', async () => {
    const acme = await replying(200, '{"number":"seven"}')
    await expectFailure(acme.get('x', { schema: z.object({ number: z.int() }) }), 'platform', '(number ')
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
    await expectFailure(client(endless).get('x'), 'platform', 'more than 5 MB')
    const broken = await serve((_, res) => {
      res.writeHead(200, { 'content-length': '100' })
      res.write('{"half":')
      setTimeout(() => res.destroy(), 20)
    })
    await expectFailure(client(broken).get('x'), 'platform', 'closed the connection before the end')
  })

  it('reports a timeout at the deadline', async () => {
    const silent = client(await serve(() => undefined), { deadlineAt: Date.now() + 1_200 })
    const { failure } = await timeOut(
      () => silent.get('x'),
      () => seen.length > 0,
    )
    expect(failure).toMatchObject({ kind: 'timeout', message: expect.stringContaining('did not respond within 1 s') })
  })

  it('ends a response that never completes at its timeout', async () => {
    const url = await serve((_, res) => {
      const timer = setInterval(() => res.write(' '), 10)
      res.on('close', () => clearInterval(timer))
    })
    const sent = { method: 'GET', url, headers: {}, body: undefined }
    const options = { platform: 'Acme', operation: 'GET /', ca: undefined, timeoutMs: 200 }
    expect(await endsInTime(failureOf(sendRequest(sent, options, {})))).toMatchObject({ kind: 'timeout' })
  })

  const limited = (reset: string) => ({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset })
  it.each<[string, (now: number) => Record<string, string>, number, number]>([
    ['retry-after in seconds', () => ({ 'retry-after': '30' }), 429, 30],
    ['retry-after of a 403', () => ({ 'retry-after': '7' }), 403, 7],
    ['retry-after as a date', (now) => ({ 'retry-after': new Date(now + 90_500).toUTCString() }), 503, 90],
    [
      'x-ratelimit-reset of GitHub in epoch seconds',
      (now) => ({ 'x-github-request-id': '9F2A:1', ...limited(String(Math.ceil(now / 1_000) + 40)) }),
      403,
      40,
    ],
    ['x-ratelimit-reset as a time', (now) => ({ 'x-ratelimit-reset': new Date(now + 50_000).toISOString() }), 429, 50],
    ['x-ratelimit-reset in epoch milliseconds', (now) => ({ 'x-ratelimit-reset': String(now + 60_000) }), 429, 60],
    ['ratelimit-reset in seconds', () => ({ 'ratelimit-reset': '12' }), 429, 12],
    ['the error type of AWS', () => ({ 'x-amzn-errortype': 'ThrottlingException:http:', 'retry-after': '9' }), 400, 9],
  ])('reads the time of the next attempt from %s', async (_, headersAt, status, seconds) => {
    const before = Date.now()
    const failure = await refusing(status, '{}', headersAt(before))
    const elapsed = (Date.now() - before) / 1_000
    expect(failure.transient).toBe(true)
    expect(failure.retryAfter).toBeLessThanOrEqual(seconds + 2)
    expect(failure.retryAfter).toBeGreaterThanOrEqual(seconds - elapsed - 2)
  })

  it('reads retry-after in milliseconds, and waits a minute after an abuse limit', async () => {
    const busy = await refusing(429, {}, { 'retry-after': '12500' }, { retryAfterUnit: 'milliseconds' })
    const abused = await refusing(403, { message: 'You have triggered an abuse detection mechanism.' })
    expect([busy.retryAfter, abused.retryAfter]).toEqual([13, 60])
  })

  it.each([
    [{ 'x-ratelimit-limit': '1000', 'x-ratelimit-reset': '1700000000' }],
    [{ 'ratelimit-limit': '960', 'ratelimit-remaining': '958', 'ratelimit-reset': '12' }],
    // Discord, with the last request of a window.
    [{ 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1700000000.123' }],
  ])('reports 403 as a refusal although the response has rate limit headers: %j', async (headers) => {
    expect(await refusing(403, {}, headers)).toMatchObject({ kind: 'refused' })
  })
})

describe('HTTP client: authorization', () => {
  it('can depend on the request', async () => {
    const echo = await serve((req, res) => res.end(JSON.stringify([req.headers['x-signed'], req.headers['x-a']])))
    const signature = ({ method, url, body }: SentRequest) => `${method} ${new URL(url).search} ${body}`
    const headers = async (request: SentRequest) => ({ 'x-signed': signature(request) })
    const signing = client(echo, { authorization: { headers }, headers: { 'x-a': 'b' } })
    expect((await signing.post('x', { a: 1 }, { query: { q: 1 } })).body).toEqual(['POST ?q=1 {"a":1}', 'b'])
  })

  it('is invalidated after 401, and the request is sent once more', async () => {
    let invalidated = 0
    const authorization = {
      headers: async () => ({ 'x-token': `number ${invalidated}` }),
      invalidate: () => void invalidated++,
    }
    const statuses = [200, 403, 401, 201, 401, 401]
    const tokens: unknown[] = []
    const url = await serve((req, res) => {
      tokens.push(req.headers['x-token'])
      res.writeHead(statuses.shift() ?? 500).end()
    })
    const acme = client(url, { authorization })
    await acme.get('x')
    await expectFailure(acme.get('x'), 'refused')
    expect(invalidated).toBe(0)
    expect(await acme.post('x')).toMatchObject({ status: 201 })
    expect(tokens.slice(2)).toEqual(['number 0', 'number 1'])
    await expectFailure(acme.post('x'), 'credentials')
    expect(tokens).toHaveLength(6)
  })

  it('that fails means that nothing was written', async () => {
    const message = 'The OAuth server is down.'
    const headers = () => Promise.reject(new Failure('platform', message))
    const acme = await replying(200, '', {}, { authorization: { headers } })
    expect(await failureOf(acme.post('x'))).toMatchObject({ message, mayHaveWritten: false })
    expect(seen).toEqual([])
  })
})

describe('HTTP client: an error status in a body with status 200', () => {
  const errorStatus = (body: unknown) => (body as { error?: { code: number } }).error?.code
  const failing = (code: number) =>
    replying(200, JSON.stringify({ error: { code, message: 'No.' } }), {}, { errorStatus })

  it.each([
    [404, { kind: 'refused', message: 'Acme answered 404 to POST /x: No.', mayHaveWritten: false }],
    [401, { kind: 'credentials' }],
    [500, { kind: 'platform', mayHaveWritten: true }],
  ])('replaces the status of the response: %i', async (code, expected) => {
    expect(await failureOf((await failing(code)).post('x'))).toMatchObject(expected)
  })

  it('can be expected, and is ignored if the body has no error', async () => {
    expect(await (await failing(404)).get('x', { accept: [404] })).toMatchObject({ status: 404 })
    expect(await (await replying(200, '{"ok":true}', {}, { errorStatus })).get('x')).toMatchObject({ status: 200 })
  })
})

describe('HTTP client: mayHaveWritten', () => {
  const mayHaveWritten = async (request: Promise<unknown>) => (await failureOf(request)).mayHaveWritten
  const byMethod = async (read: number, write: number) =>
    client(await serve((req, res) => res.writeHead(req.method === 'GET' ? read : write).end('{}')))

  it('is false if a write never arrived or was refused', async () => {
    expect(await mayHaveWritten((await byMethod(200, 422)).post('x', {}))).toBe(false)
    expect(await mayHaveWritten(client('http://127.0.0.1:9').post('x', {}))).toBe(false)
    const acme = await byMethod(503, 405)
    await acme.post('x', {}, { accept: [405] })
    expect(await mayHaveWritten(acme.get('x'))).toBe(false)
  })

  it('is true if a write arrived and was not refused, also for later requests', async () => {
    expect(await mayHaveWritten((await byMethod(503, 500)).post('x', {}))).toBe(true)
    expect(await mayHaveWritten((await byMethod(503, 500)).get('x'))).toBe(false)
    const resetting = client(await serve((req) => req.socket.resetAndDestroy()))
    expect(await mayHaveWritten(resetting.post('x', {}))).toBe(true)
    const half = await byMethod(500, 201)
    await half.post('x', {})
    expect(await mayHaveWritten(half.get('x'))).toBe(true)
  })

  it('is false if the token of a write arrives after the deadline', async () => {
    const deadlineAt = Date.now() + 20
    const headers = async () => {
      while (Date.now() < deadlineAt) await new Promise(setImmediate)
      return {}
    }
    const late = await replying(201, '{}', {}, { deadlineAt, authorization: { headers } })
    expect(await failureOf(late.post('x', {}))).toMatchObject({ kind: 'deadline', mayHaveWritten: false })
    expect(seen).toEqual([])
  })

  it('is false after the deadline, when only reads are sent', async () => {
    const late = await replying(200, '{}', {}, { deadlineAt: Date.now() - 1 })
    expect(await failureOf(late.post('x', {}))).toMatchObject({ kind: 'deadline', mayHaveWritten: false })
    expect(seen).toEqual([])
    await late.get('x')
    await late.post('search', {}, { isRead: true })
    expect(seen).toHaveLength(2)
  })
})

describe('HTTP client: certificates', () => {
  it('are verified, and the "ca" of the connection is trusted', async () => {
    const tls = await certificate()
    const url = await serve((_, res) => res.end('{"ok":1}'), tls)
    const message = expect.stringMatching(/certificate is not trusted.*"ca"/)
    const untrusted = { kind: 'platform', message, mayHaveWritten: false }
    expect(await failureOf(client(url).post('x', {}))).toMatchObject(untrusted)
    expect((await client(url, { ca: tls.cert }).get('x')).body).toEqual({ ok: 1 })
    const ca = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'
    await expectFailure(client(url, { ca }).post('x', {}), 'misconfigured', 'must be a PEM certificate')
  })

  it('that are private do not prevent the reuse of a connection across clients', async () => {
    const tls = await certificate()
    const ports = new Set<number | undefined>()
    const url = await serve((req, res) => {
      ports.add(req.socket.remotePort)
      res.end('{"ok":1}')
    }, tls)
    for (const path of ['x', 'y', 'z']) await client(url, { ca: tls.cert }).get(path)
    expect(ports.size).toBe(1)
  })
})
