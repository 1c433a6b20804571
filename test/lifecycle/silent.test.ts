import { afterAll, describe, expect, it } from '@jest/globals'
import { triggered } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'
import { fireTimers, passTime } from './runner.ts'

/** A call that waits for a response until the platform closes. */
let crashed: Promise<unknown> | undefined
afterAll(async () => {
  await platform.close()
  await crashed
})
const { lifecycle, platform } = useLifecycle()

const open = 'open-ticket?connection=ticket'
const send = 'post-message?connection=chat'
const startBlind = 'start-run?connection=blind'
const ticketEvent = () => ({ ...triggered(), input: { title: 'Checkout is slow' } })
const messageEvent = (template: string) => ({ ...triggered(), input: { template } })
const runEvent = () => ({ ...triggered(), input: { target: 'deploy' } })
const posts = () => platform.calls.filter(({ method }) => method === 'POST').length
/** The webhook gives up after a second. */
const BRIEF_MS = 3_000

async function ticketIsOpen(): Promise<void> {
  while (platform.tickets.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
}

/** Opens a ticket, and never gets the response. */
async function openUnanswered(event: object) {
  platform.holdNext('POST')
  const call = lifecycle.post(open, event, { timeLeftMs: BRIEF_MS })
  await ticketIsOpen()
  fireTimers(1)
  return call
}

describe('A silent call', () => {
  it('returns the outcome, and sends no event', async () => {
    const before = lifecycle.events.length
    expect(await lifecycle.post(open, ticketEvent())).toMatchObject({
      status: 200,
      body: { status: 'succeeded', result: 'pass', data: { id: '1' } },
    })
    expect(lifecycle.events).toHaveLength(before)
  })

  it('returns the same response for a repeat, and writes once', async () => {
    const event = ticketEvent()
    const first = await lifecycle.post(open, event)
    expect(await lifecycle.post(open, event)).toEqual(first)
    expect(platform.tickets).toHaveLength(1)
  })

  it('has the reason of the platform if it asks for a longer pause than is left', async () => {
    platform.failNext(429, {}, { on: 'POST', headers: { 'retry-after': '3600' } })
    // After the pause, it would be 504.
    expect(await lifecycle.post(open, ticketEvent())).toMatchObject({ status: 502 })
  })

  it('without an event id runs each time', async () => {
    for (let n = 0; n < 2; n++) await lifecycle.post(open, { ...ticketEvent(), id: undefined })
    expect(platform.tickets).toHaveLength(2)
  })

  it('without an event id is not retried after a request that may have written', async () => {
    platform.failNext(500, { message: 'oops' }, { on: 'POST', done: true })
    expect(await lifecycle.post(open, { ...ticketEvent(), id: undefined })).toMatchObject({
      status: 502,
      body: { detail: expect.stringContaining('Check the platform before you repeat the call') },
    })
    expect(platform.tickets).toHaveLength(1)
  })

  it('finds what it created if the response was lost', async () => {
    platform.loseNext('POST')
    expect(await lifecycle.post(open, ticketEvent())).toMatchObject({ status: 200, body: { data: { id: '1' } } })
    expect(platform.tickets).toHaveLength(1)
  })

  it('is retried while the platform is down for a moment', async () => {
    platform.failNext(503, { message: 'maintenance' })
    expect(await lifecycle.post(open, ticketEvent())).toMatchObject({ status: 200 })
    expect(platform.tickets).toHaveLength(1)
  })

  it('reports a refusal, and a repeat sends the request again', async () => {
    const event = ticketEvent()
    platform.failNext(422, { message: 'title is blocked' }, { on: 'POST' })
    expect(await lifecycle.post(open, event)).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('title is blocked') },
    })
    expect(await lifecycle.post(open, event)).toMatchObject({ status: 200 })
    expect(platform.tickets).toHaveLength(1)
  })

  it('whose response never arrives times out, and a repeat finds what it created', async () => {
    const event = ticketEvent()
    expect(await openUnanswered(event)).toMatchObject({ status: 504 })
    expect(await lifecycle.post(open, event)).toMatchObject({ status: 200, body: { data: { id: '1' } } })
    expect(platform.tickets).toHaveLength(1)
  })

  it('that ends with a bug after a lost response finds what it created when it is repeated', async () => {
    platform.loseNext('POST')
    const event = messageEvent('bug')
    expect(await lifecycle.post(send, event)).toMatchObject({ status: 500 })
    expect(await lifecycle.post(send, event)).toMatchObject({ status: 200, body: { data: { id: '1' } } })
    expect(platform.messages).toHaveLength(1)
  })

  it('whose credentials are refused after its first write finds what it created', async () => {
    platform.failNext(401, { message: 'expired' }, { on: 'PUT' })
    expect(await lifecycle.post(send, messageEvent('two-writes'))).toMatchObject({
      status: 200,
      body: { data: { id: '1' } },
    })
    expect(platform.messages).toHaveLength(1)
  })

  it('has an unknown outcome while the platform cannot be searched', async () => {
    const event = ticketEvent()
    await openUnanswered(event)
    platform.down()
    expect(await lifecycle.post(open, event, { timeLeftMs: BRIEF_MS })).toMatchObject({ status: 502 })
    platform.recover()
    expect(await lifecycle.post(open, event)).toMatchObject({ status: 200 })
    expect(platform.tickets).toHaveLength(1)
  })

  it('is refused while the same call runs, and finds what that call created if it crashed', async () => {
    const event = ticketEvent()
    platform.holdNext('POST')
    crashed = lifecycle.post(open, event)
    await ticketIsOpen()
    expect(await lifecycle.post(open, event)).toMatchObject({ status: 409, body: { title: 'Already running' } })
    passTime(30)
    expect(await lifecycle.post(open, event)).toMatchObject({ status: 200, body: { data: { id: '1' } } })
    expect(platform.tickets).toHaveLength(1)
  })

  it('does nothing if `when` does not match', async () => {
    expect(await lifecycle.post(`${open}&when=fail`, ticketEvent())).toMatchObject({
      status: 200,
      body: { result: 'pass' },
    })
    expect(platform.calls).toEqual([])
  })
})

describe('A silent start on a platform that cannot be searched', () => {
  /** Makes the same call twice. The platform gets one request. */
  async function startTwice(words: string): Promise<void> {
    const event = runEvent()
    const body = { title: 'Outcome unknown', detail: expect.stringContaining(words) }
    for (let n = 0; n < 2; n++) expect(await lifecycle.post(startBlind, event)).toMatchObject({ status: 502, body })
    expect(posts()).toBe(1)
  }

  it('is not repeated if its response was lost, and the response says so', async () => {
    platform.loseNext('POST')
    await startTwice('was not retried')
  })

  it.each(['<html>login</html>', '', '{"started":"yes"}'])('is not repeated after a success with %j', async (body) => {
    platform.replaceNext(({ method }) => method === 'POST', body)
    await startTwice('before you repeat')
  })
})

describe('A silent start of a job', () => {
  const wait = 'start-and-leave?connection=job'

  it.each([
    ['done', 200, 'pass'],
    ['broken', 422, 'fail'],
  ])('that ends soon as %s returns its result', async (state, status, result) => {
    platform.states = ['busy', state]
    expect(await lifecycle.post(wait, runEvent())).toMatchObject({ status, body: { result } })
  })

  it('that takes longer returns its id', async () => {
    platform.states = ['busy']
    expect(await lifecycle.post(wait, runEvent(), { timeLeftMs: 6_000 })).toMatchObject({
      status: 200,
      body: { result: 'warning', data: { id: '1' } },
    })
    expect(platform.runs).toMatchObject([{ stopped: false }])
  })

  it('returns its id although it cannot be polled', async () => {
    platform.failNext(500, {}, { on: ({ path }) => path === '/runs/1', times: 100 })
    expect(await lifecycle.post(wait, runEvent(), { timeLeftMs: 6_000 })).toMatchObject({
      status: 200,
      body: { data: { id: '1' } },
    })
  })
})
