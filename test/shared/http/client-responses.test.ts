import { describe, expect, it } from '@jest/globals'
import * as z from 'zod'
import { sendRequest } from '../../../shared/http/send.ts'
import { endsInTime, expectFailure, failureOf, timeOut } from '../../functions/helpers.ts'
import { client, refusing, replying, seen, serve } from './replying.ts'

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
