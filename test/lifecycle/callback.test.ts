import { beforeEach, describe, expect, it } from '@jest/globals'
import type { Context } from 'aws-lambda'
import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { withLogLines } from '../log-lines.ts'
import { OTHER_SIGNING_KEY, SIGNING_KEY } from '../shared/orchestrators/callback/receiver.ts'
import { CALLER, SECRET_PART, TARGET, useCallback } from './callback-calls.ts'
import { type Interruption, interruptions } from './execution.ts'
import { category } from './platform.ts'
import { passTime } from './runner.ts'

const { lifecycle, platform, receiver, orchestrator, call, callback, callWithUrl, accept, openTicket } = useCallback()

describe('A URL that a call supplies', () => {
  it('receives one signed answer', async () => {
    const event = call({ callback: callback(), context: 'release-7' })
    const { id, outcome } = await openTicket(event)
    expect(outcome).toMatchObject({ result: 'pass' })
    expect(receiver.accepted).toEqual([
      {
        id: `${id}-finished`,
        path: `/wait/${SECRET_PART}`,
        body: {
          type: 'task.finished',
          timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
          data: expect.objectContaining({
            taskId: id,
            id: event.id,
            action: 'open-ticket',
            context: 'release-7',
            caller: CALLER,
            verdict: 'pass',
            status: 'succeeded',
            result: 'pass',
            statusUrl: `https://webhooks.example.com/v1/${category.name}/tasks/${id}`,
          }),
        },
      },
    ])
  })

  it('receives no status URL for a call without HTTP, because the API has no known address', async () => {
    const payload = { action: 'open-ticket', caller: CALLER, connection: 'ticket', mode: 'interactive' }
    const context = { getRemainingTimeInMillis: () => 20_000 } as Context
    await webhookHandler(category)({ ...payload, ...callWithUrl() }, context)
    await lifecycle.run(lifecycle.newest())
    expect(receiver.accepted.map(({ body }) => body)).toMatchObject([{ data: { verdict: 'pass' } }])
    expect(JSON.stringify(receiver.accepted)).not.toContain('statusUrl')
  })

  it('receives neither started nor progress, because it works only once', async () => {
    orchestrator({ allow: [`${receiver.url}/wait/`], events: ['started', 'progress', 'finished'] })
    platform.states = ['queued', 'busy', 'done']
    const event = { ...callWithUrl(), input: { target: 'deploy' } }
    await lifecycle.call('start-run?connection=job&progress=true', event, { caller: CALLER })
    expect(receiver.accepted.map(({ id }) => id.slice(41))).toEqual(['finished'])
  })

  it('gets success and failure at separate URLs', async () => {
    const urls = { pass: `${receiver.url}/wait/resume`, fail: `${receiver.url}/wait/cancel` }
    await openTicket(call({ callback: { urls } }))
    platform.failNext(403, { message: 'no' }, { on: 'POST' })
    await openTicket(call({ callback: { urls } }))
    expect(receiver.accepted.map(({ path }) => path)).toEqual(['/wait/resume', '/wait/cancel'])
  })

  it('gets the same message again if its response was lost, and accepts one', async () => {
    receiver.loseNext('POST')
    const { id } = await openTicket(callWithUrl())
    expect(receiver.duplicates).toEqual([`${id}-finished`])
    expect(receiver.accepted).toHaveLength(1)
    const [first, second] = receiver.calls
    expect(second?.text).toBe(first?.text)
    expect(Number(second?.headers['webhook-timestamp'])).toBeGreaterThan(Number(first?.headers['webhook-timestamp']))
  })

  it.each([
    [500, 20],
    [503, 20],
    [429, 20],
    [403, 10],
  ])('that answers %i for %i times receives one answer', async (status, times) => {
    receiver.failNext(status, { message: 'later' }, { times })
    expect((await openTicket(callWithUrl())).unanswered).toBeUndefined()
    expect(receiver.accepted).toHaveLength(1)
  })

  it('is not requested while the secret does not allow it, and gets the answer afterwards', async () => {
    const payload = await lifecycle.accept(`${TARGET}&sendStarted=false`, callWithUrl(), CALLER)
    orchestrator({ allow: [`${receiver.url}/other/`] })
    const requests: number[] = []
    const onCheckpoint = async (checkpoint: string) => {
      if (checkpoint.includes('send-finished RETRY')) requests.push(receiver.calls.length)
      if (requests.length === 3) orchestrator({ allow: [`${receiver.url}/wait/`] })
    }
    await lifecycle.run(payload, { onCheckpoint })
    expect([requests, receiver.accepted.length]).toEqual([[0, 0, 0], 1])
  })

  it('is not requested before Retry-After', async () => {
    receiver.failNext(429, {}, { headers: { 'retry-after': '900' } })
    await openTicket(callWithUrl())
    const [first = 0, second = 0] = receiver.calls.map(({ headers }) => Number(headers['webhook-timestamp']))
    expect(second - first).toBeGreaterThanOrEqual(900)
  })

  it.each([
    [404, 5],
    [409, 30],
    [410, 1],
  ])('that always answers %i ends the attempts after %i, and the task records it', async (status, attempts) => {
    receiver.failNext(status, { message: 'used up' }, { times: 100 })
    const ended = await openTicket(callWithUrl())
    expect(ended).toMatchObject({ status: 'SUCCEEDED', unanswered: 'unwanted', outcome: { result: 'pass' } })
    expect(receiver.calls).toHaveLength(attempts)
  })

  it('that answers 409 for an hour, until its workflow waits, receives one answer', async () => {
    receiver.failNext(409, { message: 'The execution "2" is running already' }, { times: 20 })
    expect((await openTicket(callWithUrl())).unanswered).toBeUndefined()
    expect(receiver.accepted).toHaveLength(1)
  })

  it('is not followed to another URL', async () => {
    receiver.failNext(307, undefined, { headers: { location: `${receiver.url}/elsewhere` } })
    await openTicket(callWithUrl())
    expect(receiver.calls.map(({ path }) => path)).toEqual([`/wait/${SECRET_PART}`, `/wait/${SECRET_PART}`])
  })

  it.each([
    ['the URL', `/${SECRET_PART}`, (url: string) => `cannot resume ${url}`, [SECRET_PART]],
    [
      'a URL with a query',
      '/run-7a/9f3b1c0ffee5ec2e7?sig=QuerySecret',
      (url: string) => `not ${url}`,
      ['sig=', 'QuerySecret'],
    ],
    ['its query', `/x?sig=QuerySecret&to=7`, () => 'no ?sig=QuerySecret&to=7, no QuerySecret', ['QuerySecret']],
    ['a short id in its path', '/run7-a1/resume', () => 'run7-a1 is unknown at /wait/run7-a1/resume', ['run7-a1']],
  ])('appears nowhere in the task, if the receiver repeats %s', async (_what, path, message, secrets) => {
    const url = `${receiver.url}/wait${path}`
    const { lines } = await withLogLines(async () => {
      const payload = await accept(call({ callback: url }))
      receiver.failNext(500, { message: message(url) }, { times: 3 })
      const { result } = await lifecycle.run(payload)
      const history = JSON.stringify(result.getHistoryEvents())
      expect(history).toContain('POST the callback URL: ')
      for (const secret of secrets) expect(`${JSON.stringify(payload)}${history}`).not.toContain(secret)
    })
    expect(lines.join()).toContain('POST the callback URL: ')
    for (const secret of secrets) expect(lines.join()).not.toContain(secret)
  })
})

describe('A fixed URL', () => {
  beforeEach(() => orchestrator({ url: `${receiver.url}/hooks/done`, events: ['started', 'progress', 'finished'] }))

  it('receives started, progress and finished in this order', async () => {
    platform.states = ['queued', 'busy', 'done']
    const event = { ...call(), input: { target: 'deploy' } }
    const { id } = await lifecycle.call('start-run?connection=job&progress=true', event, { caller: CALLER })
    const kinds = receiver.accepted.map(({ body }) => body['type'])
    expect([kinds[0], kinds.at(-1)]).toEqual(['task.started', 'task.finished'])
    expect(kinds.slice(1, -1)).toContain('task.progress')
    expect(receiver.accepted.every((message) => message.id.startsWith(id))).toBe(true)
    expect(receiver.duplicates).toEqual([])
  })

  it('receives started late if it refused it until the deadline, and then the end with its time', async () => {
    receiver.failNext(503, {}, { times: 8, on: ({ text }) => text.includes('task.started') })
    const { operations, outcome } = await lifecycle.call(`${TARGET}&deadline=PT5M`, call(), { caller: CALLER })
    // Running tasks replay this order.
    expect(operations).toEqual(
      ['send-started', 'send-started-late', 'end-time', 'send-finished'].map((step) => `${step} SUCCEEDED`),
    )
    expect(outcome).toMatchObject({ status: 'errored' })
    expect(receiver.accepted.map(({ body }) => body['type'])).toEqual(['task.started', 'task.finished'])
  })

  it('gets the answer after a day of 404, because it can be corrected', async () => {
    receiver.failNext(404, {}, { times: 40, on: ({ text }) => text.includes('task.finished') })
    expect((await openTicket(call())).unanswered).toBeUndefined()
    expect(receiver.accepted.map(({ body }) => body['type'])).toEqual(['task.started', 'task.finished'])
  })

  it('accepts a message signed with the new or with the previous key', async () => {
    orchestrator({ url: `${receiver.url}/x`, signingKey: OTHER_SIGNING_KEY, previousSigningKey: SIGNING_KEY })
    await openTicket(call())
    receiver.keys = [OTHER_SIGNING_KEY]
    await openTicket(call())
    expect(receiver.accepted).toHaveLength(2)
  })
})

describe('A task that supplies a URL', () => {
  /** Runs a task with an interruption before and after each of its checkpoints. */
  async function interruptEach(effect: 'crash' | 'end', run: (event: object, at: Interruption) => Promise<void>) {
    const { checkpoints } = await openTicket(callWithUrl())
    for (const { name, interruption } of interruptions(checkpoints, effect)) {
      receiver.reset()
      await run(callWithUrl(), interruption)
      expect({ name, accepted: receiver.accepted.length }).toEqual({ name, accepted: 1 })
      expect(new Set(receiver.calls.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    }
  }

  it('sends one answer regardless of when it crashes', async () => {
    await interruptEach('crash', async (event, interruption) => {
      expect((await openTicket(event, { interruption })).status).toBe('SUCCEEDED')
    })
  })

  it('gets one answer regardless of when Lambda ends it', async () => {
    await interruptEach('end', async (event, interruption) => {
      const { arn, status } = await openTicket(event, { interruption })
      if (status !== 'SUCCEEDED') await lifecycle.finish(arn)
    })
  })
})

describe('A call with a URL', () => {
  const post = (event: object, target = 'open-ticket?connection=ticket&mode=interactive') =>
    lifecycle.post(target, event, { caller: CALLER })

  it.each([
    ['https://elsewhere.example.com/wait/x'],
    [''],
    ['not a URL'],
    ['ftp://127.0.0.1/wait/x'],
    ['ORIGIN/other/x'],
    ['ORIGIN/wait/../other'],
    ['ORIGIN/wait/..%2fother'],
    ['ORIGIN/wait/%252e%252e%252fother'],
    ['ORIGIN/wait/..;/other'],
    ['ORIGIN/wait/%c0%ae%c0%ae/other'],
    ['ORIGIN/wait/x#fragment'],
    ['ORIGIN/waiting/x'],
    ['http://user:pass@HOST/wait/x'],
    ['http://HOST@elsewhere.example.com/wait/x'],
  ])('that is not allowed (%s) is refused with what is allowed', async (text) => {
    const url = text.replace('ORIGIN', receiver.url).replace('HOST', new URL(receiver.url).host)
    const { status, body } = await post(call({ callback: { url } }))
    expect(status).toBe(400)
    if (url !== '') {
      expect(JSON.stringify(body)).toContain(`${receiver.url}/wait/`)
      expect(body).toMatchObject({ errors: [{ path: 'callback.url' }] })
    }
  })

  it('and everything else that is missing is one response', async () => {
    const required = { path: 'callback', message: expect.stringContaining('is required') }
    expect(await post({ input: { title: 'T', colour: 'red' } })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'id' }, required, { path: 'input.colour' }] },
    })
  })

  it('in silent mode is refused, because its receiver would wait', async () => {
    expect(await post(callWithUrl(), 'open-ticket?connection=ticket')).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('mode=interactive') },
    })
  })

  it('of a caller whose orchestrator takes none is refused', async () => {
    const target = 'open-ticket?connection=ticket&mode=interactive'
    const event = callWithUrl()
    expect(await lifecycle.post(target, event, { caller: 'poll' })).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('callback is not supported') },
    })
  })

  it('without the key of the deployment gets 503 with the name of the secret', async () => {
    lifecycle.secrets.delete('cloud-automation-webhooks/callbacks')
    passTime(301)
    const { status, body } = await post(callWithUrl())
    expect({ status, detail: body.detail }).toEqual({
      status: 503,
      detail: 'There is no secret cloud-automation-webhooks/callbacks. Create it in Secrets Manager.',
    })
  })

  it('may have it in the header callback-url', async () => {
    const more = { 'content-type': 'application/json', 'callback-url': callback() }
    const request = { headers: { ...lifecycle.authorization(CALLER), ...more }, body: JSON.stringify(call()) }
    const response = await lifecycle.send('POST', 'open-ticket?connection=ticket&mode=interactive', request)
    await lifecycle.run(lifecycle.accepted(response))
    expect(receiver.accepted.map(({ path }) => path)).toEqual([`/wait/${SECRET_PART}`])
  })
})
