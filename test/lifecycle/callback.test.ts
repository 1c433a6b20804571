import { beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Context } from 'aws-lambda'
import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { startOnce } from '../functions/helpers.ts'
import { withLogLines } from '../log-lines.ts'
import { OTHER_SIGNING_KEY, SIGNING_KEY, startReceiver } from '../shared/orchestrators/callback/receiver.ts'
import { type Interruption, interruptions } from './execution.ts'
import type { CompletedTask } from './lifecycle.ts'
import { category, useLifecycle } from './platform.ts'
import { passTime } from './runner.ts'

const { lifecycle, platform } = useLifecycle()
const receiver = startOnce(startReceiver)
beforeEach(() => {
  receiver.reset()
  orchestrator({ allow: [`${receiver.url}/wait/`] })
  lifecycle.replace('callbacks', { key: KEY })
})

const KEY = 'a-key-for-reply-addresses-of-the-tests-0123456789'
const SECRET_PART = 'f3b1c0ffee5ec2e7a9d8'
const callback = () => `${receiver.url}/wait/${SECRET_PART}`

function orchestrator(settings: object) {
  lifecycle.replace('orchestrators/callback', { type: 'callback', signingKey: SIGNING_KEY, ...settings })
}

let calls = 0
const call = (event: object = {}) => ({ id: `run-${++calls}`, input: { title: 'Checkout is slow' }, ...event })
const callWithUrl = () => call({ callback: callback() })
const caller = 'callback'
const target = 'open-ticket?connection=ticket'
/** The webhook accepts an interactive call. */
const accept = (event: object) => lifecycle.accept(target, event, caller)
const openTicket = (event: object, options = {}): Promise<CompletedTask> =>
  lifecycle.call(target, event, { caller, ...options })

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
            caller,
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
    const payload = { action: 'open-ticket', caller, connection: 'ticket', mode: 'interactive' }
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
    await lifecycle.call('start-run?connection=job&progress=true', event, { caller })
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
    const payload = await lifecycle.accept(`${target}&sendStarted=false`, callWithUrl(), caller)
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

describe('An answer that is sent again', () => {
  it('is the same message', async () => {
    const { id } = await openTicket(callWithUrl())
    passTime(3_600)
    expect(await lifecycle.command('answer', id, caller)).toMatchObject({ status: 202 })
    expect(lifecycle.invocations.at(-1)?.name).toMatch(new RegExp(`^${id}-answer-`))
    await lifecycle.run(lifecycle.newest())
    const [first, second] = receiver.calls
    expect(second?.text).toBe(first?.text)
    expect(receiver.duplicates).toEqual([`${id}-finished`])
    expect(platform.tickets).toHaveLength(1)
  })

  it('reaches a receiver that had refused it', async () => {
    receiver.failNext(410)
    const { id, unanswered } = await openTicket(callWithUrl())
    await lifecycle.command('answer', id, caller)
    const repeat = await lifecycle.run(lifecycle.newest())
    expect([unanswered, repeat.unanswered, receiver.accepted.length]).toEqual(['unwanted', undefined, 1])
  })
})

it('A task that runs again has no address for its answer', async () => {
  platform.failNext(403, { message: 'no' }, { on: 'POST' })
  const { id } = await openTicket(callWithUrl())
  await lifecycle.command('rerun', id, caller)
  const payload = lifecycle.newest()
  await lifecycle.run(payload)
  expect(payload).toMatchObject({ rerunOf: id })
  expect(payload).not.toHaveProperty('sealedReplyTo')
  expect(receiver.calls).toHaveLength(1)
})

describe('A repeated call with a URL', () => {
  const other = () => ({ callback: `${receiver.url}/wait/another` })
  const repeat = (event: object) => lifecycle.post(`${target}&mode=interactive&sendStarted=true`, event, { caller })
  const paths = () => receiver.accepted.map(({ path }) => path)

  it('is the same execution, even if the key of addresses has changed', async () => {
    const event = callWithUrl()
    const payload = await accept(event)
    expect(await accept(event)).toBe(payload)
    lifecycle.replace('callbacks', { key: 'n'.repeat(64), previousKey: KEY })
    expect(await accept(event)).toBe(payload)
    await lifecycle.run(payload)
    expect(receiver.calls).toHaveLength(1)
  })

  it('is refused if its URL is another one and the task runs, because the result goes to the first URL', async () => {
    const event = callWithUrl()
    const payload = await accept(event)
    expect(await repeat({ ...event, ...other() })).toMatchObject({
      status: 409,
      body: { detail: expect.stringMatching(/its result goes to another address.*Send another id/) },
    })
    await lifecycle.run(payload)
    expect(paths()).toEqual([`/wait/${SECRET_PART}`])
  })

  it.each([
    ['its URL', `/wait/${SECRET_PART}`, `/wait/${SECRET_PART}`],
    ['another URL', `/wait/${SECRET_PART}`, '/wait/another'],
    ['the fixed URL of the orchestrator', undefined, '/hooks/done'],
  ])('gets the result at %s if the task has ended', async (_, first, second) => {
    orchestrator({ allow: [`${receiver.url}/wait/`], url: `${receiver.url}/hooks/done` })
    const event = first === undefined ? call() : callWithUrl()
    const { id } = await openTicket(event)
    const again = second === '/wait/another' ? { ...event, ...other() } : event
    expect(await repeat(again)).toMatchObject({ status: 202, body: { taskId: id, duplicate: true } })
    await lifecycle.run(lifecycle.newest())
    expect(receiver.calls.map(({ path }) => path)).toEqual([first ?? second, second])
    expect(receiver.calls[1]?.text).toBe(receiver.calls[0]?.text)
    expect(platform.tickets).toHaveLength(1)
  })

  it('is refused with the reason if its URL is another one and its caller has a limit', async () => {
    const event = callWithUrl()
    await openTicket(event)
    const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
    lifecycle.replace('callers', { ...callers, [caller]: { ...callers[caller], callsPerMinute: 1 } })
    // Both calls are in the same minute.
    const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now())
    const statuses = [(await repeat(event)).status, (await repeat({ ...event, ...other() })).status]
    now.mockRestore()
    lifecycle.replace('callers', callers)
    expect(statuses).toEqual([202, 429])
  })

  it('is sent nothing for a task that Lambda ended: the finisher answers', async () => {
    const event = callWithUrl()
    const payload = await accept(event)
    const { arn } = await lifecycle.run(payload, { interruption: { effect: 'end', checkpoint: 0, isRecorded: true } })
    expect(await repeat(event)).toMatchObject({ status: 202, body: { duplicate: true } })
    expect(await repeat({ ...event, ...other() })).toMatchObject({ status: 409 })
    await lifecycle.finish(arn)
    expect(paths()).toEqual([`/wait/${SECRET_PART}`])
  })
})

describe('The key of reply addresses', () => {
  it('can be replaced while a task runs', async () => {
    const payload = await accept(callWithUrl())
    lifecycle.replace('callbacks', { key: 'n'.repeat(64), previousKey: KEY })
    await lifecycle.run(payload)
    expect(receiver.accepted).toHaveLength(1)
  })

  it('if it is lost, the task ends, says so and logs it for the alarm', async () => {
    const payload = await lifecycle.accept(`${target}&sendStarted=false`, callWithUrl(), caller)
    lifecycle.replace('callbacks', { key: 'n'.repeat(64) })
    const { result, lines } = await withLogLines(() => lifecycle.run(payload))
    expect(lines.filter((line) => line.includes('"answerLost":true'))).toEqual([
      expect.stringMatching(/^\{"level":"ERROR".*secret callbacks/),
    ])
    expect(result).toMatchObject({ status: 'SUCCEEDED', unanswered: 'lost', outcome: { result: 'pass' } })
    expect(receiver.calls).toEqual([])
  })
})

describe('A fixed URL', () => {
  beforeEach(() => orchestrator({ url: `${receiver.url}/hooks/done`, events: ['started', 'progress', 'finished'] }))

  it('receives started, progress and finished in this order', async () => {
    platform.states = ['queued', 'busy', 'done']
    const event = { ...call(), input: { target: 'deploy' } }
    const { id } = await lifecycle.call('start-run?connection=job&progress=true', event, { caller })
    const kinds = receiver.accepted.map(({ body }) => body['type'])
    expect([kinds[0], kinds.at(-1)]).toEqual(['task.started', 'task.finished'])
    expect(kinds.slice(1, -1)).toContain('task.progress')
    expect(receiver.accepted.every((message) => message.id.startsWith(id))).toBe(true)
    expect(receiver.duplicates).toEqual([])
  })

  it('receives started late if it refused it until the deadline, and then the end with its time', async () => {
    receiver.failNext(503, {}, { times: 8, on: ({ text }) => text.includes('task.started') })
    const { operations, outcome } = await lifecycle.call(`${target}&deadline=PT5M`, call(), { caller })
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
    lifecycle.post(target, event, { caller })

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
    const request = { headers: { ...lifecycle.authorization(caller), ...more }, body: JSON.stringify(call()) }
    const response = await lifecycle.send('POST', 'open-ticket?connection=ticket&mode=interactive', request)
    await lifecycle.run(lifecycle.accepted(response))
    expect(receiver.accepted.map(({ path }) => path)).toEqual([`/wait/${SECRET_PART}`])
  })
})
