import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { type Call, ok, type Reply, type Served, serve } from '../../infra/testing/loopback-server.ts'
import { Service, triggered } from './service.ts'

/** An API whose responses each test sets. */
let vendor: Served
let answer: (call: Call) => Reply

let service: Service
const password = 'Xk9-vQ2#long-enough'
/** Callers that each send stored credentials. After some such calls, they would be refused. */
const guessers = Array.from({ length: 9 }, (_, index) => `token-of-guesser-${index}`)
let lastGuesser = 0
const asGuesser = () => ({ token: String(guessers[lastGuesser++]) })
const rpc = { bodySecret: 'aria-Secret-7d1f', pathSecret: '7123:AAHdqTcvCH1vGW' }

beforeAll(async () => {
  vendor = await serve((call) => answer(call))
  const baseUrl = `${vendor.url}/tenant`
  const http = {
    provider: 'http',
    baseUrl,
    headers: { Authorization: `Basic ${btoa(`robot:${password}`)}`, 'X-Env': 'production', 'X-Service': 'checkout' },
    open: { path: 'open', body: '{title: input.title}' },
    get: { path: 'tickets/{input.id}' },
    ticket: { id: 'response.id', url: 'response.url', state: 'response.state', closed: "response.state == 'closed'" },
  }
  const rpcTickets = (key: string) => ({
    ...http,
    headers: {},
    secrets: rpc,
    open: {
      path: 'bot{secrets.pathSecret}/open',
      body: `{params: [join(':', ['token', secrets.bodySecret]), join('', ['a-literal', ${key}])], title: input.title}`,
    },
  })
  const chat = {
    provider: 'http',
    baseUrl,
    post: { path: 'post', body: '{text: message.title, buttons: message.buttons}' },
  }
  service = new Service({
    timeScale: 60,
    secrets: {
      'cloud-automation-webhooks/callers': Object.fromEntries(
        [...guessers, demo.callerToken].map((token, index) => [
          token === demo.callerToken ? 'demo' : `guesser-${index}`,
          { tokens: [tokenHash(token)], categories: ['*'], orchestrator: 'sandbox', reads: 'all' },
        ]),
      ),
      'cloud-automation-webhooks/connections/issue-ticketing/vendor': http,
      'cloud-automation-webhooks/connections/issue-ticketing/joined': {
        ...http,
        headers: { Authorization: 'left-part/right-part' },
      },
      'cloud-automation-webhooks/connections/issue-ticketing/rpc': rpcTickets("key || ''"),
      'cloud-automation-webhooks/connections/issue-ticketing/strict': rpcTickets('key'),
      'cloud-automation-webhooks/connections/notification/vendor': {
        ...chat,
        posted: { id: 'response.id', url: 'response.url' },
      },
    },
  })
  await service.start()
})
beforeEach(() => {
  answer = () => ok({ id: 'T-1', state: 'open' })
  vendor.calls.length = 0
})
afterAll(async () => {
  await service.end()
  await vendor.close()
})

describe('The credentials of a connection', () => {
  it('do not change the text of a call that uses another connection', async () => {
    const title = 'checkout in production is slow'
    const first = await service.openIssue(triggered({ input: { title } }), '?connection=vendor')
    expect(first).toMatchObject({ status: 200 })
    expect(vendor.calls[0]).toMatchObject({
      headers: { 'x-env': 'production', 'x-service': 'checkout' },
      body: { title },
    })
    // The password of the other connection is an ordinary text here.
    const second = await service.openIssue(triggered({ input: { title, description: `About ${password}` } }))
    expect(second).toMatchObject({ status: 200 })
    const issue = (await service.issues()).at(-1)
    expect(issue).toMatchObject({ title })
    expect(issue.body).toContain(`About ${password}`)
  })

  it('are redacted in a dry run, and plain headers are not', async () => {
    const { body } = await service.openIssue(triggered({ input: { title: 'T' } }), '?connection=vendor&dryRun=true')
    const headers = { authorization: '***', 'x-env': 'production', accept: 'application/json' }
    expect(body.data.request).toMatchObject({ headers })
  })

  it('are redacted in a response of the platform, including a basic authentication password', async () => {
    answer = ({ headers }) => ({
      status: 400,
      body: { message: `${headers.authorization} ${password}` },
    })
    const { status, body } = await service.openIssue(triggered({ input: { title: 'T' } }), '?connection=vendor')
    expect(status).toBe(422)
    expect(body.detail).toContain('*** ***')
  })
})

it('The secrets in the expressions of a connection appear in no log line, response, event or state file', async () => {
  const seen: unknown[] = []
  const open = async (query: string, input = { title: 'T' }) => {
    const call = triggered({ input })
    const answer = await service.openIssue(call, `?connection=${query}`)
    seen.push(answer.body)
    return { ...answer, id: call.id }
  }
  expect(await open('rpc')).toMatchObject({ status: 200 })
  expect(vendor.calls[0]).toMatchObject({
    path: `/tenant/bot${rpc.pathSecret}/open`,
    body: { params: [`token:${rpc.bodySecret}`, expect.any(String)] },
  })
  const request = {
    url: expect.stringMatching(/\/bot\*\*\*\/open$/),
    body: { params: ['token:***', expect.any(String)] },
  }
  expect((await open('rpc&dryRun=true')).body.data).toMatchObject({ request })
  const detail =
    'open.body of the connection cannot be evaluated: Invalid argument type for function join(), expected "string" but found "unknown". The call has no id or is a dry run, so key has no value: write key || \'\'.'
  expect(await open('strict&dryRun=true')).toMatchObject({ status: 503, body: { title: 'Not configured', detail } })
  expect(service.logs().filter(({ reason }) => reason === detail)).not.toEqual([])
  answer = ({ path, text }) => ({ status: 409, body: { message: `no: ${path} ${text}` } })
  expect(await open('rpc')).toMatchObject({
    status: 422,
    body: { detail: expect.stringContaining('no: /tenant/bot***/open') },
  })
  const { status, body, id } = await open('rpc&mode=interactive')
  expect(status).toBe(202)
  const { finished } = await service.finishedOf(id)
  expect(finished).toMatchObject([{ message: expect.stringContaining('"token:***"') }])
  const headers = { authorization: `Bearer ${demo.callerToken}` }
  const shown = await (await fetch(`${service.url}/console/calls/${body.taskId}`, { headers })).text()
  expect(shown).toContain('token:***')
  for (const text of [service.output, shown, JSON.stringify([seen, finished]), ...stateFiles()])
    for (const value of Object.values(rpc)) expect(text).not.toContain(value)
})

/** Returns the contents of all files in the state folder. */
function stateFiles(): string[] {
  return readdirSync(service.state, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
}

describe('A call that contains a stored credential', () => {
  it.each(['&dryRun=true', '&mode=interactive&dryRun=true', '', '&mode=interactive'])(
    'is refused before anything is sent, and the response names the field: connection=vendor%s',
    async (query) => {
      const description = ['a guess', password, 'another guess'].join('\n')
      const call = triggered({ input: { title: 'T', description } })
      const { status, body } = await service.openIssue(call, `?connection=vendor${query}`, asGuesser())
      expect({ status, body }).toMatchObject({ status: 400, body: { errors: [{ path: 'input.description' }] } })
      expect(JSON.stringify(body)).not.toMatch(/guess|\*\*\*/)
      expect(vendor.calls).toEqual([])
    },
  )

  const guess = `x ${password} y`
  it.each([
    ['data.problem.ProblemTitle', { data: { problem: { ProblemTitle: guess } } }],
    ['data.message', { data: { message: guess } }],
    ['data.openticket.before.text', { data: { openticket: { before: { text: guess } } } }],
    ['input', { input: { title: 'T', [password]: 'an unknown field' } }],
  ])('is refused before its texts are masked: %s', async (path, event) => {
    const { status, body } = await service.openIssue(triggered(event), '?connection=vendor', asGuesser())
    expect({ status, body }).toMatchObject({ status: 400, body: { errors: [{ path }] } })
    expect(JSON.stringify(body)).not.toContain('***')
    expect(vendor.calls).toEqual([])
  })

  it('is refused if the credential is composed of several of its texts', async () => {
    const data = { project: 'left-part', stage: 'right-part', service: 'shop' }
    const { status, body } = await service.openIssue(triggered({ data, input: {} }), '?connection=joined', asGuesser())
    expect({ status, body }).toMatchObject({ status: 400, body: { errors: [{ path: 'data' }] } })
    expect(vendor.calls).toEqual([])
  })
})

it('A caller that repeatedly sends stored credentials loses its calls that start nothing, but not its other calls', async () => {
  const description = `Is it ${password}?`
  const dryRun = (input: object, query = 'dryRun=true') =>
    service.openIssue(triggered({ input }), `?connection=vendor&${query}`)
  const skipped = (input: object) => dryRun(input, 'when=fail')
  // Execution environments share the count, but each one reads it only with its next call.
  await service.until(async () => (await dryRun({ title: 'T', description })).status === 429, 'the end of dry runs')
  const { status, headers, body } = await dryRun({ title: 'T' })
  expect({ status, body }).toMatchObject({
    status: 429,
    body: { detail: expect.stringContaining('so its calls that start nothing are refused until') },
  })
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  await service.until(
    async () => (await skipped({ title: 'T', description })).status === 429,
    'the end of skipped calls',
  )
  expect(await skipped({ title: 'T' })).toMatchObject({ status: 429 })
  const cancel = '/v1/issue-ticketing/open-issue/cancel?mode=gate&key=k'
  expect(await service.call(cancel, { input: { title: 'T' } })).toMatchObject({ status: 429 })
  expect(await service.openIssue(triggered({ input: { title: 'T' } }), '?connection=vendor')).toMatchObject({
    status: 200,
  })
  const lines = service.logs().filter(({ secretInInput }) => secretInInput)
  expect(lines.length).toBeGreaterThanOrEqual(3)
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: 'WARN',
      secretInInput: true,
      caller: 'demo',
      fields: ['input.description'],
    }),
  )
  expect(service.output).not.toContain(password)
})

it('An approval link appears in no log line, response, event or state file, even if the platform repeats it', async () => {
  let posts = 0
  answer = ({ text, body }) =>
    ++posts === 1
      ? { status: 503, body: { message: `could not post ${text}` } }
      : ok({ id: 'M-1', url: Object(body).buttons?.[0].url })
  const event = triggered({ type: 'sh.keptn.event.sign-off.triggered', input: {} })
  const path = '/v1/notification/ask-approval?connection=vendor&mode=interactive&deadline=PT20S'
  expect(await service.call(path, event)).toMatchObject({ status: 202 })
  const { finished } = await service.finishedOf(event.id)
  expect(finished).toMatchObject([{ message: 'Expired: no one decided in time' }])
  expect(posts).toBeGreaterThan(1)
  const sent = vendor.calls.map(({ text }) => text).join('\n')
  const signatures = [...new Set(sent.match(/(?<=\.)[0-9a-f]{64}/g))]
  expect(signatures).toHaveLength(1)
  for (const text of [service.output, JSON.stringify(finished), ...stateFiles()])
    expect(text).not.toContain(signatures[0])
  expect(JSON.stringify(finished)).toMatch(/[0-9a-f]{40}\.\*\*\*/)
})
