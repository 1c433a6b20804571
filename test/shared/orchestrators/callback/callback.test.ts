import { describe, expect, it } from '@jest/globals'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { type Call, requestLine } from '../../../../infra/testing/loopback-server.ts'
import { callbackSecret } from '../../../../shared/orchestrators/callback/callback.ts'
import { signatureHeaders } from '../../../../shared/orchestrators/callback/signature.ts'
import type { Answer, AnsweredTask } from '../../../../shared/orchestrators/orchestrator.ts'
import { errored, type Outcome, passed } from '../../../../shared/outcome.ts'
import { orchestratorConformance } from '../../../conformance/orchestrator.ts'
import cdEvents from '../../../fixtures/cdevents.schemas.json' with { type: 'json' }
import { cloudEventOf, OTHER_SIGNING_KEY, SIGNING_KEY, startReceiver } from './receiver.ts'

const SECRET_PART = 'f3b1c0ffee5ec2e7a9d8'
async function start() {
  const server = await startReceiver()
  return {
    server,
    settings: {
      url: `${server.url}/hooks/${SECRET_PART}`,
      signingKey: SIGNING_KEY,
      events: ['started', 'progress', 'finished'],
    },
    secrets: [SIGNING_KEY, SECRET_PART],
    reset: () => server.reset(),
    kindOf: ({ headers }: Call) =>
      /-(started|progress|finished)/.exec(String(headers['webhook-id']))?.[1] as Answer['kind'] | undefined,
    identityOf: ({ headers }: Call) => String(headers['webhook-id']),
  }
}
const {
  server: receiver,
  connect,
  task,
} = orchestratorConformance('callback', {
  start,
  body: { id: 'run-42', context: 'release-7', data: { stage: 'staging' } },
  required: ['id'],
  sends: ['started', 'progress', 'finished'],
  check: [`OPTIONS /hooks/${SECRET_PART}`],
  failedChecks: [
    { settings: {}, failure: { kind: 'platform' }, change: (server) => server.failNext(502) },
    { settings: {}, failure: { kind: 'platform' }, change: (server) => server.failNext(503) },
    { settings: {}, failure: { kind: 'credentials' }, change: (server) => server.failNext(401) },
    { settings: { url: undefined, allow: ['http://127.0.0.1:9/'] }, failure: { kind: 'platform' } },
    { settings: { format: 'plain', body: 'nothing(' }, failure: { kind: 'misconfigured' } },
  ],
  invalidSettings: [
    { settings: { url: undefined }, problem: 'must have url, allow or both' },
    { settings: { signingKey: undefined }, problem: 'must have signingKey unless format is plain' },
    { settings: { signingKey: 'secret-of-the-receiver' }, problem: 'signingKey must be whsec_' },
    { settings: { allow: ['https://ci.example.com/hooks'] }, problem: 'allow.0 must end with a slash' },
    { settings: { allow: ['https://ci.example.com/hooks?x=/'] }, problem: 'allow.0 must end with a slash' },
    { settings: { allow: ['file:///etc/'] }, problem: 'allow.0' },
    { settings: { events: ['started'] }, problem: 'events must include finished' },
    { settings: { format: 'cdevents', body: 'result' }, problem: 'must not have body' },
  ],
})

const run = 'https://k6.example.com/runs/7'
const outcome = passed('Passed: 0 errors', { id: '7', url: run }, { k6: run })
const at = Date.UTC(2026, 10, 27, 1, 2, 3)
const finished = (of: Outcome = outcome): Answer => ({ kind: 'finished', outcome: of, at })

/** Sends an answer and returns the request that the receiver got. */
async function send(settings: object, answer: Answer, change: Partial<AnsweredTask> = {}): Promise<Call> {
  expect(await connect({ events: undefined, ...settings }).send({ ...task(), ...change }, answer, 0)).toBe('sent')
  const call = receiver.calls.at(-1)
  if (!call) throw new Error('The receiver got no request.')
  return call
}

describe('A signature', () => {
  it('is that of the vector of Standard Webhooks', () => {
    const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
    expect(signatureHeaders([SIGNING_KEY], id, 1_614_265_330_000, '{"test": 2432232314}')).toEqual({
      'webhook-id': id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  it.each([[[SIGNING_KEY]], [[OTHER_SIGNING_KEY]]])('is accepted by the library with either key (%#)', async (keys) => {
    receiver.keys = keys
    await send({ signingKey: OTHER_SIGNING_KEY, previousSigningKey: SIGNING_KEY }, finished(passed('Grüße 🎉')))
    expect(receiver.accepted).toHaveLength(1)
  })
})

describe('The format standard', () => {
  it('has the type, the time and the result', async () => {
    const { headers, body } = await send({}, finished())
    expect(headers['content-type']).toBe('application/json')
    expect(body).toEqual({
      type: 'task.finished',
      timestamp: '2026-11-27T01:02:03.000Z',
      data: {
        taskId: task().id,
        id: 'run-42',
        caller: 'demo',
        category: 'load-testing',
        action: 'start-test',
        context: 'release-7',
        stage: 'staging',
        verdict: 'pass',
        ...outcome,
        statusUrl: `https://webhooks.example.com/v1/load-testing/tasks/${task().id}`,
      },
    })
  })
})

describe('The format plain', () => {
  it('is the result, with the configured headers only', async () => {
    receiver.keys = []
    const headers = { authorization: 'Bearer token-of-the-receiver' }
    const call = await send({ format: 'plain', signingKey: undefined, headers, method: 'PUT' }, finished())
    expect(call.method).toBe('PUT')
    expect(call.headers).toMatchObject(headers)
    expect(Object.keys(call.headers).filter((name) => name.startsWith('webhook-'))).toEqual([])
    expect(call.body).toMatchObject({ taskId: task().id, verdict: 'pass', message: outcome.message })
  })

  it('can be replaced by an expression', async () => {
    const body = "{input: {approved: result == 'pass', link: links.k6}}"
    expect((await send({ format: 'plain', body }, finished())).body).toEqual({
      input: { approved: true, link: run },
    })
  })

  it('reports an expression that cannot be evaluated', async () => {
    const sent = connect({ format: 'plain', body: 'nothing(' }).send(task(), finished(), 0)
    await expect(sent).rejects.toMatchObject({ kind: 'misconfigured' })
  })
})

describe('The format cloudevents', () => {
  it.each(['started', 'progress', 'finished'] as const)('is accepted by the SDK: %s', async (kind) => {
    const answer: Answer = kind === 'finished' ? finished() : { kind, message: 'stage 2 of 4' }
    const settings = { format: 'cloudevents', events: ['started', 'progress', 'finished'] }
    expect(cloudEventOf(await send(settings, answer))).toMatchObject({
      id: expect.stringMatching(new RegExp(`^${task().id}-${kind}`)),
      source: '/cloud-automation-webhooks/load-testing',
      type: `io.github.cloud-automation-webhooks.task.${kind}.v1`,
      subject: 'release-7',
      data: { taskId: task().id, verdict: kind === 'finished' ? 'pass' : 'running' },
    })
  })
})

describe('The format cdevents', () => {
  const ajv = new Ajv2020({ strict: false, schemas: Object.values(cdEvents.links) })
  formats.default(ajv)
  const schemas: object[] = Object.values(cdEvents.schemas)

  /** Returns the type of an event that is valid by the schema of its type. */
  function validated(call: Call): string {
    const event = cloudEventOf(call)
    const schema = schemas.find((one) => JSON.stringify(one).includes(`"${event.type}"`))
    if (!schema) throw new Error(`There is no schema of ${event.type}.`)
    ajv.validate(schema, event.data)
    expect(ajv.errors ?? []).toEqual([])
    expect(event.data).toMatchObject({
      context: { id: event.id, source: event.source, type: event.type, timestamp: event.time, chainId: 'release-7' },
      subject: { id: event.subject },
      customData: { taskId: task().id },
    })
    return event.type.replace('dev.cdevents.', '')
  }

  const ticket = passed('Opened issue 7', { id: '7', number: '7', url: 'https://github.com/o/r/issues/7' })
  const failed: Outcome = { ...outcome, result: 'fail' }
  it.each([
    ['start-test', {}, outcome, 'testsuiterun.finished.0.3.0'],
    ['start-test', {}, failed, 'testsuiterun.finished.0.3.0'],
    ['start-test', {}, errored(new Error('x')), 'testsuiterun.finished.0.3.0'],
    ['start-test', { stage: undefined }, outcome, 'taskrun.finished.0.3.0'],
    ['open-issue', {}, ticket, 'ticket.created.0.2.0'],
    ['update-ticket', {}, ticket, 'ticket.updated.0.2.0'],
    ['close-issue', {}, ticket, 'ticket.closed.0.2.0'],
    ['open-issue', {}, failed, 'taskrun.finished.0.3.0'],
    ['open-issue', {}, passed('Nothing to do'), 'taskrun.finished.0.3.0'],
    ['trigger-build', {}, outcome, 'build.finished.0.3.0'],
    ['trigger-build', {}, failed, 'taskrun.finished.0.3.0'],
    ['trigger-deployment', {}, { ...failed, status: 'aborted' as const }, 'taskrun.finished.0.3.0'],
  ])('of %s is valid (%#)', async (action, change, result, type) => {
    const origin = { ...task().origin, ...change }
    expect(validated(await send({ format: 'cdevents' }, finished(result), { action, origin }))).toBe(type)
  })

  it.each([
    ['start-test', 'testsuiterun.started.0.3.0'],
    ['trigger-build', 'build.started.0.3.0'],
    ['open-issue', 'taskrun.started.0.3.0'],
  ])('of a started %s is valid', async (action, type) => {
    const settings = { format: 'cdevents', events: ['started', 'finished'] }
    expect(validated(await send(settings, { kind: 'started' }, { action }))).toBe(type)
  })
})

describe('The secret', () => {
  it('accepts lists as text, as the CLI reads them', () => {
    const { allow, events } = callbackSecret.parse({
      type: 'callback',
      signingKey: SIGNING_KEY,
      allow: 'https://a.example.com/x/, http://b.example.com/',
      events: 'started,finished',
    })
    expect(allow).toEqual(['https://a.example.com/x/', 'http://b.example.com/'])
    expect(events).toEqual(['started', 'finished'])
  })
})

it('The connection test reaches the fixed URL and each prefix', async () => {
  await connect({ allow: [`${receiver.url}/wait/`] }).check()
  expect(receiver.calls.map(requestLine)).toEqual([`OPTIONS /hooks/${SECRET_PART}`, 'OPTIONS /wait/'])
})
