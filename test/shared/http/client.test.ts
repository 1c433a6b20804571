import { describe, expect, it } from '@jest/globals'
import { Failure } from '../../../shared/errors.ts'
import type { SentRequest } from '../../../shared/http/exchange.ts'
import { segment } from '../../../shared/http/segment.ts'
import { certificate } from '../../certificate.ts'
import { expectFailure, failureOf } from '../../functions/helpers.ts'
import { client, type Options, redirecting, refusing, replying, seen, serve } from './replying.ts'

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

  it('asks before each request of a write that is redirected', async () => {
    const url = await redirecting({ '/moved': [307, '/again'], '/again': [308, '/here'] })
    const beforeWrite = async (mayHaveWritten: boolean) => void seen.push(`may write, ${mayHaveWritten}`)
    const http = client(url, { beforeWrite })
    await http.post('moved', {})
    await http.post('moved', {})
    expect(seen).toEqual(
      [false, true].flatMap((mayHaveWritten) =>
        ['/moved', '/again', '/here'].flatMap((path) => [`may write, ${mayHaveWritten}`, `POST ${path}`]),
      ),
    )
  })

  it('has written nothing if a redirected write is held back', async () => {
    const url = await redirecting({ '/moved': [307, '/here'] })
    const held = new Error('Stopped')
    const http = client(url, { beforeWrite: () => (seen.length === 0 ? Promise.resolve() : Promise.reject(held)) })
    await expect(http.post('moved', {})).rejects.toBe(held)
    expect({ seen, mayHaveWritten: http.mayHaveWritten }).toEqual({ seen: ['POST /moved'], mayHaveWritten: false })
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
