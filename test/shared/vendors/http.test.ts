import { describe, expect, test } from '@jest/globals'
import * as z from 'zod/mini'
import { http as experiment } from '../../../functions/chaos-testing/providers/http.ts'
import { startAnyApi } from '../../../infra/platforms/any-api.ts'
import { Failure } from '../../../shared/errors.ts'
import { secretsIn } from '../../../shared/fields.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { setFlag } from '../../../shared/providers/set-flags.ts'
import { startJob } from '../../../shared/providers/start-job.ts'
import { stopJob } from '../../../shared/providers/stop-job.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { redact } from '../../../shared/redact.ts'
import { httpEvaluation } from '../../../shared/vendors/http/evaluation.ts'
import { httpFlag } from '../../../shared/vendors/http/flag.ts'
import { httpJob } from '../../../shared/vendors/http/job.ts'
import { httpMessage } from '../../../shared/vendors/http/message.ts'
import { httpTicket } from '../../../shared/vendors/http/ticket.ts'
import { clientOf, expectFailure, failureOf, keyOf, startEach } from '../../functions/helpers.ts'
import { evaluate } from '../../functions/slo/drive.ts'

const api = startEach(startAnyApi)

const common = () => ({
  baseUrl: api.url,
  token: api.token,
  headers: { 'X-Api-Key': api.apiKey },
  check: { path: 'me' },
})
type Options = Parameters<typeof clientOf>[2]

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
    ...{ id: 'response.id', number: 'response.key', url: 'response.links.html' },
    ...{ state: 'response.state', closed: "response.state=='done'" },
  },
}
const ticketClient = (more: object = {}, options: Options = {}) =>
  clientOf(httpTicket, httpTicket.connection.parse({ ...common(), ...tickets, ...more }), options)
const problem = { title: 'Checkout is slow', description: '2 s', project: 'shop' }
const provider = httpTicket as never

describe('HTTP API: tickets', () => {
  test('are opened with the body of the connection, without missing fields', async () => {
    expect(await openTicket.run(provider, ticketClient(), { title: 'Slow' })).toMatchObject({
      message: 'Opened ticket T-1',
      data: { id: '1', number: 'T-1', url: 'https://tool.example.com/things/1', state: 'new' },
    })
    expect(api.calls.at(-1)?.body).toEqual({ title: 'Slow', ref: keyOf(1) })
  })

  test('are opened with a text body as JSON, even if the text contains JSON', async () => {
    const open = { ...tickets.open, body: 'input.title' }
    for (const title of ['Slow', '{"title":"x","admin":true}']) {
      await openTicket.run(provider, ticketClient({ open }), { title })
      expect(api.calls.at(-1)).toMatchObject({ body: title, headers: { 'content-type': 'application/json' } })
    }
  })

  test('are not reported as updated if the API accepts a state and does not set it', async () => {
    await openTicket.run(provider, ticketClient(), problem)
    const change = (state: string, update: object = tickets.update) =>
      updateTicket.run(provider, ticketClient({ update }), { id: '1', state })
    expect(await change('In Progress')).toMatchObject({ data: { state: 'In Progress' } })
    const ignored = { ...tickets.update, body: '{title: input.title}' }
    expect(await change('in_progress', ignored)).toMatchObject({ data: { state: 'In Progress' } })
    expect(await change('open', ignored)).toMatchObject({ data: { state: 'In Progress' } })
    const took = 'HTTP API accepted the update, but the ticket T-1 is'
    await expectFailure(change('waiting', ignored), 'refused', `${took} In Progress, not waiting.`)
    expect((await failureOf(change('closed', ignored))).message).toBe(
      `${took} In Progress, which does not count as closed.`,
    )
  })

  test('are opened once: a retry finds the first', async () => {
    api.loseNext('POST')
    expect(await failureOf(openTicket.run(provider, ticketClient(), problem))).toMatchObject({ transient: true })
    const again = await openTicket.run(provider, ticketClient({}, { isRetry: true }), problem)
    expect(again.message).toBe('Found ticket T-1, opened by an earlier attempt')
    expect(api.things).toHaveLength(1)
  })

  test('are not opened again if a retry cannot search for the first', async () => {
    for (const body of [{ welcome: 'Something else' }, { items: 'none' }, '']) {
      api.failNext(200, body, { on: 'GET' })
      const words = 'It is unknown whether an earlier attempt created something'
      await expectFailure(openTicket.run(provider, ticketClient({}, { isRetry: true }), problem), 'platform', words)
    }
    expect(api.things).toHaveLength(0)
    await openTicket.run(provider, ticketClient({}, { isRetry: true }), problem)
    expect(api.things).toHaveLength(1)
  })

  test('are opened once with an idempotency header', async () => {
    const more = { find: undefined, idempotencyHeader: 'Idempotency-Key' }
    api.loseNext('POST')
    expect(await failureOf(openTicket.run(provider, ticketClient(more), problem))).toMatchObject({ transient: true })
    await openTicket.run(provider, ticketClient(more, { isRetry: true }), problem)
    expect(api.things).toHaveLength(1)
  })

  test('have an unknown outcome without find and an idempotency header', async () => {
    api.loseNext('POST')
    const failure = await failureOf(openTicket.run(provider, ticketClient({ find: undefined }), problem))
    expect(failure).toMatchObject({
      kind: 'doubtful',
      message: expect.stringContaining('It is unknown whether the ticket was opened'),
    })
    const retry = ticketClient({ find: undefined }, { isRetry: true })
    expect(await failureOf(openTicket.run(provider, retry, problem))).toMatchObject({ kind: 'doubtful' })
    expect(api.things).toHaveLength(1)
  })

  test('are updated, commented on and closed', async () => {
    await openTicket.run(provider, ticketClient(), problem)
    const changed = await updateTicket.run(provider, ticketClient(), { id: '1', state: 'open', comment: 'still slow' })
    expect(changed).toMatchObject({ message: 'Updated ticket T-1, now open' })
    expect(api.things[0]).toMatchObject({
      title: 'Checkout is slow',
      state: 'open',
      comments: [{ text: 'still slow' }],
    })
    expect(await closeTicket.run(provider, ticketClient(), { id: '1' })).toMatchObject({
      message: 'Closed ticket T-1 (done)',
    })
    expect(await closeTicket.run(provider, ticketClient(), { id: '1' })).toMatchObject({
      message: 'The ticket T-1 was closed already (done)',
    })
  })

  test('get one comment if the connection has hasComment', async () => {
    const more = { hasComment: { path: 'things/{input.id}/comments', at: "response[?ref=='x'] | [0]" } }
    const hasComment = { path: 'things/{input.id}/comments', at: 'where(response, &ref, key)' }
    await openTicket.run(provider, ticketClient(), problem)
    await updateTicket.run(provider, ticketClient({ hasComment }), { id: '1', comment: 'once' })
    await updateTicket.run(provider, ticketClient({ hasComment }, { isRetry: true }), { id: '1', comment: 'once' })
    expect(api.things[0]?.['comments']).toHaveLength(1)
    await updateTicket.run(provider, ticketClient(more), { id: '1', comment: 'twice' })
    expect(api.things[0]?.['comments']).toHaveLength(2)
    const withoutSearch = ticketClient({}, { isRetry: true })
    expect(await failureOf(updateTicket.run(provider, withoutSearch, { id: '1', comment: 'x' }))).toMatchObject({
      kind: 'doubtful',
    })
  })

  test('report a refusal with the message of the API', async () => {
    const failure = await failureOf(openTicket.run(provider, ticketClient(), { title: 'refuse me' }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('the title is taken') })
  })

  test.each([
    [
      'an expression finds nothing',
      { ticket: { ...tickets.ticket, id: 'response.number' } },
      'misconfigured',
      'ticket.id of the connection, "response.number", finds nothing in the response of the API, which is {"',
    ],
    [
      'an expression does not fit',
      { ticket: { ...tickets.ticket, closed: "starts_with(response.id, 'x')" } },
      'misconfigured',
      'ticket.closed of the connection, "starts_with(response.id, \'x\')", does not fit the response of the API, which is {',
    ],
    [
      'the path needs a missing field',
      { get: { path: 'things/{input.project}' } },
      'refused',
      'get.path of the connection needs input.project',
    ],
  ])('report that %s', async (_, more, kind, says) => {
    await openTicket.run(provider, ticketClient(), problem)
    const failure = await failureOf(closeTicket.run(provider, ticketClient(more), { id: '1' }))
    expect(failure).toMatchObject({ kind, message: expect.stringContaining(says) })
  })

  test('report an action without a request in the connection as misconfigured', async () => {
    await openTicket.run(provider, ticketClient(), problem)
    for (const [name, act] of [
      ['update', () => updateTicket.run(provider, ticketClient({ update: undefined }), { id: '1', state: 'x' })],
      ['comment', () => updateTicket.run(provider, ticketClient({ comment: undefined }), { id: '1', comment: 'x' })],
      ['close', () => closeTicket.run(provider, ticketClient({ close: undefined }), { id: '1' })],
    ] as const) {
      await expectFailure(act(), 'misconfigured', `The connection has no "${name}"`)
    }
  })

  test.each(['../me', '..', '.', 'a/b', 'a?b=c', '1#x', '%2e%2e'])(
    'with the id %j stay in their path segment',
    async (id) => {
      await failureOf(closeTicket.run(provider, ticketClient(), { id }))
      for (const { path } of api.calls) expect(path.startsWith('/things/')).toBe(true)
    },
  )
})

const jobs = {
  start: { path: 'things', body: '{title: input.target, args: input.parameters, ref: key}', at: 'response.result' },
  look: { path: 'things/{input.id}', at: 'response.result' },
  stop: { path: 'things/{input.id}/end' },
  find: { path: 'things', query: { ref: 'key' }, at: 'response.items[0]' },
  run: {
    ...{ id: 'response.id', url: 'response.links.html', state: 'response.state' },
    ...{ step: 'response.step', reason: 'response.why', output: 'response.output' },
  },
  states: { new: 'running', done: 'pass', broken: 'fail' },
}
const start = startJob({ summary: 'Starts', silent: 'answers' })
const cancel = stopJob({ summary: 'Stops' })
const jobClient = (more: object = {}, options: Options = {}) =>
  clientOf(httpJob, httpJob.connection.parse({ ...common(), ...jobs, ...more }), options)
const run = { target: 'nightly', parameters: { size: 3 } }
const job = httpJob as never

describe('HTTP API: jobs', () => {
  test('are started, polled and judged as the connection declares', async () => {
    const started = await start.run(job, jobClient(), run)
    expect(started).toMatchObject({ outcome: { message: 'Started run 1' }, job: { id: '1' } })
    expect(api.things[0]).toMatchObject({ title: 'nightly', args: { size: 3 }, ref: keyOf(1) })
    const { job: state } = started as { job: unknown }
    const getStatus = () =>
      start.job?.getStatus(job, jobClient(), { ...run, thresholds: [{ metric: 'p95', op: '<', value: 5 }] }, state)
    Object.assign(api.things[0] ?? {}, { step: '2 of 3' })
    expect(await getStatus()).toMatchObject({ status: 'new', progress: '2 of 3' })
    Object.assign(api.things[0] ?? {}, { state: 'done', output: { p95: 7 } })
    expect(await getStatus()).toMatchObject({
      outcome: {
        status: 'succeeded',
        result: 'fail',
        message: 'Run 1 ended as done: p95 is 7, not < 5',
        data: { p95: 7 },
      },
    })
    Object.assign(api.things[0] ?? {}, { state: 'broken', why: 'out of memory' })
    expect(await getStatus()).toMatchObject({
      outcome: { result: 'fail', message: expect.stringContaining('out of memory') },
    })
    Object.assign(api.things[0] ?? {}, { state: 'napping' })
    expect(await getStatus()).toMatchObject({ status: 'napping (unknown state)' })
  })

  test.each([
    ['finds the first', {}],
    ['has an idempotency header', { find: undefined, idempotencyHeader: 'Idempotency-Key' }],
  ])('are started once if a retry %s', async (_, more) => {
    api.loseNext('POST')
    expect(await failureOf(start.run(job, jobClient(more), run))).toMatchObject({ transient: true })
    await start.run(job, jobClient(more, { isRetry: true }), run)
    expect(api.things).toHaveLength(1)
  })

  test('have an unknown outcome without find and an idempotency header (start)', async () => {
    api.loseNext('POST')
    expect(await failureOf(start.run(job, jobClient({ find: undefined }), run))).toMatchObject({ kind: 'doubtful' })
  })

  test('are stopped if the connection has "stop"', async () => {
    const { job: state } = (await start.run(job, jobClient(), run)) as { job: unknown }
    await start.job?.stop(job, jobClient(), run, state)
    expect(api.things[0]?.['state']).toBe('done')
    expect(await failureOf(httpJob.stop(jobClient({ stop: undefined }), { id: '1' }))).toMatchObject({
      kind: 'misconfigured',
    })
    expect(() => httpJob.checkStart({ ...run, onDeadline: 'stop' }, jobClient({ stop: undefined }).connection)).toThrow(
      'must be leave, because the connection has no "stop"',
    )
  })

  test('are read and stopped below the target and project of their start', async () => {
    const more = {
      look: { path: '{input.project}/{input.target}/{input.id}' },
      stop: { path: '{input.project}/{input.target}/{input.id}/stop' },
    }
    const { job: state } = (await start.run(job, jobClient(more), { ...run, project: 'shop' })) as { job: unknown }
    await failureOf(Promise.resolve(start.job?.getStatus(job, jobClient(more), run, JSON.parse(JSON.stringify(state)))))
    await failureOf(Promise.resolve(start.job?.stop(job, jobClient(more), run, state)))
    // The action that stops a run by its id knows only the defaults.
    const defaults = { ...more, target: 'weekly' }
    await failureOf(cancel.run(job, jobClient(defaults), { id: '9', project: 'shop' }) as Promise<unknown>)
    expect(api.calls.slice(-3).map(({ path }) => path)).toEqual([
      '/shop/nightly/1',
      '/shop/nightly/1/stop',
      '/shop/weekly/9',
    ])
  })

  test('of chaos tests run only the allowed targets', () => {
    const connection = experiment.connection.parse({ ...common(), ...jobs, allow: 'nightly*' })
    expect(() => experiment.checkStart({ ...run, target: 'everything' }, connection)).toThrow(
      'outside the blast radius',
    )
    expect(() => experiment.checkStart({ ...run, target: 'nightly-2' }, connection)).not.toThrow()
    expect(() => experiment.connection.parse({ ...common(), ...jobs })).toThrow()
  })
})

describe('HTTP API: feature flags', () => {
  const flags = {
    ...{ environment: 'production' },
    get: { path: 'things/{input.flag}', at: 'response.result' },
    set: { method: 'PATCH', path: 'things/{input.flag}', body: '{enabled: input.on, share: input.percentage}' },
    flag: { on: 'response.enabled', percentage: 'response.share', url: 'response.links.html' },
  }
  const client = (more: object = {}) =>
    clientOf(httpFlag, httpFlag.connection.parse({ ...common(), ...flags, ...more }))
  const change = (on: boolean) => ({
    ...{ environment: 'production', project: undefined, comment: undefined, single: true },
    changes: [{ flag: 'promo', on, percentage: 25 }],
  })

  test('are set and read back', async () => {
    api.things.push({ id: 1, flag: 'promo', enabled: false, share: 0 })
    const { outcome } = await setFlag.run(httpFlag as never, client(), change(true) as never)
    expect(outcome).toMatchObject({ result: 'pass' })
    expect(api.things[0]).toMatchObject({ enabled: true, share: 25 })
  })

  test('report a state other than true or false as misconfigured', async () => {
    api.things.push({ id: 1, flag: 'promo', enabled: 'perhaps' })
    const failure = await failureOf(httpFlag.get(client(), { project: undefined, environment: 'x' }, 'promo'))
    expect(failure).toMatchObject({
      kind: 'misconfigured',
      message: expect.stringMatching(
        /^flag.on of the connection, "response.enabled", must find true or false, but finds perhaps in .*\{.*enabled/,
      ),
    })
  })
})

describe('HTTP API: messages', () => {
  const message: Message = { mood: 'good', title: 'Deployed', text: 'All is well', fields: [], links: [] }
  const post = {
    path: 'things',
    body: "{title: message.title, emoji: message.mood=='good' && ':tada:' || ':x:', ref: key}",
    at: 'response.result',
  }
  const client = (more: object = {}) =>
    clientOf(httpMessage, httpMessage.connection.parse({ ...common(), post, ...more }))

  test('are posted with the body of the connection', async () => {
    const posted = { id: 'response.key', url: 'response.links.html' }
    expect(await httpMessage.post(client({ posted }), undefined, message)).toEqual({
      id: 'T-1',
      url: 'https://tool.example.com/things/1',
    })
    expect(api.things[0]).toMatchObject({ title: 'Deployed', emoji: ':tada:', ref: keyOf(1) })
    expect(await httpMessage.post(client(), undefined, message)).toEqual({ id: undefined, url: undefined })
  })

  describe('with an approval', () => {
    const url = 'https://webhooks.example.com/v1/notification/approvals/reference'
    const button = { decision: 'approve' as const, label: 'Approve', token: 'reference', url }
    const approval = { ...message, buttons: [button] }
    const post = (body: string) =>
      httpMessage.post(client({ post: { path: 'things', body: `{title: ${body}}` } }), undefined, approval)

    test.each(['decisionUrl', 'decisionUrl || message.links[0].url', 'message.buttons[0].url', 'to_string(message)'])(
      'contain the link with the body %s',
      async (body) => {
        await post(body)
        expect(JSON.stringify(api.things[0])).toContain(url)
      },
    )

    test.each(['message.title', "message.links[0].url || 'none'", "'https://tool.example.com'"])(
      'are rejected and not posted with the body %s',
      async (body) => {
        await expectFailure(post(body), 'misconfigured', 'Add decisionUrl to its body')
        expect(api.things).toEqual([])
      },
    )

    test('are the only messages with a link', async () => {
      const post = { path: 'things', body: '{title: message.title, link: decisionUrl}' }
      await httpMessage.post(client({ post }), undefined, message)
      expect(api.things[0]).toMatchObject({ title: 'Deployed' })
      expect(api.things[0]?.['link'] ?? null).toBeNull()
    })
  })
})

describe('HTTP API: values', () => {
  const connection = (more: object = {}) => ({
    ...common(),
    measure: { path: 'values/{query}', query: { from: 'startSeconds', to: 'end' } },
    indicator: { value: 'response.value' },
    ...more,
  })
  const input = (query: string) => ({
    ...{ timeframe: '5m', queries: { it: query } },
    thresholds: [{ metric: 'it', op: '<', value: 500 }],
  })

  test.each([
    ['p95', 'pass', 480],
    ['text', 'pass', 12.5],
  ])('are judged: %s', async (query, result, value) => {
    expect(await evaluate(httpEvaluation, connection(), input(query))).toMatchObject({
      result,
      data: { indicatorResults: [{ value: { value } }] },
    })
    expect(api.calls.at(-1)?.query.get('from')).toMatch(/^\d{10}$/)
    expect(api.calls.at(-1)?.query.get('to')).toMatch(/^\d{4}-/)
  })

  test('that are missing make the evaluation fail', async () => {
    expect(await evaluate(httpEvaluation, connection(), input('none'))).toMatchObject({
      status: 'errored',
      message: expect.stringContaining('it (the API has no value: indicator.value of the connection, "response.'),
    })
  })

  test('report a refusal with the name of the query', async () => {
    const failure = await failureOf(evaluate(httpEvaluation, connection(), input('other')))
    expect(failure).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^The query of it: .*no series other/),
    })
  })
})

describe('HTTP API: connection', () => {
  test('is tested with its "check" request', async () => {
    await httpTicket.check(ticketClient())
    expect(api.calls).toMatchObject([{ method: 'GET', path: '/me' }])
    expect(await failureOf(Promise.resolve(httpTicket.check(ticketClient({ check: undefined }))))).toMatchObject({
      kind: 'misconfigured',
    })
    expect(await failureOf(Promise.resolve(httpTicket.check(ticketClient({ token: 'another-token' }))))).toMatchObject({
      kind: 'credentials',
    })
  })

  test.each([
    [{ open: { path: 'http://evil.example.com/x' } }],
    [{ open: { path: '//evil.example.com/x' } }],
    [{ open: { path: '../admin' } }],
    [{ open: { path: 'things?all=1' } }],
    [{ open: { path: 'things', body: '{title:' } }],
    [{ open: { path: 'things', verb: 'POST' } }],
    [{ ticket: { ...tickets.ticket, id: 'id[' } }],
    [{ open: { path: 'things', body: '{}' } }],
    [{ open: { path: 'things', body: 'input', form: 'input' } }],
    [{ find: { path: 'things', at: 'response[?ref==key] | [0]' } }],
    [{ find: { path: 'things', at: 'response[?contains(text, key)]' } }],
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
    expect(error?.issues.map((issue) => [issue.path.join('.'), issue.message])).toEqual([
      [path, expect.stringContaining(says)],
    ])
  })

  test.each<[string, z.ZodMiniType, object, string]>([
    [
      'a run',
      httpJob.connection,
      { ...jobs, look: { path: '{input.parameters}' } },
      'input has no field parameters. It has id, url, target, project.',
    ],
    [
      'a message',
      httpMessage.connection,
      { post: { path: 'x', body: '{a: message.links[0].ulr}' } },
      'message.links has no field ulr. It has label, url.',
    ],
    [
      'an evaluation',
      httpEvaluation.connection,
      { measure: { path: 'x', query: { from: 'startSecond' } }, indicator: { value: 'response.value' } },
      'Did you mean startSeconds?',
    ],
    [
      'a flag',
      httpFlag.connection,
      { get: { path: '{input.name}' }, set: { path: '{input.flag}' }, flag: { on: 'response.on' } },
      'input has no field name. It has project, environment, flag.',
    ],
  ])('of %s is rejected if it reads an unknown name', (_, schema, fields, says) => {
    const { error } = z.safeParse(schema, { ...common(), ...fields })
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
    const headers = { 'X-Api-Key': 'short' }
    const parsed = httpTicket.connection.safeParse({ ...common(), ...tickets, headers })
    expect(parsed.error?.issues).toMatchObject([
      { path: ['headers', 'X-Api-Key'], message: expect.stringMatching(/at least 6 characters/) },
    ])
  })

  test('masks its secrets in messages of the API', async () => {
    const values = httpTicket.connection.parse({ ...common(), ...tickets })
    expect(secretsIn(httpTicket.connection, values)).toEqual([api.token, api.apiKey])
    api.failNext(400, { error: { message: `bad ${api.token} and ${api.apiKey}` } })
    const failure = await failureOf(openTicket.run(provider, ticketClient(), problem))
    expect(failure.message).toContain('bad *** and ***')
  })

  test('reports a transient failure if the API is down', async () => {
    api.down()
    for (const promise of [
      openTicket.run(provider, ticketClient(), problem),
      start.run(job, jobClient(), run) as Promise<unknown>,
    ]) {
      const failure = await failureOf(promise)
      expect(failure).toBeInstanceOf(Failure)
      expect(failure.transient).toBe(true)
    }
  })
})
