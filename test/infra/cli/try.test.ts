import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import {
  api,
  build,
  check,
  evaluation,
  flags,
  folder,
  open,
  requestsIn,
  run,
  runs,
  startApi,
  store,
  tickets,
  values,
} from './tried-api.ts'
import { atTerminal, enter } from './webhooks.ts'

describe('webhooks check --try', () => {
  it('runs an action as a dry run and sends only requests that read', async () => {
    const stored = await startApi()
    const { code, out, err } = await open(tickets(), '')
    expect([code, err]).toEqual([0, 'Nothing was changed. Pass --yes to send all requests.\n'])
    expect(out).toContain('Dry run: only requests that read were sent.')
    expect(out).toMatch(/^find\n {2}GET http.*\/tickets\?ref=[0-9a-f]{40}\n/m)
    expect(out).toMatch(/^open \(not sent\)\n {2}POST http.*\/tickets\n/m)
    expect(out).toMatch(/^ {2}\{"title":"Slow","ref":"[0-9a-f]{40}"\}$/m)
    expect(out).not.toContain('Hint:')
    expect(stored).toEqual([])
  })

  it('shows each response and what each expression finds with --yes, without credentials', async () => {
    const stored = await startApi(({ headers }) => (headers['authorization'] ? undefined : { status: 401 }))
    const headers = { 'X-Env': 'test', 'X-Api-Key': 'a-key-of-the-api' }
    const secrets = { rpc: 'a-secret-of-the-rpc' }
    const body = "{title: input.title, ref: key, auth: secrets.rpc, password: 'a-literal-in-it'}"
    const opening = { ...tickets().open, body }
    const { code, out, err } = await open({ ...tickets(), headers, secrets, open: opening })
    expect([code, requestsIn(out)]).toEqual([0, ['find', 'open', 'find', 'get']])
    expect(out).toMatch(/-> 201 \{"result":\{"id":40,.*\n {2}open.at, "response.result", finds \{"id":40,/)
    for (const line of [
      '  authorization: ***',
      '  x-env: test',
      '  find.at, "response.items[0]", finds nothing',
      '  ticket.id, "to_string(response.id)", finds "40"',
      'Opened ticket 40.',
      `  ticket.closed, "response.status=='closed'", finds false`,
    ])
      expect(out).toContain(`${line}\n`)
    expect(out + err).not.toMatch(/a-token|a-key|a-secret|a-literal|Problem|Hint/)
    expect(stored).toHaveLength(1)
  })

  it('prompts before it sends all requests', async () => {
    const stored = await startApi()
    store('issue-ticketing/mine', tickets())
    const at = (typed: string) =>
      atTerminal(
        'check issue-ticketing/mine --local --try open-issue --input title=Slow',
        [['Send all requests?', typed]],
        { env: { WEBHOOKS_SECRETS: join(folder, 'secrets.json') }, cwd: folder },
      )
    expect(await at(enter)).toMatchObject({ code: 0, out: expect.not.stringContaining('All requests sent:') })
    expect(stored).toHaveLength(0)
    expect(await at('y')).toMatchObject({ code: 0, out: expect.stringContaining('Opened ticket 40.') })
    expect(stored).toHaveLength(1)
  })

  it('prints the report as JSON', async () => {
    await startApi()
    const { code, out } = await build(runs(), '--yes --json')
    const sent = { method: 'POST', status: 201, headers: { authorization: '***' } }
    expect([code, JSON.parse(out)]).toMatchObject([
      0,
      {
        connection: 'ci-cd/mine',
        provider: 'http',
        tested: 'trigger-build',
        dryRun: { steps: ['find', 'start'].map((request) => ({ request, sent: request === 'find' })), problems: [] },
        run: {
          message: 'Started run 40.',
          problems: [],
          steps: [
            { request: 'find', status: 200 },
            { request: 'start', ...sent },
            { request: 'find', expressions: [{ field: 'find.at' }, { field: 'run.id', finds: '40' }] },
            { request: 'look', expressions: [{ field: 'look.at' }, { field: 'run.state', finds: 'new' }] },
          ],
        },
      },
    ])
  })

  it('shows each request of a list whose condition is true', async () => {
    await startApi()
    const update = [
      { method: 'PATCH', path: 'tickets/{input.id}', body: '{title: input.title}', if: 'input.title' },
      { method: 'PUT', path: 'tickets/{input.id}/state', text: 'input.state', if: 'input.state' },
      { method: 'PUT', path: 'tickets/{input.id}/labels', text: "'x'", if: 'input.labels' },
    ]
    const options = '--try update-issue --input id=40 --input title=A --input state=new'
    const { out } = await check('issue-ticketing/mine', { ...tickets(), update }, options)
    const requests = out.matchAll(/^update \(not sent\)\n {2}(\w+) \S+(\/tickets\/.*)$/gm)
    expect([...requests].map(([, ...request]) => request)).toEqual([
      ['PATCH', '/tickets/40'],
      ['PUT', '/tickets/40/state'],
    ])
    expect(api.calls.map(({ method }) => method)).not.toContain('PUT')
  })

  it('shows a login without the values of its response', async () => {
    const session = { status: 200, body: { data: { access_token: 'a-token-of-this-session' } } }
    await startApi(({ path }) => (path === '/login' ? session : undefined))
    const login = { path: 'login', body: '{user: username, pass: password}', token: 'response.access_token' }
    const user = { username: 'robot', password: 'a-password-of-robot' }
    const connection = { ...tickets(), token: undefined, ...user, login }
    const wrong = await open(connection)
    const hint = 'There is an access_token at response.data.access_token: write response.data.access_token.'
    expect(wrong).toMatchObject({ code: 1, out: expect.stringContaining(hint) })
    const right = await open({ ...connection, login: { ...login, token: 'response.data.access_token' } })
    const out = expect.stringMatching(/login\n {2}POST .*-> 200 an object with data\n/s)
    expect(right).toMatchObject({ code: 0, out })
    expect(JSON.stringify([wrong, right])).not.toMatch(/a-token-of|a-password/)
  })

  it.each<[string, object, string, RegExp]>([
    [
      'feature-flags',
      { ...flags, flag: { on: 'response.enabled' } },
      'set-flag --input flag=promo --input state=on',
      /flag.on, "response.enabled", finds true.*promo in test is on/s,
    ],
    [
      'notification',
      { post: { path: 'rooms', body: '{text: message.text}' }, posted: { id: 'response.message_id' } },
      'push-update --input text=Hello',
      /posted.id, "response.message_id", finds "m1"/,
    ],
    [
      'slo',
      { ...values, measure: { path: 'values', query: { q: 'query' } } },
      evaluation,
      /values\?q=checkout-p95.*indicator.value, "response.value", finds 7.*pass/is,
    ],
  ])('tests a connection of %s', async (category, connection, action, expected) => {
    let enabled = false
    await startApi(({ method, body }) => {
      if (method === 'PUT') enabled = (body as { enabled: boolean }).enabled
      return { status: 200, body: { enabled, message_id: 'm1', value: 7 } }
    })
    const complete = { provider: 'http', baseUrl: api.url, ...connection }
    const ended = await check(`${category}/mine`, complete, `--try ${action} --yes`)
    expect(ended).toEqual({ out: expect.stringMatching(expected), err: '', code: 0 })
  })
})

describe('webhooks check --answer', () => {
  const offline = () => ({ ...tickets(), baseUrl: 'https://tool.invalid' })
  const evaluate = (connection: object, body: string, options: string, name = 'issue-ticketing/mine') => {
    writeFileSync(join(folder, 'response.json'), body)
    return check(name, connection, `--answer response.json --request ${options}`)
  }

  it('evaluates the expressions on a saved response without sending a request', async () => {
    await startApi()
    const { calls } = api
    expect({ ...(await evaluate(offline(), '{"result":{"id":7,"status":"closed"}}', 'open')), calls }).toEqual({
      code: 0,
      out: [
        'open',
        '  -> 200 {"result":{"id":7,"status":"closed"}}',
        '  open.at, "response.result", finds {"id":7,"status":"closed"}',
        '  ticket.id, "to_string(response.id)", finds "7"',
        '  ticket.state, "response.status", finds "closed"',
        `  ticket.closed, "response.status=='closed'", finds true\n`,
      ].join('\n'),
      err: '',
      calls: [],
    })
  })

  it.each([
    ['{"id":7,"status":"new"}', ['get.at'], 'the response has no result', 'get.at of the connection'],
    [
      '{"result":{"id":7,"status":"new"}}',
      ['get.at', 'ticket.id', 'ticket.state', 'ticket.closed'],
      'the response has no nope',
      'ticket.id of the connection',
    ],
  ])('reports the problem, what to correct, and all later expressions: %s', async (response, fields, hint, problem) => {
    const connection = { ...offline(), ticket: { ...tickets().ticket, id: 'response.nope' } }
    const { code, out } = await evaluate(connection, response, 'get --json')
    const steps = [{ expressions: fields.map((field) => ({ field })), hints: [expect.stringContaining(hint)] }]
    const problems = [expect.stringContaining(`${problem} finds nothing`)]
    expect([code, JSON.parse(out)]).toMatchObject([1, { tested: 'get', response: { steps, problems } }])
  })

  it('evaluates error and reason, for any status', async () => {
    const connection = { ...offline(), reason: 'response.notes[0]' }
    const { code, out } = await evaluate(connection, '{"notes":["no such queue"]}', 'open --status 409')
    expect([code, out]).toEqual([1, expect.stringContaining('reason, "response.notes[0]", finds "no such queue"')])
    expect(out).toContain('Problem: HTTP API answered 409 to POST /: no such queue.')
  })

  const [u, c, h, x] = ['update', 'comment', 'hasComment', 'close'].map((path) => ({ path }))
  const id = { id: 'response.result.id' }
  it.each<[string, object, string]>([
    [
      'issue-ticketing',
      { ...tickets(), update: u, comment: c, hasComment: h, close: x },
      'open find get update comment hasComment close',
    ],
    ['ci-cd', { ...runs(), stop: { path: 's' } }, 'start find look stop'],
    ['feature-flags', { ...flags, flag: { on: 'response.result.on' } }, 'get set'],
    ['notification', { post: { path: 'p' }, posted: id }, 'post'],
    ['slo', { measure: { path: 'm' }, indicator: { value: 'response.result.id' } }, 'measure'],
  ])('evaluates the response of each request of %s', async (category, connection, requests) => {
    const response = '{"result":{"id":7,"status":"new","on":true},"items":[{"id":7,"status":"new"}]}'
    const complete = { provider: 'http', ...connection, baseUrl: 'https://tool.invalid' }
    for (const request of requests.split(' ')) {
      const ended = await evaluate(complete, response, request, `${category}/mine`)
      expect({ request, ...ended }).toEqual({ request, code: 0, err: '', out: expect.stringContaining(request) })
    }
  })
})

describe('webhooks connect --try', () => {
  const connect = async (connection: object) => {
    rmSync(join(folder, 'secrets.json'), { force: true })
    const line = 'connect issue-ticketing/new --local --from-file - --try open-issue --input title=Slow --yes'
    const ended = await run(line, JSON.stringify(connection))
    return { ...ended, isStored: existsSync(join(folder, 'secrets.json')) }
  }

  it('saves a connection that works', async () => {
    await startApi()
    const out = expect.stringContaining('Connection test passed (open-issue).\nSaved ')
    const err = expect.stringContaining('Opened ticket 40.')
    expect(await connect(tickets())).toEqual({ code: 0, out, err, isStored: true })
  })

  it('does not save a connection that does not work', async () => {
    await startApi()
    const ticket = { ...tickets().ticket, id: 'response.nope' }
    const out = expect.stringContaining('ticket.id of the connection finds nothing')
    expect(await connect({ ...tickets(), ticket })).toMatchObject({ code: 1, out, isStored: false })
  })
})
