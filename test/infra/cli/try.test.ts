import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from '@jest/globals'
import { type Call, type Reply, type Served, serve } from '../../../infra/platforms/loopback-server.ts'
import { atTerminal, enter, webhooks } from './webhooks.ts'

const prefix = 'cloud-automation-webhooks/connections'
const token = 'a-token-of-the-api'
let folder: string
let api: Served

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'try-'))
})
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => api?.close())

interface Stored {
  id: number
  title?: string
  ref?: string
  status: string
}

/** An API with tickets and runs whose responses have an envelope. */
async function startApi(change: (call: Call) => Reply | undefined = () => undefined): Promise<Stored[]> {
  const stored: Stored[] = []
  api = await serve((call) => {
    const changed = change(call)
    if (changed) return changed
    const { method, path, body, query } = call
    if (method === 'POST') {
      const one = { id: 40 + stored.length, status: 'new', ...(body as object) }
      stored.push(one)
      return { status: 201, body: { result: one, page: 1 } }
    }
    const [, id] = /^\/\w+\/(\d+)$/.exec(path) ?? []
    if (id === undefined) return { status: 200, body: { items: stored.filter(({ ref }) => ref === query.get('ref')) } }
    const found = stored.find((one) => one.id === Number(id))
    return found ? { status: 200, body: { result: found } } : { status: 404, body: { message: 'no such thing' } }
  })
  return stored
}

const tickets = () => ({
  provider: 'http',
  baseUrl: api?.url,
  token,
  open: { path: 'tickets', body: '{title: input.title, ref: key}', at: 'response.result' },
  find: { path: 'tickets', query: { ref: 'key' }, at: 'response.items[0]' },
  get: { path: 'tickets/{input.id}', at: 'response.result' },
  ticket: { id: 'to_string(response.id)', state: 'response.status', closed: "response.status=='closed'" },
})
const runs = () => ({
  provider: 'http',
  baseUrl: api?.url,
  token,
  start: { path: 'runs', body: '{job: input.target, ref: key}', at: 'response.result' },
  find: { path: 'runs', query: { ref: 'key' }, at: 'response.items[0]' },
  look: { path: 'runs/{input.id}', at: 'response.result' },
  run: { id: 'to_string(response.id)', state: 'response.status' },
  states: { new: 'running', done: 'pass' },
})

const flags = {
  environment: 'test',
  get: { path: 'flags/{input.flag}' },
  set: { method: 'PUT', path: 'flags/{input.flag}', body: '{enabled: input.on}' },
  flag: { on: 'response.result.on' },
}

const check = (name: string, connection: object, args: string[]) => {
  const file = join(folder, 'secrets.json')
  writeFileSync(file, JSON.stringify({ [`${prefix}/${name}`]: connection }))
  return webhooks(['check', name, '--local', ...args], { env: { WEBHOOKS_SECRETS: file }, cwd: folder })
}
const open = (connection: object, args: string[] = ['--yes']) =>
  check('issue-ticketing/mine', connection, ['--try', 'open-issue', '--input', 'title=Slow', ...args])
const build = (connection: object, args: string[] = ['--yes']) =>
  check('ci-cd/mine', connection, ['--try', 'trigger-build', '--input', 'target=nightly', ...args])

describe('webhooks check --try', () => {
  it('runs an action as a dry run and sends only requests that read', async () => {
    const stored = await startApi()
    const { code, out, err } = await open(tickets(), [])
    expect(out).toContain('Dry run: only requests that read were sent.')
    expect(out).toMatch(/^find\n {2}GET http.*\/tickets\?ref=[0-9a-f]{40}\n/m)
    expect(out).toMatch(/^open \(not sent\)\n {2}POST http.*\/tickets\n/m)
    expect(out).toMatch(/^ {2}\{"title":"Slow","ref":"[0-9a-f]{40}"\}$/m)
    expect(err).toBe('Nothing was changed. Pass --yes to send all requests.\n')
    expect(out).not.toContain('Hint:')
    expect(stored).toEqual([])
    expect(code).toBe(0)
  })

  it('shows each response and what each expression finds with --yes, without credentials', async () => {
    const stored = await startApi(({ headers }) => (headers['authorization'] ? undefined : { status: 401 }))
    const { code, out, err } = await open({
      ...tickets(),
      headers: { 'X-Env': 'test', 'X-Api-Key': 'a-key-of-the-api' },
    })
    const [, real = ''] = out.split('All requests sent:')
    expect(real.match(/^\w+$/gm)).toEqual(['find', 'open', 'find', 'get'])
    expect(real).toContain('  authorization: ***\n')
    expect(real).toContain('  x-env: test\n')
    expect(real).toMatch(/-> 201 \{"result":\{"id":40,.*\n {2}open.at, "response.result", finds \{"id":40,/)
    expect(real).toContain('  find.at, "response.items[0]", finds nothing\n')
    expect(real).toContain('  ticket.id, "to_string(response.id)", finds "40"\n')
    expect(real).toContain(`  ticket.closed, "response.status=='closed'", finds false\n`)
    expect(real).toContain('Opened ticket 40.')
    expect(out + err).not.toMatch(/a-token|a-key|Problem|Hint/)
    expect(stored).toHaveLength(1)
    expect(code).toBe(0)
  })

  it('prompts before it sends all requests', async () => {
    const stored = await startApi()
    const file = join(folder, 'secrets.json')
    writeFileSync(file, JSON.stringify({ [`${prefix}/issue-ticketing/mine`]: tickets() }))
    const args = ['check', 'issue-ticketing/mine', '--local', '--try', 'open-issue', '--input', 'title=Slow']
    const at = (typed: string) =>
      atTerminal(args, [['Send all requests?', typed]], { env: { WEBHOOKS_SECRETS: file }, cwd: folder })
    expect(await at(enter)).toMatchObject({ code: 0, out: expect.not.stringContaining('All requests sent:') })
    expect(stored).toHaveLength(0)
    expect(await at('y')).toMatchObject({ code: 0, out: expect.stringContaining('Opened ticket 40.') })
    expect(stored).toHaveLength(1)
  })

  it('prints the report as JSON', async () => {
    await startApi()
    const { code, out } = await build(runs(), ['--yes', '--json'])
    expect(JSON.parse(out)).toMatchObject({
      connection: 'ci-cd/mine',
      provider: 'http',
      tested: 'trigger-build',
      dryRun: {
        steps: [
          { request: 'find', sent: true },
          { request: 'start', sent: false },
        ],
        problems: [],
      },
      run: {
        message: 'Started run 40.',
        problems: [],
        steps: [
          { request: 'find', status: 200 },
          { request: 'start', method: 'POST', status: 201, headers: { authorization: '***' } },
          { request: 'find', expressions: [{ field: 'find.at' }, { field: 'run.id', finds: '40' }] },
          { request: 'look', expressions: [{ field: 'look.at' }, { field: 'run.state', finds: 'new' }] },
        ],
      },
    })
    expect(code).toBe(0)
  })

  it('shows each request of a list whose condition is true', async () => {
    await startApi(({ method }) => (method === 'PATCH' || method === 'PUT' ? { status: 204 } : undefined))
    const update = [
      { method: 'PATCH', path: 'tickets/{input.id}', body: '{title: input.title}', if: 'input.title' },
      { method: 'PUT', path: 'tickets/{input.id}/state', text: 'input.state', if: 'input.state' },
      { method: 'PUT', path: 'tickets/{input.id}/labels', text: "'x'", if: 'input.labels' },
    ]
    const args = ['--try', 'update-issue', '--input', 'id=40', '--input', 'title=A', '--input', 'state=new']
    const { out } = await check('issue-ticketing/mine', { ...tickets(), update }, args)
    expect(out.match(/^update \(not sent\)\n.*$/gm)).toEqual([
      expect.stringMatching(/PATCH .*\/tickets\/40$/),
      expect.stringMatching(/PUT .*\/tickets\/40\/state$/),
    ])
    expect(api.calls.map(({ method }) => method)).not.toContain('PUT')
  })

  it('shows a login without the values of its response', async () => {
    await startApi(({ path }) =>
      path === '/login' ? { status: 200, body: { data: { access_token: 'a-token-of-this-session' } } } : undefined,
    )
    const login = { path: 'login', body: '{user: username, pass: password}', token: 'response.access_token' }
    const user = { username: 'robot', password: 'a-password-of-robot' }
    const connection = { ...tickets(), token: undefined, ...user, login }
    const wrong = await open(connection)
    expect(wrong.out).toContain(
      'There is an access_token at response.data.access_token: write response.data.access_token.',
    )
    expect(wrong.code).toBe(1)
    const right = await open({ ...connection, login: { ...login, token: 'response.data.access_token' } })
    expect(right.out).toContain('login\n  POST ')
    expect(right.out).toContain('-> 200 an object with data\n')
    expect(right.code).toBe(0)
    expect(wrong.out + wrong.err + right.out + right.err).not.toMatch(/a-token-of|a-password/)
  })

  it.each<[string, string, object, string[], RegExp]>([
    [
      'a flag',
      'feature-flags',
      {
        environment: 'test',
        get: { path: 'flags/{input.flag}' },
        set: { method: 'PUT', path: 'flags/{input.flag}', body: '{enabled: input.on}' },
        flag: { on: 'response.enabled' },
      },
      ['set-flag', '--input', 'flag=promo', '--input', 'state=on'],
      /flag.on, "response.enabled", finds true.*promo in test is on/s,
    ],
    [
      'a message',
      'notification',
      { post: { path: 'rooms', body: '{text: message.text}' }, posted: { id: 'response.message_id' } },
      ['push-update', '--input', 'text=Hello'],
      /posted.id, "response.message_id", finds "m1"/,
    ],
    [
      'an evaluation, which only reads',
      'slo',
      {
        measure: { path: 'values', query: { q: 'query' } },
        indicator: { value: 'response.value' },
        queries: { p95: 'checkout-p95' },
      },
      ['request-evaluation', '--input', 'timeframe=5m', '--input', 'thresholds=[{"metric":"p95","op":"<","value":9}]'],
      /values\?q=checkout-p95.*indicator.value, "response.value", finds 7.*pass/is,
    ],
  ])('tests %s', async (_, category, connection, [action = '', ...args], expected) => {
    let enabled = false
    await startApi(({ method, body }) => {
      if (method === 'PUT') enabled = (body as { enabled: boolean }).enabled
      return { status: 200, body: { enabled, message_id: 'm1', value: 7 } }
    })
    const complete = { provider: 'http', baseUrl: api.url, ...connection }
    const { code, out, err } = await check(`${category}/mine`, complete, ['--try', action, ...args, '--yes'])
    expect({ out, err, code }).toEqual({ out: expect.stringMatching(expected), err: '', code: 0 })
  })
})

describe('webhooks check --try finds a mistake', () => {
  const {
    ticket,
    open: right,
    find,
  } = {
    ticket: { id: 'to_string(response.id)', state: 'response.status', closed: "response.status=='closed'" },
    open: { path: 'tickets', body: '{title: input.title, ref: key}', at: 'response.result' },
    find: { path: 'tickets', query: { ref: 'key' }, at: 'response.items[0]' },
  }

  it.each<[string, object, string]>([
    [
      'at that finds nothing',
      { open: { ...right, at: 'response.answer' } },
      'open.at finds nothing at response.answer: the response has no answer. It has result, page.',
    ],
    [
      'at that is missing',
      { open: { ...right, at: undefined } },
      'ticket.id finds nothing at response.id. There is an id at response.result.id: write to_string(response.result.id), which finds "40".',
    ],
    [
      'at that omits the id',
      { open: { ...right, at: 'response.{page: page}' } },
      'ticket.id finds nothing at response.id. There is an id at response.result.id of the complete response: correct open.at.',
    ],
    [
      'ticket.id with another name',
      { ticket: { ...ticket, id: 'response.ID' } },
      'ticket.id finds nothing at response.ID. There is an id at response.id: write response.id, which finds 40.',
    ],
    [
      'ticket.closed that is not true or false',
      { ticket: { ...ticket, closed: 'response.status' } },
      'ticket.closed must find true or false, but finds "new"',
    ],
    [
      'find whose at finds nothing',
      { find: { ...find, at: 'where(response.items, &reference, key)[0]' } },
      'finds nothing. The idempotency key is at response.items[0].ref.',
    ],
    [
      'open that does not send the key',
      { open: { ...right, body: '{title: input.title}' } },
      'The response of find does not contain the idempotency key',
    ],
    [
      'find that finds what others created',
      { find: { ...find, at: "{id: '1', status: 'new'}" } },
      'find returned an item although none was created with this key',
    ],
    [
      'find that creates an empty object',
      { find: { ...find, at: '{id: response.items[0].id}' } },
      'at of find creates an empty object if there is no match',
    ],
  ])('%s', async (_, change, hint) => {
    await startApi()
    const connection = JSON.parse(JSON.stringify({ ...tickets(), ...change }))
    const { out, code } = await open(connection)
    expect(out).toContain(hint)
    expect(code).toBe(1)
  })

  it.each<[string, Reply, string]>([
    [
      'an error inside a 200',
      { status: 200, body: { result: null, error: { message: 'Ticket 999 does not exist.' } } },
      'The response of open looks like an error. Add "error": "response.error.message" to the connection',
    ],
    [
      'a page instead of JSON',
      { status: 200, body: '<html><title>Sign in</title></html>' },
      'The response of open is an HTML page instead of JSON. Check baseUrl, the path and the credentials.',
    ],
    [
      'a text instead of JSON',
      { status: 200, body: 'ok, created' },
      'If this is correct, add "responseType": "text" to open.',
    ],
    ['an empty response', { status: 201 }, 'The response of open is empty. Add "then": "find" to open'],
    [
      'a refusal',
      { status: 422, body: { message: 'title is too short' } },
      'answered 422 to POST /tickets: title is too short',
    ],
  ])('%s', async (_, reply, text) => {
    await startApi(({ method }) => (method === 'POST' ? reply : undefined))
    const { out, code } = await open(tickets())
    expect(out).toContain(text)
    expect(out).toContain('Problem: ')
    expect(code).toBe(1)
  })

  it.each<[string, object, string, number]>([
    [
      'run.id that finds nothing',
      { run: { id: 'response.run_id', state: 'response.status' } },
      'run.id finds nothing at response.run_id: the response has no run_id. It has id, status, job, ref.',
      1,
    ],
    [
      'run.state that finds nothing',
      { run: { id: 'to_string(response.id)', state: 'response.state' } },
      'run.state finds nothing at response.state: the response has no state. It has id, status, job, ref.',
      1,
    ],
    ['a state that is not in states', { states: { done: 'pass' } }, 'run.state finds "new", which is not in states', 0],
  ])('%s', async (_, change, hint, expected) => {
    await startApi()
    const { out, code } = await build({ ...runs(), ...change })
    expect(out).toContain(hint)
    expect(code).toBe(expected)
  })

  it('a lost response of open, after which find finds the ticket', async () => {
    await startApi()
    api.loseNext('POST')
    const { out, code } = await open(tickets())
    const [, real = ''] = out.split('All requests sent:')
    expect(real.match(/^\w+$/gm)).toEqual(['find', 'open', 'find'])
    expect(real).toMatch(
      /open\n[\s\S]*-> HTTP API could not be reached[\s\S]*ticket.id, "to_string\(response.id\)", finds "40"/,
    )
    expect(code).toBe(1)
  })

  it('an indicator without a value', async () => {
    await startApi(() => ({ status: 200, body: { data: { value: 7 } } }))
    const measured = {
      ...{ provider: 'http', baseUrl: api.url, measure: { path: 'values' }, queries: { p95: 'checkout-p95' } },
      indicator: { value: 'response.value' },
    }
    const thresholds = 'thresholds=[{"metric":"p95","op":"<","value":9}]'
    const args = ['--try', 'request-evaluation', '--input', 'timeframe=5m', '--input', thresholds]
    const { out, code } = await check('slo/mine', measured, args)
    expect(out).toContain('There is a value at response.data.value: write response.data.value, which finds 7.')
    expect(out).toContain('Problem: ')
    expect(code).toBe(1)
  })

  it('a path whose input is missing, before anything is sent', async () => {
    const stored = await startApi()
    const { out, code } = await open({ ...tickets(), open: { ...right, path: 'projects/{input.project}/tickets' } })
    expect(out).toContain('Problem: open.path of the connection needs input.project, which is missing')
    expect({ code, stored }).toEqual({ code: 1, stored: [] })
  })
})

test('webhooks check --try reports an expression without response before anything is sent', async () => {
  await startApi()
  const { err, code } = await open({ ...tickets(), ticket: { ...tickets().ticket, id: 'id' } })
  expect(err).toContain('ticket.id reads id, which is not a name here.')
  expect(err).toContain('For a field of the response, write response.id.')
  expect({ code, calls: api.calls }).toEqual({ code: 1, calls: [] })
})

describe('webhooks check --answer', () => {
  const evaluate = (connection: object, body: string, args: string[] = []) => {
    writeFileSync(join(folder, 'response.json'), body)
    return check('issue-ticketing/mine', connection, ['--answer', 'response.json', ...args])
  }
  const offline = () => ({ ...tickets(), baseUrl: 'https://tool.invalid' })

  it('evaluates the expressions on a saved response without sending a request', async () => {
    await startApi()
    const { code, out, err } = await evaluate(offline(), '{"result":{"id":7,"status":"closed"}}', ['--request', 'open'])
    expect(out).toBe(
      [
        'open',
        '  -> 200 {"result":{"id":7,"status":"closed"}}',
        '  open.at, "response.result", finds {"id":7,"status":"closed"}',
        '  ticket.id, "to_string(response.id)", finds "7"',
        '  ticket.state, "response.status", finds "closed"',
        `  ticket.closed, "response.status=='closed'", finds true\n`,
      ].join('\n'),
    )
    expect({ code, err, calls: api.calls }).toEqual({ code: 0, err: '', calls: [] })
  })

  it('reports the problem and what to correct', async () => {
    await startApi()
    const { code, out } = await evaluate(offline(), '{"id":7,"status":"new"}', ['--request', 'get', '--json'])
    expect(JSON.parse(out)).toMatchObject({
      tested: 'get',
      response: {
        steps: [{ expressions: [{ field: 'get.at' }], hints: [expect.stringContaining('the response has no result')] }],
        problems: [expect.stringContaining('get.at of the connection, "response.result", finds nothing')],
      },
    })
    expect(code).toBe(1)
  })

  it('evaluates all expressions after the one that fails', async () => {
    await startApi()
    const ticket = { ...tickets().ticket, id: 'response.nope' }
    const response = '{"result":{"id":7,"status":"new"}}'
    const { code, out } = await evaluate({ ...offline(), ticket }, response, ['--request', 'get', '--json'])
    const [step] = JSON.parse(out).response.steps
    expect(step.expressions.map(({ field }: { field: string }) => field)).toEqual([
      ...['get.at', 'ticket.id', 'ticket.state', 'ticket.closed'],
    ])
    expect(code).toBe(1)
  })

  it('evaluates error and reason, for any status', async () => {
    await startApi()
    const connection = { ...offline(), reason: 'response.notes[0]' }
    const { code, out } = await evaluate(connection, '{"notes":["no such queue"]}', [
      '--request',
      'open',
      '--status',
      '409',
    ])
    expect(out).toContain('reason, "response.notes[0]", finds "no such queue"')
    expect(out).toContain('Problem: HTTP API answered 409 to POST /: no such queue.')
    expect(code).toBe(1)
  })

  it.each<[string, object, string[]]>([
    [
      'issue-ticketing',
      {
        ...tickets(),
        ...{ update: { path: 'u' }, comment: { path: 'c' }, hasComment: { path: 'h' }, close: { path: 'x' } },
      },
      ['open', 'find', 'get', 'update', 'comment', 'hasComment', 'close'],
    ],
    ['ci-cd', { ...runs(), stop: { path: 's' } }, ['start', 'find', 'look', 'stop']],
    ['feature-flags', flags, ['get', 'set']],
    ['notification', { post: { path: 'p' }, posted: { id: 'response.result.id' } }, ['post']],
    ['slo', { measure: { path: 'm' }, indicator: { value: 'response.result.id' } }, ['measure']],
  ])('evaluates the response of each request of %s', async (category, connection, requests) => {
    writeFileSync(
      join(folder, 'response.json'),
      '{"result":{"id":7,"status":"new","on":true},"items":[{"id":7,"status":"new"}]}',
    )
    for (const request of requests) {
      const complete = { provider: 'http', ...connection, baseUrl: 'https://tool.invalid' }
      const args = ['--answer', 'response.json', '--request', request]
      const { code, out, err } = await check(`${category}/mine`, complete, args)
      expect({ request, code, err, out }).toEqual({ request, code: 0, err: '', out: expect.stringContaining(request) })
    }
  })
})

describe('webhooks connect --try', () => {
  const connect = async (connection: object, args: string[]) => {
    const secrets = join(folder, 'connect.json')
    rmSync(secrets, { force: true })
    const ended = await webhooks(
      [
        'connect',
        'issue-ticketing/new',
        '--local',
        '--from-file',
        '-',
        '--try',
        'open-issue',
        '--input',
        'title=Slow',
        ...args,
      ],
      { env: { WEBHOOKS_SECRETS: secrets }, cwd: folder, stdin: JSON.stringify(connection) },
    )
    return { ...ended, isStored: existsSync(secrets) }
  }

  it('saves a connection that works', async () => {
    await startApi()
    const { out, err, code, isStored } = await connect(tickets(), ['--yes'])
    expect(out).toContain('Connection test passed (open-issue).\nSaved ')
    expect(err).toContain('Opened ticket 40.')
    expect({ code, isStored }).toEqual({ code: 0, isStored: true })
  })

  it('does not save a connection that does not work', async () => {
    await startApi()
    const { out, code, isStored } = await connect(
      { ...tickets(), ticket: { ...tickets().ticket, id: 'response.nope' } },
      ['--yes'],
    )
    expect(out).toContain('ticket.id of the connection, "response.nope", finds nothing')
    expect({ code, isStored }).toEqual({ code: 1, isStored: false })
  })
})
