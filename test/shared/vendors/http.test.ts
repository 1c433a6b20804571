import { describe, expect, test } from '@jest/globals'
import * as z from 'zod/mini'
import { http as experiment } from '../../../functions/chaos-testing/providers/http.ts'
import { secretsIn } from '../../../shared/fields.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { setFlag } from '../../../shared/providers/set-flags.ts'
import { rollbackJob, startJob } from '../../../shared/providers/start-job.ts'
import { stopJob } from '../../../shared/providers/stop-job.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { redact } from '../../../shared/redact.ts'
import { httpEvaluation } from '../../../shared/vendors/http/evaluation.ts'
import { httpFlag } from '../../../shared/vendors/http/flag.ts'
import { httpJob } from '../../../shared/vendors/http/job.ts'
import { httpMessage } from '../../../shared/vendors/http/message.ts'
import { httpTicket } from '../../../shared/vendors/http/ticket.ts'
import { evaluationConformance } from '../../conformance/evaluation.ts'
import { flagConformance } from '../../conformance/flag.ts'
import { jobConformance } from '../../conformance/job.ts'
import type { JobPlatform } from '../../conformance/job-platform.ts'
import { messageConformance } from '../../conformance/message.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { type ClientOptions, clientOf, expectFailure, failureOf, keyOf, startEach } from '../../functions/helpers.ts'
import { Job } from '../../functions/job.ts'
import { evaluate } from '../../functions/slo/drive.ts'
import { type AnyApi, startAnyApi } from '../../platforms/any-api.ts'

const api = startEach(startAnyApi)
const common = ({ url, token, apiKey }: { url: string; token: string; apiKey: string } = api) => ({
  baseUrl: url,
  token,
  headers: { 'X-Api-Key': apiKey },
  check: { path: 'me' },
})
const refusal = (message: string) => ({ error: { message } })

const tickets = {
  open: {
    path: 'things',
    body: '{title: input.title, text: input.description, area: input.project, ref: key}',
    at: 'response.result',
  },
  get: { path: 'things/{input.id}', at: 'response.result' },
  find: { path: 'things', query: { ref: 'key' }, at: 'response.items[0]' },
  update: { method: 'PATCH', path: 'things/{input.id}', body: '{title: input.title, state: input.state}' },
  comment: { path: 'things/{input.id}/comments', body: '{text: input.comment, ref: key}' },
  close: { path: 'things/{input.id}/end' },
  ticket: {
    id: 'response.id',
    number: 'response.key',
    url: 'response.links.html',
    state: 'response.state',
    closed: "response.state=='done'",
  },
}
const provider = httpTicket as never
const problem = { title: 'Checkout is slow', description: '2 s', project: 'shop' }
const ticketClient = (more: object = {}, options: ClientOptions = {}) =>
  clientOf(httpTicket, httpTicket.connection.parse({ ...common(), ...tickets, ...more }), options)
const open = (more?: object, options?: ClientOptions) => openTicket.run(provider, ticketClient(more, options), problem)
const update = (input: object, more?: object, options?: ClientOptions) =>
  updateTicket.run(provider, ticketClient(more, options), { id: '1', ...input })
const close = (more?: object) => closeTicket.run(provider, ticketClient(more), { id: '1' })

ticketConformance(
  provider,
  {
    async start() {
      const server = await startAnyApi()
      const state = "input.state && lower(input.state)=='closed' && 'done' || input.state"
      const more = {
        update: { ...tickets.update, body: `{title: input.title, state: ${state}}` },
        hasComment: { path: 'things/{input.id}/comments', at: 'where(response, &ref, key)' },
      }
      return { server, connection: { ...common(server), ...tickets, ...more }, made: () => server.things.length }
    },
    unknownId: '424242',
  },
  { refusal, anyTitle: true },
)

describe('HTTP API: tickets', () => {
  test('are opened with the body of the connection, without missing fields', async () => {
    const ticket = await openTicket.run(provider, ticketClient(), { title: 'Slow' })
    expect(ticket.data).toEqual({ id: '1', number: 'T-1', url: 'https://tool.example.com/things/1', state: 'new' })
    expect(api.calls.at(-1)?.body).toEqual({ title: 'Slow', ref: keyOf(1) })
  })

  test.each(['Slow', '{"title":"x","admin":true}'])('are opened with the text body %j as JSON', async (title) => {
    await openTicket.run(provider, ticketClient({ open: { ...tickets.open, body: 'input.title' } }), { title })
    expect(api.calls.at(-1)).toMatchObject({ body: title, headers: { 'content-type': 'application/json' } })
  })

  test('are not reported as updated if the API accepts a state and does not set it', async () => {
    await open()
    const ignored = { update: { ...tickets.update, body: '{title: input.title}' } }
    expect(await update({ state: 'In Progress' })).toMatchObject({ data: { state: 'In Progress' } })
    for (const state of ['in_progress', 'open'])
      expect(await update({ state }, ignored)).toMatchObject({ data: { state: 'In Progress' } })
    const took = 'HTTP API accepted the update, but the ticket T-1 is In Progress'
    await expectFailure(update({ state: 'waiting' }, ignored), 'refused', `${took}, not waiting.`)
    await expectFailure(
      update({ state: 'closed' }, ignored),
      'refused',
      `${took}, which does not count as closed. `,
      'ticket.state of the connection finds In Progress,',
      `ticket.closed of the connection finds false in {"id":1,`,
    )
  })

  const wrong = [{ welcome: 'Something else' }, { items: 'none' }, '']
  test.each(wrong)('are not opened again if a retry cannot search for the first: %j', async (body) => {
    api.failNext(200, body, { on: 'GET' })
    const words = 'It is unknown whether an earlier attempt created something'
    await expectFailure(open({}, { isRetry: true }), 'platform', words)
    expect(api.things).toHaveLength(0)
  })

  test('are opened once with an idempotency header', async () => {
    const more = { find: undefined, idempotencyHeader: 'Idempotency-Key' }
    api.loseNext('POST')
    expect(await failureOf(open(more))).toMatchObject({ transient: true })
    await open(more, { isRetry: true })
    expect(api.things).toHaveLength(1)
  })

  test('have an unknown outcome without find and an idempotency header', async () => {
    api.loseNext('POST')
    await expectFailure(open({ find: undefined }), 'unconfirmed', 'It is unknown whether the ticket was opened')
    await expectFailure(open({ find: undefined }, { isRetry: true }), 'unconfirmed')
    expect(api.things).toHaveLength(1)
  })

  test('have an unknown outcome of a repeated comment without hasComment', async () => {
    await open()
    await expectFailure(update({ comment: 'x' }, {}, { isRetry: true }), 'unconfirmed')
  })

  const shows = (more: object) => ({ ticket: { ...tickets.ticket, ...more } })
  test.each([
    [shows({ id: 'response.nr' }), 'misconfigured', 'ticket.id of the connection finds nothing'],
    [shows({ closed: "abs('x')" }), 'misconfigured', 'ticket.closed of the connection does not fit {"id":1'],
    [{ get: { path: 'things/{input.project}' } }, 'refused', 'get.path of the connection needs input.project'],
  ] as const)('report an expression that finds nothing that it can use: %j', async (more, kind, words) => {
    await open()
    await expectFailure(close(more), kind, words)
  })

  test.each([
    ['update', () => update({ state: 'x' }, { update: undefined })],
    ['comment', () => update({ comment: 'x' }, { comment: undefined })],
    ['close', () => close({ close: undefined })],
  ])('report an action without a request in the connection as misconfigured: %s', async (name, act) => {
    await open()
    await expectFailure(act(), 'misconfigured', `The connection has no "${name}"`)
  })
})

const jobs = {
  start: { path: 'things', body: '{title: input.target, args: input.parameters, ref: key}', at: 'response.result' },
  look: { path: 'things/{input.id}', at: 'response.result' },
  stop: { path: 'things/{input.id}/end' },
  find: { path: 'things', query: { ref: 'key' }, at: 'response.items[0]' },
  run: {
    id: 'response.id',
    url: 'response.links.html',
    state: 'response.state',
    step: 'response.step',
    reason: 'response.why',
    output: 'response.output',
  },
  states: { new: 'running', done: 'pass', broken: 'fail' } as const,
}
const actions = { start: startJob({ summary: 'Starts', silent: 'answers' }), stop: stopJob({ summary: 'Stops' }) }
const run = { target: 'nightly', parameters: { size: 3 } }
const platform: JobPlatform<AnyApi> = {
  known: 'look-up',
  stops: 'succeeded',
  starts: /^POST \/things$/,
  async start() {
    const server = await startAnyApi()
    const { things } = server
    const enter = (state: string) => Object.assign(things.at(-1) ?? {}, { state })
    return {
      server,
      connection: { ...common(server), ...jobs },
      input: run,
      enter,
      runs: () => things.length,
      id: () => String(things.at(-1)?.id),
      hasStarted: () => undefined,
      end: () => enter('done'),
      hasStopped: () => things.at(-1)?.['state'] === 'done',
    }
  },
}
const change = (fields: object) => (server: AnyApi) => Object.assign(server.things[0] ?? {}, fields)
describe('HTTP API: jobs', () => {
  const header = { find: undefined, idempotencyHeader: 'Idempotency-Key' }
  const { server, connected } = jobConformance(httpJob, actions, platform, {
    states: { running: ['new'], pass: ['done'], fail: ['broken'] },
    unknownStates: ['napping'],
    url: 'https://tool.example.com/things/1',
    sends: [
      { name: 'the body of the connection', request: { body: { title: 'nightly', args: { size: 3 }, ref: keyOf(1) } } },
    ],
    reports: [
      { name: 'its step', change: change({ step: '2 of 3' }), reported: { status: 'new', progress: '2 of 3' } },
      {
        name: 'why it failed',
        change: change({ state: 'broken', why: 'no disk' }),
        reported: { message: expect.stringContaining('no disk') },
      },
    ],
    found: [{ name: 'if the connection has an idempotency header', change: () => {}, connection: header }],
    lost: [{ name: 'without find and an idempotency header', change: () => {}, connection: { find: undefined } }],
    measures: { end: change({ state: 'done', output: { p95: 7 } }), metrics: { p95: 7 } },
    check: ['GET /me'],
    refusal,
  })

  test('that have ended report no step', async () => {
    const { outcome } = await connected().start(run)
    change({ state: 'done' })(server)
    const { message } = await connected().end({ type: 'started', outcome, job: { id: '1' } }, run)
    expect(message).toBe('Run 1 ended as done')
  })

  test('are named in notifications by their id, or by what the connection says', async () => {
    expect(await connected().start(run)).toMatchObject({ job: { id: '1' }, wakeId: '1' })
    const withId = connected({ wake: { id: "join('-', ['build', to_string(response.id)])" } })
    expect(await withId.start(run)).toMatchObject({ job: { id: '1' }, wakeId: 'build-1' })
  })

  test('roll back with the request of the connection, which a repeat does not send again', async () => {
    const rollback = { path: 'things', body: '{title: input.target, back: input.ref, ref: key}', at: 'response.result' }
    const back = new Job(httpJob, { start: rollbackJob({ summary: 'Goes back' }), stop: actions.stop }, () => ({
      ...common(server),
      ...jobs,
      rollback,
    }))
    server.loseNext('POST')
    await failureOf(back.start({ target: 'shop', ref: '7' }))
    const started = await back.start({ target: 'shop', ref: '7' }, { isRetry: true })
    expect(server.things).toMatchObject([{ title: 'shop', back: '7', ref: keyOf(1) }])
    change({ state: 'done' })(server)
    expect(await back.end(started, { target: 'shop' })).toMatchObject({ message: 'Rollback 1 ended as done' })
  })

  test('roll back only if the connection has "rollback"', async () => {
    const values = () => ({ ...common(server), ...jobs })
    const back = new Job(httpJob, { start: rollbackJob({ summary: 'Goes back' }), stop: actions.stop }, values)
    await expectFailure(back.start({ target: 'shop' }), 'invalid', 'The connection has no "rollback"')
  })

  test('are stopped only if the connection has "stop"', async () => {
    const without = connected({ stop: undefined }).client()
    await expectFailure(httpJob.stop(without, { id: '1' }), 'misconfigured')
    const check = () => httpJob.checkStart({ ...run, onDeadline: 'stop' }, without.connection)
    expect(check).toThrow('must be leave, because the connection has no "stop"')
  })

  test('are read and stopped below the target and project of their start', async () => {
    const path = '{input.project}/{input.target}/{input.id}'
    const more = { look: { path }, stop: { path: `${path}/stop` } }
    const started = await connected(more).start({ ...run, project: 'shop' })
    await failureOf(connected(more).poll(structuredClone(started), run))
    await failureOf(connected(more).stopAtDeadline(started, run))
    // The action that stops a run by its id knows only the defaults.
    await failureOf(connected({ ...more, target: 'weekly' }).stop({ id: '9', project: 'shop' }))
    const expected = ['/shop/nightly/1', '/shop/nightly/1/stop', '/shop/weekly/9']
    expect(server.calls.slice(-3).map((call) => call.path)).toEqual(expected)
  })

  test('of chaos tests run only the allowed targets', () => {
    const connection = experiment.connection.parse({ ...common(), ...jobs, allow: 'nightly*' })
    const check = (target: string) => () => experiment.checkStart({ ...run, target }, connection)
    expect(check('everything')).toThrow('outside the blast radius')
    expect(check('nightly-2')).not.toThrow()
    expect(() => experiment.connection.parse({ ...common(), ...jobs })).toThrow()
  })
})

const flags = {
  environment: 'production',
  get: { path: 'things/{input.flag}', at: 'response.result' },
  set: { method: 'PATCH', path: 'things/{input.flag}', body: '{enabled: input.on, share: input.percentage}' },
  flag: { on: 'response.enabled', percentage: 'response.share', url: 'response.links.html' },
}

flagConformance(
  httpFlag as never,
  {
    async start() {
      const server = await startAnyApi()
      server.things.push({ id: 1, flag: 'promo', enabled: false }, { id: 2, flag: 'search', enabled: true })
      return { server, connection: { ...common(server), ...flags } }
    },
    flags: { off: 'promo', on: 'search' },
  },
  { refusal, anyEnvironment: true },
)

describe('HTTP API: feature flags', () => {
  const client = () => clientOf(httpFlag, httpFlag.connection.parse({ ...common(), ...flags }))
  const unset = { project: undefined, comment: undefined }

  test('are set to a percentage', async () => {
    api.things.push({ id: 1, flag: 'promo', enabled: false, share: 0 })
    const changes = [{ flag: 'promo', on: true, percentage: 25 }]
    const asked = { ...unset, environment: 'production', isSingle: true, changes }
    const done = await setFlag.run(httpFlag as never, client(), asked)
    expect(done).toMatchObject({ outcome: { result: 'pass' } })
    expect(api.things[0]).toMatchObject({ enabled: true, share: 25 })
  })

  test('report a state other than true or false as misconfigured', async () => {
    api.things.push({ id: 1, flag: 'promo', enabled: 'perhaps' })
    const words = 'flag.on of the connection must find true or false, but finds perhaps in '
    await expectFailure(httpFlag.get(client(), { ...unset, environment: 'x' }, 'promo'), 'misconfigured', words)
  })
})

const post = {
  path: 'things',
  body: "{title: message.title, emoji: message.mood=='good' && ':tada:' || ':x:', link: decisionUrl, ref: key}",
  at: 'response.result',
}
messageConformance(httpMessage, {
  start: startAnyApi,
  connection: (server) => ({ ...common(server), post, posted: { id: 'response.key' } }),
  refusal,
  visible: ({ things }) => things.length,
  repeats: true,
})

describe('HTTP API: messages', () => {
  const message: Message = { mood: 'good', title: 'Deployed', text: 'All is well', fields: [], links: [] }
  const client = (more: object = {}) =>
    clientOf(httpMessage, httpMessage.connection.parse({ ...common(), post, ...more }))

  test('are posted with the body of the connection', async () => {
    const posted = { id: 'response.key', url: 'response.links.html' }
    const shown = { id: 'T-1', url: 'https://tool.example.com/things/1' }
    expect(await httpMessage.post(client({ posted }), undefined, message)).toEqual(shown)
    expect(api.things[0]).toMatchObject({ title: 'Deployed', emoji: ':tada:', ref: keyOf(1) })
    expect(api.things[0]?.['link'] ?? null).toBeNull()
    expect(await httpMessage.post(client(), undefined, message)).toEqual({ id: undefined, url: undefined })
  })

  describe('with an approval', () => {
    const url = 'https://webhooks.example.com/v1/notification/approvals/reference'
    const buttons = [{ decision: 'approve' as const, label: 'Approve', token: 'reference', url }]
    const send = (body: string) => {
      const posting = client({ post: { path: 'things', body: `{title: ${body}}` } })
      return httpMessage.post(posting, undefined, { ...message, buttons })
    }

    const shown = ['decisionUrl', 'decisionUrl || message.links[0].url', 'message.buttons[0].url', 'to_string(message)']
    test.each(shown)('contain the link with the body %s', async (body) => {
      await send(body)
      expect(JSON.stringify(api.things[0])).toContain(url)
    })

    const hidden = ['message.title', "message.links[0].url || 'none'", "'https://tool.example.com'"]
    test.each(hidden)('are rejected and not posted with the body %s', async (body) => {
      await expectFailure(send(body), 'misconfigured', 'Add decisionUrl to its body')
      expect(api.things).toEqual([])
    })
  })
})

const values = {
  measure: { path: 'values/{query}', query: { from: 'startSeconds', to: 'end' } },
  indicator: { value: 'response.value' },
}
const asking = (query: string) => ({
  timeframe: '5m',
  queries: { it: query },
  thresholds: [{ metric: 'it', op: '<', value: 500 }],
})
evaluationConformance(httpEvaluation as never, {
  async start() {
    const server = await startAnyApi()
    return { server, connection: { ...common(server), ...values }, input: asking('p95') }
  },
  refusal,
})

describe('HTTP API: values', () => {
  const ask = (query: string) => evaluate(httpEvaluation, { ...common(), ...values }, asking(query))

  test.each([
    ['p95', 480],
    ['text', 12.5],
  ])('are judged: %s', async (query, value) => {
    const indicatorResults = [{ value: { value } }]
    expect(await ask(query)).toMatchObject({ result: 'pass', data: { indicatorResults } })
    expect(api.calls.at(-1)?.query.get('from')).toMatch(/^\d{10}$/)
    expect(api.calls.at(-1)?.query.get('to')).toMatch(/^\d{4}-/)
  })

  test('that are missing make the evaluation fail', async () => {
    const { status, message } = await ask('none')
    expect(status).toBe('errored')
    expect(message).toContain('it (the API has no value: indicator.value of the connection finds nothing')
  })

  test('report a refusal with the name of the query', async () => {
    await expectFailure(ask('other'), 'refused', 'The query of it: ', 'no series other')
  })
})

describe('HTTP API: connection', () => {
  test('is tested with its "check" request', async () => {
    await httpTicket.check(ticketClient())
    expect(api.calls).toMatchObject([{ method: 'GET', path: '/me' }])
    await expectFailure((async () => httpTicket.check(ticketClient({ check: undefined })))(), 'misconfigured')
  })

  const path = 'things'
  test.each([
    ...['http://evil.example.com/x', '//evil.example.com/x', '../admin', 'things?all=1'].map((path) => ({
      open: { path },
    })),
    ...[{ body: '{title:' }, { verb: 'POST' }, { body: '{}' }, { body: 'input', form: 'input' }].map((more) => ({
      open: { path, ...more },
    })),
    { ticket: { ...tickets.ticket, id: 'id[' } },
    { find: { path, at: 'response[?ref==key] | [0]' } },
    { find: { path, at: 'response[?contains(text, key)]' } },
  ])('is rejected if it is invalid: %j', (more) => {
    expect(() => httpTicket.connection.parse({ ...common(), ...tickets, ...more })).toThrow()
  })

  test.each<[object, string, string]>([
    [{ open: { path: 'things', body: '{title: input.titel}' } }, 'open.0.body', 'Did you mean input.title?'],
    [{ open: { path: 'things', body: 'inptu.title' } }, 'open.0.body', 'Did you mean input?'],
    [{ open: { path: 'things', body: '{at: event.stag}' } }, 'open.0.body', 'Did you mean event.stage?'],
    [{ open: { path: 'things', body: '{ref: key.id}' } }, 'open.0.body', 'key has no field id. It has no fields.'],
    [{ open: { path: 'things', query: { q: 'response.id' } } }, 'open.0.query.q', 'response, which is not a name here'],
    [{ get: { path: 'things/{input.ID}' } }, 'get.path', 'Did you mean input.id?'],
    [{ get: { path: 'things/{input.id}', at: 'result' } }, 'get.at', 'write response.result'],
    [{ close: { path: 'x', body: 'input.title' } }, 'close.0.body', 'It has id, project, comment, resolution.'],
    [{ update: [{ path: 'x' }, { path: 'y', if: 'input.status' }] }, 'update.1.if', 'Did you mean input.state?'],
    [{ update: { path: 'x', body: 'input.comment' } }, 'update.0.body', 'input has no field comment'],
    [{ ticket: { ...tickets.ticket, id: 'id' } }, 'ticket.id', 'For a field of the response, write response.id.'],
    [{ open: { path: 'x', body: "key && jion('', [key])" } }, 'open.0.body', 'calls jion, which is not a function'],
    [{ error: 'errors[0]' }, 'error', 'write response.errors'],
    [{ login: { path: 'login', body: '{user: user}', token: 'response.id' } }, 'login.body', 'Did you mean username?'],
  ])('is rejected if it reads an unknown name: %j', (more, path, says) => {
    const { error } = httpTicket.connection.safeParse({ ...common(), ...tickets, ...more })
    const expected = [[path, expect.stringContaining(says)]]
    expect(error?.issues.map((issue) => [issue.path.join('.'), issue.message])).toEqual(expected)
  })

  const wrongLink = { post: { path, body: '{a: message.links[0].ulr}' } }
  const wrongTime = { ...values, measure: { path, query: { from: 'startSecond' } } }
  test.each<[string, { connection: z.ZodMiniType }, object, string]>([
    ['a run', httpJob, { ...jobs, look: { path: '{input.parameters}' } }, 'It has id, url, target, project.'],
    ['a message', httpMessage, wrongLink, 'message.links has no field ulr. It has label, url.'],
    ['an evaluation', httpEvaluation, wrongTime, 'Did you mean startSeconds?'],
    ['a flag', httpFlag, { ...flags, get: { path: '{input.name}' } }, 'It has project, environment, flag.'],
  ])('of %s is rejected if it reads an unknown name', (_, { connection }, fields, says) => {
    const { error } = z.safeParse(connection, { ...common(), ...fields })
    expect(error?.issues.map(({ message }) => message)).toEqual([expect.stringContaining(says)])
  })

  test('sends all headers and masks only those with credentials', async () => {
    const headers = { 'X-Api-Key': api.apiKey, 'OCS-APIRequest': 'true', 'Api-Version': '7.1', 'X-Env': 'production' }
    const secretHeaders = { 'X-Team': 'the-secret-team' }
    const values = httpTicket.connection.parse({ ...common(), ...tickets, headers, secretHeaders })
    expect(secretsIn(httpTicket.connection, values)).toEqual([api.token, api.apiKey, 'the-secret-team'])
    await openTicket.run(provider, clientOf(httpTicket, values), { ...problem, title: 'production is slow' })
    const sent = { 'ocs-apirequest': 'true', 'api-version': '7.1', 'x-env': 'production', 'x-team': 'the-secret-team' }
    expect(api.calls.at(-1)?.headers).toMatchObject(sent)
    expect(redact('production is slow, says the-secret-team')).toBe('production is slow, says ***')
  })

  test('rejects a credential that is too short to mask and names its header', () => {
    const parsed = httpTicket.connection.safeParse({ ...common(), ...tickets, headers: { 'X-Api-Key': 'short' } })
    const message = expect.stringMatching(/at least 6 characters/)
    expect(parsed.error?.issues).toMatchObject([{ path: ['headers', 'X-Api-Key'], message }])
  })
})
