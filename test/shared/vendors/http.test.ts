import { describe, expect, test } from '@jest/globals'
import * as z from 'zod/mini'
import { secretsIn } from '../../../shared/fields.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { setFlag } from '../../../shared/providers/set-flags.ts'
import { openTicket } from '../../../shared/providers/ticket-actions.ts'
import { redact } from '../../../shared/redact.ts'
import { httpEvaluation } from '../../../shared/vendors/http/evaluation.ts'
import { httpFlag } from '../../../shared/vendors/http/flag.ts'
import { httpJob } from '../../../shared/vendors/http/job.ts'
import { httpMessage } from '../../../shared/vendors/http/message.ts'
import { httpTicket } from '../../../shared/vendors/http/ticket.ts'
import { evaluationConformance } from '../../conformance/evaluation.ts'
import { flagConformance } from '../../conformance/flag.ts'
import { messageConformance } from '../../conformance/message.ts'
import { clientOf, expectFailure, keyOf } from '../../functions/helpers.ts'
import { evaluate } from '../../functions/slo/drive.ts'
import { startAnyApi } from '../../platforms/any-api.ts'
import { api, common, flags, jobs, problem, refusal, ticketClient, tickets, values } from './http-connections.ts'

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
  lacksNeeds: true,
})

describe('With an idempotency header', () => {
  messageConformance(httpMessage, {
    start: startAnyApi,
    connection: (server) => ({ ...common(server), post, idempotencyHeader: 'Idempotency-Key' }),
    refusal,
    visible: ({ things }) => things.length,
  })
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
    await openTicket.run(httpTicket as never, clientOf(httpTicket, values), { ...problem, title: 'production is slow' })
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
