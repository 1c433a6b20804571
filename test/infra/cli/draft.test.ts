import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parseCurl } from '../../../infra/cli/http/curl.ts'
import { literal } from '../../../infra/cli/http/draft.ts'
import { quoteForShell } from '../../../infra/project/shell-words.ts'
import { serve } from '../../../infra/testing/loopback-server.ts'
import { find } from '../../../shared/vendors/http/expression.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { webhooks } from './webhooks.ts'

const folder = temporaryFolder()

const connect = (line: string, stdin = '', env: Record<string, string> = {}) =>
  webhooks(`connect ${line}`, { cwd: folder, stdin, env })
const draft = async (line: string, stdin?: string) => {
  const { code, out, err } = await connect(`${line} --draft -`, stdin)
  expect({ code, err }).toEqual({ code: 0, err })
  return { values: JSON.parse(out), notes: err.trim().split('\n').filter(Boolean), out }
}

describe('curl command', () => {
  const url = 'https://tool.example.com/api/tickets'
  const parsed = (command: string, env = {}) => {
    const { url, ...request } = parseCurl(command, env)
    return { url: url.href, ...request }
  }

  it.each<[string, object]>([
    [`curl ${url}`, { method: 'GET', url }],
    [`curl -X DELETE '${url}/7'`, { method: 'DELETE', url: `${url}/7` }],
    [`curl -sSXPATCH "${url}" -d '{"a":1}'`, { method: 'PATCH', body: { json: { a: 1 } } }],
    [`curl --url ${url} --request put`, { method: 'PUT', url }],
    [`curl \\\n  -H 'X-Env: test' \\\r\n  ${url}`, { headers: { 'X-Env': 'test' } }],
    [`curl ${url} -H 'Authorization: Bearer abc def'`, { credentials: { token: 'abc def' }, headers: {} }],
    [`curl ${url} -H 'Authorization: Token abc'`, { headers: { Authorization: 'Token abc' } }],
    [`curl ${url} -u 'jane:s:ecret'`, { credentials: { username: 'jane', password: 's:ecret' } }],
    [
      `curl ${url} -H 'authorization: Basic amFuZTpzZWNyZXQ='`,
      { credentials: { username: 'jane', password: 'secret' } },
    ],
    ['curl https://jane:s%20s@tool.example.com/', { credentials: { username: 'jane', password: 's s' } }],
    [`curl ${url} --json '{"a":' --json '"b"}'`, { method: 'POST', body: { json: { a: 'b' } } }],
    [`curl ${url} -H 'Content-Type: application/json' -d '[1]'`, { body: { json: [1] } }],
    [`curl ${url} -d a=1 -d b=x%20y`, { body: { form: { a: '1', b: 'x y' } } }],
    [`curl ${url} --data-urlencode 'a=x & y' --data-raw @b`, { body: { form: { a: 'x & y', '@b': '' } } }],
    [`curl ${url} -H 'Content-Type: text/plain' -d 'a=1'`, { body: { text: 'a=1' } }],
    [`curl -G ${url}?z=1 -d a=1 --data-urlencode 'b=x y'`, { method: 'GET', url: `${url}?z=1&a=1&b=x+y` }],
    [`curl ${url} -d "{\\"a\\":\\"it's \\$5\\"}"`, { body: { json: { a: "it's $5" } } }],
    [`curl ${url} -d '{"a":"it'\\''s"}'`, { body: { json: { a: "it's" } } }],
    [`curl ${url} -d $'{"a":"it\\'s \\u00e4"}'`, { body: { json: { a: "it's ä" } } }],
    [`curl ${url} -H "Authorization: Bearer $TOKEN"`, { credentials: { token: 'of-the-environment' } }],
    [`curl ${url} -H 'Authorization: Bearer $TOKEN'`, { credentials: { token: '$TOKEN' } }],
  ])('%s', (command, request) => {
    expect(parsed(command, { TOKEN: 'of-the-environment' })).toMatchObject(request)
  })

  it.each([
    [`wget ${url}`, 'must start with curl'],
    ['curl -s', 'must have one URL. It has 0'],
    [`curl ${url} ${url}`, 'must have one URL. It has 2'],
    [`curl ${url} -F secret=abc`, 'The curl option -F is not supported'],
    [`curl ${url} --cookie=session=abc`, 'The curl option --cookie is not supported'],
    [`curl ${url} -sk`, 'The curl option -k is not supported'],
    [`curl ${url} -d @abc`, 'The curl option --data reads a file'],
    [`curl ${url} -H`, 'The curl option -H needs a value'],
    [`curl ${url} -H abc`, 'must be written as "Name: value"'],
    [`curl ${url} -u abc`, 'has no password'],
    [`curl ${url} -X OPTIONS`, 'must be one of GET, POST'],
    [`curl ${url} -d '{"abc"`, 'an unclosed quote'],
    [`curl ${url} --json '{"abc"'`, 'is not JSON'],
    [`curl ${url} | jq .abc`, 'has a "|" outside of quotes'],
    [`curl ${url} -H "X: $(cat abc)"`, 'runs another command'],
    [`curl ${url} -H "X: $ABC"`, 'uses $ABC, which is not set'],
    ['curl ftp://abc.example.com', 'must use http or https'],
  ])('rejects %s without quoting its values', (command, message) => {
    const run = () => parsed(command)
    expect(run).toThrow(message)
    expect(run).not.toThrow(/abc/)
  })

  it.each(["it's", 'back\\slash', 'ends with \\', "\\'", 'a\nb', '`code`', '\\`', 'ä "x"', 5, true, [], {}])(
    'can be written as an expression: %j',
    (value) => {
      expect(find(literal(value), { input: {}, key: undefined, event: {}, now: '', secrets: {} }, 'x')).toEqual(value)
    },
  )
})

describe('webhooks connect --from-curl', () => {
  it('creates a draft with placeholders for credentials', async () => {
    const command = `curl -s https://tool.example.com/api/v2/tickets?notify=no \\
      -H 'Authorization: Bearer a-token-of-the-api' -H 'X-Api-Key: a-key-of-the-api' -H 'X-Env: test' \\
      --json '{"fields": {"summary": "Checkout is slow", "labels": ["a b", 5], "odd-name": {}}, "secret_code": "a-code-of-the-api"}'`
    const { values, notes, out } = await draft('issue-ticketing/new --from-curl -', command)
    expect(values).toEqual({
      provider: 'http',
      baseUrl: 'https://tool.example.com/api/v2',
      token: '<token>',
      headers: { 'X-Api-Key': '<X-Api-Key>', 'X-Env': 'test' },
      secrets: { secret_code: '<secret_code>' },
      check: { path: 'tickets' },
      open: {
        path: 'tickets',
        query: { notify: "'no'" },
        body: '{fields: {summary: input.title, labels: [\'a b\', `5`], "odd-name": `{}`}, secret_code: secrets.secret_code}',
      },
      get: { path: 'tickets/{input.id}' },
      ticket: { id: 'response.id', state: 'response.state', closed: "response.state=='closed'" },
    })
    expect(notes).toEqual([
      'open.body: summary gets input.title instead of the value in the example.',
      'open.body: secret_code is a credential, so the expression reads secrets.secret_code.',
    ])
    expect(out).not.toMatch(/a-token|a-key|a-code/)
  })

  it.each<[string, string, object]>([
    [
      'ci-cd/new',
      'curl -X POST https://x.example.com/jobs/7/run -d ref=main',
      { start: { path: 'jobs/7/run', form: '{ref: input.ref}' } },
    ],
    [
      'feature-flags/new',
      `curl -X PUT https://x.example.com/api/flags/promo --json '{"enabled":true}'`,
      { set: { method: 'PUT', path: 'flags/promo', body: '{enabled: input.on}' }, get: { path: 'flags/promo' } },
    ],
    [
      'notification/new',
      `curl https://x.example.com/rooms -H 'content-type: text/plain' -d Hello`,
      { post: { path: 'rooms', text: "'Hello'" } },
    ],
    [
      'slo/new',
      `curl 'https://x.example.com/api/v1/query?query=up'`,
      { measure: { path: 'query', query: { query: 'query' } } },
    ],
    [
      'issue-ticketing/new --request close',
      'curl -X POST https://x.example.com/api/tickets/42/close',
      { close: { path: 'tickets/{input.id}/close' } },
    ],
    [
      'issue-ticketing/new --request find',
      'curl -X POST https://x.example.com/api/search',
      { find: { method: 'POST', path: 'search' } },
    ],
  ])('describes a request of %s: %s', async (line, command, expected) => {
    expect((await draft(`${line} --from-curl -`, command)).values).toMatchObject(expected)
  })

  const bot = '7123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw'
  it.each<[string, string, object, object]>([
    [
      'the path',
      `curl https://x.example.com/bot${bot}/sendMessage -d text=Hello`,
      { path: 'bot{secrets.path}/sendMessage', form: '{text: message.text}' },
      { path: bot },
    ],
    [
      'the query',
      `curl -X POST 'https://x.example.com/rooms?api_key=key-0a1b&author=jane&key=SHOP'`,
      { query: { api_key: 'secrets.api_key', author: "'jane'", key: "'SHOP'" } },
      { api_key: 'key-0a1b' },
    ],
    [
      'a list of the body',
      `curl https://x.example.com/rpc --json '{"params": ["token:aria-secret-7d1f", "x"], "auth": {"routing-key": "route-66"}}'`,
      { body: `{params: [secrets.secret, 'x'], auth: {"routing-key": secrets.routing_key}}` },
      { secret: 'token:aria-secret-7d1f', routing_key: 'route-66' },
    ],
    [
      'the body twice, with two values',
      `curl https://x.example.com/rpc --json '[{"password": "first-of-two"}, {"password": "second-of-two"}, {"password": "first-of-two"}]'`,
      { body: '[{password: secrets.password}, {password: secrets.password_2}, {password: secrets.password}]' },
      { password: 'first-of-two', password_2: 'second-of-two' },
    ],
  ])('puts credentials in %s into secrets, and saves them', async (_, command, post, secrets) => {
    const { values, out } = await draft('notification/new --from-curl -', command)
    expect(values).toMatchObject({ post })
    const names = Object.keys(secrets)
    expect(values.secrets).toEqual(Object.fromEntries(names.map((name) => [name, `<${name}>`])))
    for (const value of Object.values(secrets)) expect(out).not.toContain(value)
    const file = { WEBHOOKS_SECRETS: join(folder, `${names[0]}.json`) }
    const saved = await connect('notification/new --local --no-check --from-curl -', command, file)
    expect(saved).toMatchObject({ code: 0, err: expect.not.stringContaining('Warning: post') })
    for (const value of Object.values(secrets)) expect(saved.out + saved.err).not.toContain(value)
    const stored = JSON.parse(readFileSync(file.WEBHOOKS_SECRETS, 'utf8'))
    expect(Object.values(stored)).toMatchObject([{ post, secrets }])
  })

  it('uses the secrets of a draft again', async () => {
    const opening = `curl https://x.example.com/api/tickets --json '{"title":"a","password":"a-password-of-x"}'`
    await connect('issue-ticketing/new --from-curl - --draft rpc.json', opening)
    const add = 'issue-ticketing/new --from-file rpc.json --request get --draft - --from-curl -'
    const { out } = await connect(add, `curl 'https://x.example.com/api/tickets/42?password=a-password-of-x'`)
    expect(JSON.parse(out)).toMatchObject({
      open: { body: '{title: input.title, password: secrets.password}' },
      get: { query: { password: 'secrets.password' } },
      secrets: { password: '<password>' },
    })
  })

  it('adds a request to a draft and makes the file readable only by its owner', async () => {
    const opening = `curl https://x.example.com/api/tickets --json '{"title":"a"}'`
    const first = await connect('issue-ticketing/new --from-curl - --draft new.json', opening)
    expect(first).toMatchObject({ code: 0, out: '', err: expect.stringContaining('Wrote new.json.') })
    const file = join(folder, 'new.json')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const add = 'issue-ticketing/new --from-file new.json --request get --draft new.json --from-curl -'
    expect(await connect(add, 'curl https://x.example.com/api/issues/42')).toMatchObject({ code: 0 })
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      open: { path: 'tickets', body: '{title: input.title}' },
      get: { path: 'issues/{input.id}' },
    })
    const err = expect.stringContaining('must start with the baseUrl of the connection')
    expect(await connect(add, 'curl https://y.example.com/api/issues/42')).toMatchObject({ code: 2, err })
  })

  it('tests and saves the draft with credentials from the environment', async () => {
    const api = await serve(({ headers }) =>
      headers['authorization'] === 'Bearer a-token-0a1b2c3d'
        ? { status: 200, body: { id: '7', state: 'new' } }
        : { status: 401 },
    )
    const secrets = join(folder, 'secrets.json')
    const command = `curl ${api.url}/tickets -H "Authorization: Bearer $TOOL_TOKEN" --json '{"title": "a"}'`
    const run = (TOOL_TOKEN: string, options = '') =>
      connect(`issue-ticketing/new --local --from-curl - ${options}`, command, {
        TOOL_TOKEN,
        WEBHOOKS_SECRETS: secrets,
      })
    const refused = await run('another-token-0a1b2c3d')
    expect(refused).toMatchObject({ code: 1, out: expect.stringContaining('Nothing was saved.') })
    const stored = await run('a-token-0a1b2c3d', '--try open-issue --input title=b --yes')
    expect(stored.code).toBe(0)
    expect(JSON.stringify([stored, refused])).not.toContain('token-0a1b')
    expect(Object.values(JSON.parse(readFileSync(secrets, 'utf8')))).toMatchObject([{ token: 'a-token-0a1b2c3d' }])
    expect(api.calls.find(({ method }) => method === 'POST')?.body).toEqual({ title: 'b' })
    await api.close()
  })
})

const tracker = quoteForShell(join(import.meta.dirname, '../../fixtures/tracker.openapi.yaml'))

describe('webhooks connect --from-openapi', () => {
  it('drafts a connection from an operation that opens a ticket', async () => {
    const { values, notes } = await draft(`issue-ticketing/new --from-openapi ${tracker} --operation createIssue`)
    expect(values).toEqual({
      provider: 'http',
      baseUrl: 'https://tracker.example.com/api/v1',
      token: '<token>',
      idempotencyHeader: 'Idempotency-Key',
      open: {
        path: 'projects/{input.project}/issues',
        query: { notify: '`false`' },
        body: "{title: input.title, kind: 'bug', reporter: {name: '<name>'}, description: input.description}",
      },
      get: { path: 'projects/{input.project}/issues/{input.id}' },
      ticket: {
        id: 'response.data.id',
        url: 'response.data.web_url',
        state: 'response.data.status',
        closed: "response.data.status=='resolved'",
      },
    })
    expect(notes).toContain("open: replace '<name>' with a value.")
  })

  it('drafts a connection from an operation that starts a job', async () => {
    const { values } = await draft(`ci-cd/new --from-openapi ${tracker} startRun`)
    expect(values).toEqual({
      provider: 'http',
      baseUrl: 'https://tracker.example.com/api/v1',
      secretHeaders: { 'X-Tracker': '<X-Tracker>' },
      start: { path: 'workflows/{input.target}/runs', form: '{ref: input.ref}' },
      look: { path: 'workflows/{input.target}/runs/{input.id}' },
      run: { id: 'response.uuid', state: 'response.state' },
      states: { queued: 'running', running: 'running', succeeded: 'pass', failed: 'fail', cancelled: 'aborted' },
    })
  })

  it('finds an operation by method and path, and reports guesses', async () => {
    const document = JSON.stringify({
      openapi: '3.1.0',
      security: [{ q: [] }],
      paths: { '/t/{tenant-id}': { post: { responses: { 204: { description: 'Created' } } } } },
      components: { securitySchemes: { q: { type: 'apiKey', in: 'query', name: 'api_key' } } },
    })
    const { values, notes } = await draft(
      `issue-ticketing/new --from-openapi - --operation 'POST /t/{tenant-id}'`,
      document,
    )
    expect(values).toMatchObject({
      open: { path: 't/{input."tenant-id"}', query: { api_key: 'secrets.api_key' } },
      secrets: { api_key: '<api_key>' },
    })
    expect(notes).toEqual(
      expect.arrayContaining([
        'open.path: replace {input.tenant-id} with an expression for tenant-id.',
        'baseUrl: the document contains no server URL. Add the URL of the API.',
        'ticket.id: response.id is a guess. The document does not describe the response.',
        'open.query: api_key is a credential, so the expression reads secrets.api_key.',
      ]),
    )
  })
})
