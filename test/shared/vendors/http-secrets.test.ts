import { describe, expect, test } from '@jest/globals'
import { openTicket } from '../../../shared/providers/ticket-actions.ts'
import { redact } from '../../../shared/redact.ts'
import { httpTicket } from '../../../shared/vendors/http/ticket.ts'
import { expectFailure, failureOf, keyOf } from '../../functions/helpers.ts'
import { answerWith, api, client, open, provider, ticket, tickets } from './ticket-api.ts'

describe('Secrets in expressions of an HTTP API', () => {
  const secrets = { rpcSecret: 'a-secret-of-the-body', bot: '7:a-secret+of/the-path' }
  const token = "join(':', ['token', secrets.rpcSecret])"
  const rpc = {
    path: 'bot{secrets.bot}/rpc',
    query: { routing_key: 'secrets.rpcSecret' },
    body: `{params: [${token}, key]}`,
  }

  test('are sent in the body, the path and the query', async () => {
    await open({ secrets, open: rpc })
    const body = { params: [`token:${secrets.rpcSecret}`, keyOf(1)] }
    expect(api.calls[0]).toMatchObject({ path: `/bot${secrets.bot}/rpc`, body })
    expect(api.calls[0]?.query.get('routing_key')).toBe(secrets.rpcSecret)
  })

  test('are masked in what the API echoes', async () => {
    answerWith(({ path, text }) => ({ status: 409, body: { message: `no: ${path} ${text}` } }))
    const { message } = await failureOf(open({ secrets, open: rpc }))
    expect(redact(message)).toContain(
      'HTTP API answered 409 to POST /bot***/rpc: no: /bot***/rpc {"params":["token:***"',
    )
  })

  test('can be part of a login, which is repeated after a change', async () => {
    answerWith(({ path }) => (path === '/login' ? { status: 200, body: { id: 'a-session-of-the-api' } } : ticket()))
    const login = { path: 'login', body: '{key: secrets.rpcSecret}', token: 'response.id' }
    for (const rpcSecret of ['a-first-secret', 'a-second-secret']) await open({ secrets: { rpcSecret }, login })
    const logins = api.calls.filter(({ path }) => path === '/login').map(({ body }) => body)
    expect(logins).toEqual([{ key: 'a-first-secret' }, { key: 'a-second-secret' }])
  })

  test('must be in the connection', async () => {
    const reading = open({ secrets, open: { ...rpc, body: '{key: secrets.rpcSecrt}' } })
    await expectFailure(
      reading,
      'misconfigured',
      'open.body of the connection reads secrets.rpcSecrt, which is not in "secrets" of the connection.',
    )
    expect(api.calls).toEqual([])
  })

  const literal = "{params: ['token:a-literal-secret', join('', [key])]}"
  const withoutKey = { open: { ...rpc, body: literal }, secrets }
  test('and literals are not part of the failure of an expression, which names a missing id', async () => {
    const asking = client(withoutKey, { key: undefined })
    const failure = await failureOf(openTicket.run(provider, asking, { title: 'Slow' }))
    expect(failure.kind).toBe('misconfigured')
    expect(failure.message).toBe(
      `open.body of the connection cannot be evaluated: Invalid argument type for function join(), expected "string" but found "unknown". The call has no id or is a dry run, so key has no value: write key || ''.`,
    )
  })

  test.each([
    [{ open: { ...rpc, body: "{a: 'a-literal-secret" } }, 'unknown token at column 4'],
    [{ open: { ...rpc, body: "{a: 'a-literal-secret' 'another-literal'}" } }, 'unexpected token (literal)'],
    [{ open: { ...rpc, body: "match('a', '(a-literal-secret')" } }, 'the second argument is not a regular expression'],
    [{ open: { ...rpc, body: "time_add('a-literal-secret', 'PT1H')" } }, 'is not an ISO 8601 time'],
    [{ open: { ...rpc, if: "input.nope || 'a-literal-secret'" } }, 'input has no field nope'],
  ])('and literals are not part of the message about an invalid connection: %j', async (more, says) => {
    const { error } = httpTicket.connection.safeParse({ baseUrl: api.url, ...tickets, secrets, ...more })
    const message = error?.message ?? (await failureOf(open({ secrets, ...more }))).message
    expect(message).toContain(says)
    expect(message).not.toMatch(/a-literal-secret|another-literal/)
  })

  test.each([[{ 'a-b': 'a-secret-of-the-body' }], [{ short: 'five5' }]])('are checked: %j', (secrets) => {
    expect(httpTicket.connection.safeParse({ baseUrl: api.url, ...tickets, secrets }).success).toBe(false)
  })
})
