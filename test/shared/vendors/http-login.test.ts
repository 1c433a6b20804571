import { describe, expect, jest, test } from '@jest/globals'
import type { Call, Reply } from '../../../infra/testing/loopback-server.ts'
import { updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { expectFailure, failureOf } from '../../functions/helpers.ts'
import { answerWith, api, client, open, paths, provider, ticket } from './ticket-api.ts'

describe('The login of an HTTP API', () => {
  const user = { username: 'robot', password: 'a-password-of-robot' }
  let logins = 0
  const server = (login: (call: Call) => Reply, isValid: (call: Call) => boolean = () => true, refused = 401) => {
    logins = 0
    answerWith((call) => {
      if (call.path !== '/login')
        return isValid(call) ? ticket() : { status: refused, body: { message: 'log in first' } }
      logins++
      return login(call)
    })
  }
  const tokenLogin = { path: 'login', body: '{user: username, pass: password}', token: 'response.access_token' }

  const numbered = () => ({ status: 200, body: { access_token: `token-number-${logins}` } })
  const sends = (number: number) => (call: Call) => call.headers['authorization'] === `Bearer token-number-${number}`

  test('returns a token that later requests send until it expires', async () => {
    server(numbered, sends(1))
    await open({ ...user, login: tokenLogin })
    await open({ ...user, login: tokenLogin })
    expect(logins).toBe(1)
    expect(api.calls[0]).toMatchObject({ body: { user: 'robot', pass: user.password } })
    expect(api.calls[1]?.headers).not.toHaveProperty('cookie')
  })

  test('is renewed shortly before the end of its lifetime', async () => {
    server(numbered)
    const start = Date.now()
    const sent: unknown[] = []
    for (const seconds of [0, 560, 580]) {
      jest.spyOn(Date, 'now').mockReturnValue(start + seconds * 1_000)
      await open({ ...user, login: { ...tokenLogin, lifetime: 'PT10M' } })
      sent.push(api.calls.at(-1)?.headers['authorization'])
    }
    jest.restoreAllMocks()
    expect(sent).toEqual(['Bearer token-number-1', 'Bearer token-number-1', 'Bearer token-number-2'])
  })

  test('is not shared by connections with other credentials in their headers', async () => {
    server(({ headers }) => ({ status: 200, body: { access_token: `session-of-${headers['x-user-token']}` } }))
    const login = { method: 'GET', path: 'login', token: 'response.access_token' }
    for (const user of ['jane-0001', 'john-0002']) await open({ headers: { 'X-User-Token': user }, login })
    const sessions = api.calls.flatMap(({ path, headers }) => (path === '/login' ? [] : [headers['authorization']]))
    expect(sessions).toEqual(['Bearer session-of-jane-0001', 'Bearer session-of-john-0002'])
  })

  const loggedInAgain = ['/login', '/tickets', '/login', '/tickets']
  const cookie = { method: 'GET', path: 'login', cookie: true }
  const isBasic = ({ headers }: Call) => String(headers['authorization']).startsWith('Basic ')
  const session = (call: Call) => ({
    status: isBasic(call) ? 302 : 403,
    headers: { location: '/', 'set-cookie': `SESSION=s${logins}; Path=/; HttpOnly` },
  })
  const hasSession = ({ headers }: Call) => headers['cookie'] === 'SESSION=s2'
  test.each<[string, number, object, Parameters<typeof server>]>([
    ['refuses the token with', 401, tokenLogin, [numbered, sends(2)]],
    ['refuses the cookie with', 401, cookie, [session, hasSession]],
    ['says in "expired" that the cookie ends with', 403, { ...cookie, expired: [403] }, [session, hasSession, 403]],
  ])('is repeated after the API %s %d', async (_what, _status, login, answers) => {
    server(...answers)
    expect(await open({ ...user, login })).toMatchObject({ data: { id: '7' } })
    expect(paths()).toEqual(loggedInAgain)
  })

  test('is repeated once, and the failure names the reason of the API', async () => {
    server(session, () => false, 403)
    await expectFailure(open({ ...user, login: { ...cookie, expired: [403] } }), 'credentials', 'log in first')
    expect(paths()).toEqual(loggedInAgain)
  })

  test('that expires during an action does not repeat the requests before it', async () => {
    let isExpired = false
    const isValid = (call: Call) => {
      const wasExpired = isExpired
      isExpired ||= call.method === 'POST'
      return !wasExpired || sends(2)(call)
    }
    server(numbered, isValid, 403)
    const comment = { path: 'tickets/{input.id}/comments', body: '{text: input.comment}' }
    const login = { ...tokenLogin, expired: [403] }
    await updateTicket.run(provider, client({ ...user, login, comment }), { id: '7', comment: 'Still slow' })
    expect(api.calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /login',
      'POST /tickets/7/comments',
      'GET /tickets/7',
      'POST /login',
      'GET /tickets/7',
    ])
  })

  test('can use another header and another value', async () => {
    const hasId = ({ headers }: Call) => headers['x-session'] === 'id=abc-def-ghi'
    server(() => ({ status: 200, body: { id: 'abc-def-ghi' } }), hasId)
    const login = { ...tokenLogin, token: 'response.id', header: 'X-Session', value: "join('=', ['id', token])" }
    expect(await open({ ...user, login })).toMatchObject({ data: { id: '7' } })
  })

  test.each([
    ['finds nothing', 'response.token'],
    ['does not fit', 'to_number(keys(response.access))'],
  ])('is misconfigured if the expression for the token %s, and the message contains no token', async (_, token) => {
    server(() => ({ status: 200, body: { access: 'a-token-without-a-name', expires: 5 } }))
    const { kind, message } = await failureOf(open({ ...user, login: { ...tokenLogin, token } }))
    expect(kind).toBe('misconfigured')
    expect(message).toContain('which is an object with access, expires')
    expect(message).not.toContain('a-token')
  })

  test('reports rejected credentials without the password', async () => {
    server(({ text }) => ({ status: 403, body: { message: `no: ${text}` } }))
    const failure = await failureOf(open({ ...user, login: { ...tokenLogin, path: 'login', lifetime: 'PT10M' } }))
    expect(failure.kind).toBe('credentials')
    expect(failure.message).not.toContain(user.password)
    expect(api.calls).toHaveLength(1)
  })
})
