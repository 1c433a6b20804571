import { createHmac, randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { useLifecycle } from './platform.ts'
import { passTime } from './runner.ts'

const { lifecycle, platform } = useLifecycle()

const KEY = 'a-signing-key-of-the-tests-0123456789'
const WHSEC = Buffer.from('a-standard-signing-key-0123456789')
const OPEN = 'open-ticket?connection=ticket'
const HOUR = 3_600

beforeEach(() => {
  const categories = ['*']
  lifecycle.replace('callers', {
    signer: { categories, hmac: { header: 'x-signature', keys: [KEY] } },
    standard: { categories, standardWebhooks: { keys: [`whsec_${WHSEC.toString('base64')}`] } },
  })
})

const ticket = (fields: object = {}) => JSON.stringify({ input: { title: `Slow ${randomUUID()}` }, ...fields })
const send = (target: string, body: string, { method = 'POST', headers = {} } = {}) => {
  const signature = createHmac('sha256', KEY).update(body).digest('hex')
  return lifecycle.send(method, target, {
    headers: { 'content-type': 'application/json', 'x-signature': signature, ...headers },
    body,
  })
}
const deliver = (target: string, body: string, id: string) => {
  const seconds = Math.floor(Date.now() / 1_000)
  const signature = createHmac('sha256', WHSEC).update(`${id}.${seconds}.${body}`).digest('base64')
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${signature}` }
  return lifecycle.send('POST', target, { headers: { 'content-type': 'application/json', ...headers }, body })
}

describe('A signed call', () => {
  it.each([
    ['of its raw body', send],
    ['of Standard Webhooks', (target: string, body: string) => deliver(target, body, 'msg_1')],
  ])('with a signature %s is the same call when it is sent again', async (_, post) => {
    const body = ticket()
    const first = await post(OPEN, body)
    expect(first).toMatchObject({ status: 200, body: { result: 'pass' } })
    expect(await post(OPEN, body)).toEqual(first)
    expect(platform.tickets).toHaveLength(1)
  })

  it('of Standard Webhooks with another id is another call', async () => {
    const body = ticket()
    for (const id of ['msg_a', 'msg_b']) expect((await deliver(OPEN, body, id)).status).toBe(200)
    expect(platform.tickets).toHaveLength(2)
    const accepted = lifecycle.accepted(await deliver(`${OPEN}&mode=interactive`, body, 'msg_c'))
    expect(accepted.event.id).toBe('msg_c')
  })

  it.each([
    ['another connection', 'start-run?connection=blind'],
    ['another mode', 'start-run?connection=job&mode=interactive'],
    ['another action', 'start-and-leave?connection=job'],
  ])('that was sent once is refused with %s', async (_, target) => {
    const body = ticket({ input: { target: 'deploy' }, id: randomUUID() })
    expect((await send('start-run?connection=job', body)).status).toBe(200)
    const { status, body: problem } = await send(target, body)
    expect([status, problem.detail]).toEqual([403, expect.stringContaining('was sent to testing/start-run')])
    expect(platform.runs).toHaveLength(1)
  })

  it.each([
    ['input.title=Other', 'input.title'],
    ['dryRun=true', 'dryRun'],
    ['key=another', 'key'],
    ['id=another', 'id'],
    ['when=fail', 'when'],
  ])('with ?%s is refused, because the signature does not cover the URL', async (query, path) => {
    expect(await send(`${OPEN}&${query}`, ticket())).toMatchObject({ status: 400, body: { errors: [{ path }] } })
    expect(platform.tickets).toEqual([])
  })

  it.each([
    ['', 'webhook'],
    ['mode=interactive', 'webhook'],
    ['mode=gate', 'svix'],
    ['', 'svix'],
  ])(
    'with ?%s is the same call with another id in a header, which the signature does not cover',
    async (query, vendor) => {
      const body = ticket()
      const target = `${OPEN}&${query}`
      const starts = lifecycle.invocations.length
      for (const id of ['msg_a', 'msg_b', 'msg_c']) {
        const headers = { [`${vendor}-id`]: id, [`${vendor}-signature`]: 'v1,x', [`${vendor}-timestamp`]: '1' }
        expect((await send(target, body, { headers })).status).toBeLessThan(300)
      }
      expect(platform.tickets.length + lifecycle.invocations.length - starts).toBe(1)
    },
  )

  it('gives its orchestrator no header, because the signature covers none', async () => {
    const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
    lifecycle.replace('callers', { signer: { ...callers['signer'], orchestrator: 'azure-devops' } })
    const collections = ['https://dev.azure.com/acme/']
    lifecycle.store('orchestrators/azure-devops', { type: 'azure-devops', collections, token: KEY })
    const headers = { planurl: 'https://dev.azure.com/acme/', projectid: 'p', planid: 'p', timelineid: 't' }
    const { status, body } = await send(`${OPEN}&mode=interactive`, ticket({ id: randomUUID() }), { headers })
    expect([status, body.detail]).toEqual([400, expect.stringContaining('PlanUrl')])
  })

  it('has no address for its answer in a header, which the signature does not cover', async () => {
    const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
    lifecycle.replace('callers', { signer: { ...callers['signer'], orchestrator: 'callback' } })
    const allow = ['https://engine.example.com/resume/']
    lifecycle.store('orchestrators/callback', { type: 'callback', allow, signingKey: `whsec_${'a'.repeat(44)}` })
    lifecycle.store('callbacks', { key: KEY })
    const headers = { 'callback-url': 'https://engine.example.com/resume/another' }
    const { status, body } = await send(`${OPEN}&mode=interactive`, ticket({ id: randomUUID() }), { headers })
    expect([status, body.errors]).toMatchObject([400, [{ path: 'callback' }]])
  })

  it('starts nothing while it cannot be checked whether it is a copy', async () => {
    const endpoint = process.env['AWS_ENDPOINT_URL_DYNAMODB']
    process.env['AWS_ENDPOINT_URL_DYNAMODB'] = 'http://127.0.0.1:1'
    const { status, body } = await send(`${OPEN}&mode=interactive`, ticket())
    process.env['AWS_ENDPOINT_URL_DYNAMODB'] = endpoint
    expect([status, body.detail]).toEqual([503, expect.stringContaining('so the call was not started')])
  })

  it('starts nothing a day later', async () => {
    const body = ticket()
    expect((await send(OPEN, body)).status).toBe(200)
    passTime(25 * HOUR)
    const { status, body: problem } = await send(OPEN, body)
    expect([status, problem.detail]).toEqual([403, expect.stringContaining('more than 24 hours ago')])
    expect(platform.tickets).toHaveLength(1)
  })

  it('gets its task a day later, because it was accepted', async () => {
    const body = ticket()
    const accepted = await send(`${OPEN}&mode=interactive`, body)
    expect(accepted.status).toBe(202)
    passTime(25 * HOUR)
    expect(await send(`${OPEN}&mode=interactive`, body)).toMatchObject({ status: 202, body: { duplicate: true } })
  })
})

describe('A signature', () => {
  it('of an empty body proves nothing', async () => {
    for (const [method, target] of [
      ['POST', `${OPEN}&input.title=FromTheQuery`],
      ['GET', `tasks/${'a'.repeat(40)}`],
    ] as const)
      expect((await send(target, '', { method })).status).toBe(401)
    expect(platform.tickets).toEqual([])
  })

  it.each(['cancel', 'answer', 'rerun'])('cannot %s a task: it does not cover the path', async (operation) => {
    const { status, body } = await send(`tasks/${'a'.repeat(40)}/${operation}`, ticket())
    expect([status, body.detail]).toEqual([403, expect.stringContaining('Send a token of the caller')])
  })
})
