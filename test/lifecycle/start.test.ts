import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { changeStops } from '../../shared/core/stops.ts'
import { compilePolicy } from '../../shared/policy/file.ts'
import type { Stop } from '../../shared/policy/kinds/stop.ts'
import { getStops, replaceStops } from '../../shared/state/stops.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { interruptions } from './execution.ts'
import { triggered } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'
import { passTime } from './runner.ts'

const { lifecycle, platform } = useLifecycle()
const folder = temporaryFolder()
const START = 'start-run?connection=job&deadline=PT2H'
const input = { target: 'deploy' }
const MINUTE = 60
const NOTHING_SENT = { result: 'fail', message: expect.stringMatching(/Nothing was started/) }
let files = 0

/** Deploys a policy. */
function deploy(...rules: object[]): void {
  const file = join(folder, `policy-${++files}.json`)
  writeFileSync(file, JSON.stringify(compilePolicy({ timeZone: 'UTC', rules })))
  process.env['WEBHOOKS_POLICY_FILE'] = file
}

/** Returns a rule with a freeze that starts and ends in the given minutes. */
function freeze(from: number, to: number, otherwise: 'wait' | 'refuse') {
  const text = (offset: number) => new Date(Date.now() + offset * MINUTE * 1_000).toISOString().slice(0, 16)
  return { name: 'year end', freeze: [{ from: text(from), to: text(to), reason: 'Closing' }], otherwise }
}

const jane = { id: 'incident', reason: 'bad release', by: 'jane@example.com', at: 0 }
const stop = (more: Partial<Stop> = {}) => changeStops(() => [{ ...jane, ...more }])
const resume = () => changeStops(() => [])
async function resumeAfter(minutes: number) {
  passTime(minutes * MINUTE)
  await resume()
}
/** Runs a task, and does something once, at its first checkpoint that has this text. */
async function runUntil(checkpoint: RegExp, then: () => unknown, task = lifecycle.accept(START, { input })) {
  let isDone = false
  return lifecycle.run(await task, {
    async onCheckpoint(name) {
      if (isDone || !checkpoint.test(name)) return
      isDone = true
      await then()
    },
  })
}
const minutesSince = (time: number) => (Date.now() - time) / MINUTE / 1_000

beforeEach(async () => {
  platform.states = ['done']
  await resume()
})
afterEach(() => {
  delete process.env['WEBHOOKS_POLICY_FILE']
})

describe('A window with refuse that closes after a call was accepted', () => {
  const writes = () => platform.calls.filter(({ method }) => method === 'POST').length

  it('ends a task whose platform is down when it closes', async () => {
    deploy(freeze(1, 300, 'refuse'))
    platform.failNext(429, {}, { on: 'POST', times: 100 })
    const { outcome } = await runUntil(/wait-for-retry/, () => passTime(2 * MINUTE))
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: expect.stringMatching(
        /^The window has closed: year end \(Closing\), until .+ UTC\. Nothing was started\.$/,
      ),
    })
    expect(platform.runs).toEqual([])
  })

  it('ends a task that waits for another window', async () => {
    deploy(freeze(5, 300, 'refuse'), { ...freeze(-60, 30, 'wait'), name: 'maintenance' })
    const { outcome } = await lifecycle.call(START, { input })
    expect([outcome, writes()]).toEqual([expect.objectContaining(NOTHING_SENT), 0])
  })

  it('does not matter while it is open', async () => {
    deploy(freeze(60, 300, 'refuse'))
    const { outcome, operations } = await lifecycle.call(START, { input })
    expect(outcome?.result).toBe('pass')
    expect(operations.map((operation) => operation.split(' ')[0])).toEqual(
      'send-started start poll send-finished'.split(' '),
    )
  })

  it('lets a task find what it may have started, and then ends with it', async () => {
    deploy(freeze(1, 300, 'refuse'))
    platform.loseNext('POST')
    const { outcome } = await runUntil(/start RETRY/, () => passTime(2 * MINUTE))
    expect([outcome?.result, platform.runs.length]).toEqual(['pass', 1])
  })

  it('leaves the outcome unknown if nothing is found after an attempt that may have written', async () => {
    deploy(freeze(1, 300, 'refuse'))
    platform.failNext(503, {}, { on: 'POST', times: 100 })
    const { outcome } = await runUntil(/start RETRY/, () => passTime(2 * MINUTE))
    expect(outcome).toMatchObject({
      status: 'errored',
      message: expect.stringMatching(
        /^The window has closed: .+ An earlier attempt may have reached the platform: check it\.$/,
      ),
    })
    expect(platform.runs).toEqual([])
  })
})

describe('A window with wait that closes while a platform is down', () => {
  it.each([429, 503])('and answers %s lets the task wait again, and start when it opens', async (status) => {
    deploy(freeze(1, 100, 'wait'))
    platform.failNext(status, {}, { on: 'POST', times: 2 })
    const acceptedAt = Date.now()
    const { outcome, operations } = await runUntil(/start RETRY|wait-for-retry/, () => passTime(2 * MINUTE))
    expect(outcome?.result).toBe('pass')
    expect(minutesSince(acceptedAt)).toBeGreaterThan(98)
    expect(operations.filter((operation) => operation.startsWith('require SUCC'))).toHaveLength(2)
    expect(platform.runs).toHaveLength(1)
  })
})

describe('A stop', () => {
  it('holds a task that was accepted before, which says who has set it, until it is lifted', async () => {
    const task = await lifecycle.accept(START, { input })
    await stop()
    const { outcome, operations } = await runUntil(/^hold RETRY/, resume, Promise.resolve(task))
    expect(outcome?.result).toBe('pass')
    expect(operations.map((operation) => operation.split(' ')[0])).toEqual(
      'send-started start hold start poll send-finished'.split(' '),
    )
    expect(platform.runs).toHaveLength(1)
  })

  it('ends a task that has waited for an hour as fail, with the person and the reason', async () => {
    await stop()
    const acceptedAt = Date.now()
    const { outcome, sent } = await lifecycle.call(START, { input })
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: 'Nothing was started: the call has waited for 1 h. Stopped by jane@example.com: bad release',
    })
    expect(minutesSince(acceptedAt)).toBeGreaterThan(59)
    expect(sent).toEqual(['started', 'finished'])
    expect(platform.runs).toEqual([])
  })

  it('ends tasks at once with --end', async () => {
    await stop({ end: true })
    const { outcome } = await lifecycle.call(START, { input })
    expect(outcome).toMatchObject({
      result: 'fail',
      message: 'Stopped by jane@example.com: bad release. Nothing was started.',
    })
  })

  it('gives a task its full deadline after it is lifted', async () => {
    platform.states = ['busy', 'busy', 'busy', 'done']
    const task = await lifecycle.accept('start-run?connection=job&deadline=PT10M', { input })
    await stop()
    const { outcome } = await runUntil(/hold RETRY/, () => resumeAfter(50), Promise.resolve(task))
    expect(outcome?.result).toBe('pass')
  })

  it.each([
    ['another action', { actions: ['testing/open-*'] }],
    ['another connection', { connections: ['prod-*'] }],
    ['another caller', { callers: ['agent'] }],
    ['all but this action', { except: ['testing/start-*'] }],
    ['a time that has passed', { until: 1 }],
  ])('for %s does not concern a task', async (_what, conditions) => {
    await stop(conditions)
    expect((await lifecycle.call(START, { input })).outcome?.result).toBe('pass')
  })

  it('never hits what stops a run, unless it is named', async () => {
    const started = await lifecycle.call(START, { input })
    const cancel = { input: { id: started.outcome?.data?.['id'] } }
    await stop()
    const stopping = 'stop-run?connection=job&deadline=PT1H'
    expect((await lifecycle.call(stopping, cancel)).outcome?.message).not.toMatch(/Stopped by/)
    await stop({ actions: ['testing/stop-run'], end: true })
    expect((await lifecycle.call(stopping, cancel)).outcome?.message).toMatch(/^Stopped by jane/)
  })

  it('lets a task look for what it may have started, and continue with it', async () => {
    platform.loseNext('POST')
    const { outcome } = await runUntil(/start RETRY/, () => stop())
    expect([outcome?.result, platform.runs.length]).toEqual(['pass', 1])
  })

  it('holds a task that may have written and finds nothing, which then writes once', async () => {
    platform.failNext(504, {}, { on: 'POST' })
    let isHeld = false
    const { outcome, operations } = await lifecycle.run(await lifecycle.accept(START, { input }), {
      async onCheckpoint(name) {
        if (/start RETRY/.test(name)) await stop()
        if (!/hold RETRY/.test(name) || isHeld) return
        isHeld = true
        expect(platform.runs).toEqual([])
        await resume()
      },
    })
    expect([outcome?.result, platform.runs.length, isHeld]).toEqual(['pass', 1, true])
    expect(operations.filter((operation) => operation.startsWith('start '))).toHaveLength(2)
  })

  it('that is not lifted ends a task that may have written without knowing its outcome', async () => {
    platform.failNext(504, {}, { on: 'POST' })
    const { outcome } = await runUntil(/start RETRY/, () => stop())
    expect(outcome).toMatchObject({
      status: 'errored',
      message: expect.stringMatching(
        /^The call has waited for 1 h\. Stopped by .+ may have reached the platform: check it\.$/,
      ),
    })
  })

  it('lets people cancel a task that it holds', async () => {
    await stop()
    const task = await lifecycle.accept(START, { input })
    const { outcome } = await runUntil(/hold RETRY/, () => lifecycle.command('cancel', task.id), Promise.resolve(task))
    expect(outcome).toMatchObject({
      status: 'aborted',
      message: 'Canceled by keptn before anything was sent to the platform',
    })
  })

  it('gives up the turn of a task that it holds', async () => {
    deploy({ name: 'one at a time', oneAtATime: { per: '{service}' } })
    const task = await lifecycle.accept(START, { input })
    await stop()
    const { outcome, operations } = await runUntil(/hold RETRY/, resume, Promise.resolve(task))
    expect(outcome?.result).toBe('pass')
    expect(operations.map((operation) => operation.split(' ')[0])).toEqual(
      'send-started turn-number turn-place start turn-release hold turn-number turn-place start poll turn-release send-finished'.split(
        ' ',
      ),
    )
  })

  it('does not use up the time in which a task waits for its turn', async () => {
    const rule = { name: 'one at a time', oneAtATime: { per: '{service}' }, waitAtMost: 'PT10M' }
    deploy(rule)
    const task = await lifecycle.accept(START, { input })
    await stop()
    const { outcome } = await runUntil(/hold RETRY/, () => resumeAfter(20), Promise.resolve(task))
    expect(outcome?.result).toBe('pass')
    expect(platform.runs).toHaveLength(1)
  })

  it('is everything if the item was written by something else', async () => {
    const before = await getStops()
    await replaceStops({ version: 7, stops: '[]', seal: 'forged' }, before)
    const { status, body } = await lifecycle.post(START, { ...triggered(), input })
    expect([status, body.detail]).toEqual([503, expect.stringContaining('changed by something else')])
  })

  const HELD = [
    'send-started START',
    'send-started SUCCEED',
    'start START',
    'start SUCCEED',
    'hold START',
    'hold RETRY',
  ]
  it.each(interruptions(HELD, 'crash'))('holds a task whose process ends, $name', async ({ interruption }) => {
    await stop()
    let isLifted = false
    const { outcome } = await lifecycle.run(await lifecycle.accept(START, { input }), {
      interruption,
      async onCheckpoint(name) {
        if (!isLifted) expect(platform.runs).toEqual([])
        if (!/hold RETRY/.test(name) || isLifted) return
        isLifted = true
        await resume()
      },
    })
    expect([outcome?.result, platform.runs.length]).toEqual(['pass', 1])
  })
})

describe('While the table cannot be read', () => {
  it('nothing starts, and a task starts when it can be read', async () => {
    const task = await lifecycle.accept(START, { input })
    // Here, the task shares what the webhook has read.
    passTime(1)
    const table = process.env['WEBHOOKS_STATE_TABLE']
    process.env['WEBHOOKS_STATE_TABLE'] = 'missing'
    const { outcome, operations } = await runUntil(
      /hold RETRY/,
      () => {
        expect(platform.runs).toEqual([])
        process.env['WEBHOOKS_STATE_TABLE'] = table
      },
      Promise.resolve(task),
    )
    expect([outcome?.result, operations.some((name) => name.startsWith('hold '))]).toEqual(['pass', true])
  })
})

describe('A silent call', () => {
  const open = 'open-ticket?connection=ticket'
  const ticket = () => ({ ...triggered(), input: { title: 'Broken' } })

  it('gets 503 while it is stopped, and writes nothing', async () => {
    await stop()
    passTime(6)
    const { status, body } = await lifecycle.post(open, ticket())
    expect([status, body.title, body.detail]).toEqual([
      503,
      'Stopped',
      'Stopped by jane@example.com: bad release. Nothing was started. Send the call again when the stop is lifted.',
    ])
    expect(platform.tickets).toEqual([])
  })

  it('gets its result if it was made before', async () => {
    const event = ticket()
    const first = await lifecycle.post(open, event)
    await stop()
    passTime(6)
    expect(await lifecycle.post(open, event)).toEqual(first)
    expect((await lifecycle.post(`${open}&dryRun=true`, event)).status).toBe(200)
  })

  it('runs when it is sent again after the stop', async () => {
    const event = ticket()
    await stop()
    passTime(6)
    expect((await lifecycle.post(open, event)).status).toBe(503)
    await resume()
    passTime(6)
    expect((await lifecycle.post(open, event)).status).toBe(200)
    expect(platform.tickets).toHaveLength(1)
  })

  it('is refused by a window that closes between two attempts', async () => {
    deploy(freeze(1, 300, 'refuse'))
    passTime(59 - ((Date.now() / 1_000) % 60))
    platform.failNext(503, {}, { on: 'POST', times: 9 })
    const { status } = await lifecycle.post(open, ticket())
    expect([422, 502]).toContain(status)
    expect(platform.tickets).toEqual([])
  })

  it('gets 503 if the table cannot be read for five seconds', async () => {
    const call = () => lifecycle.post(open, { input: { title: 'Broken' } }, { caller: 'poll' })
    expect((await call()).status).toBe(200)
    const table = process.env['WEBHOOKS_STATE_TABLE']
    process.env['WEBHOOKS_STATE_TABLE'] = 'missing'
    try {
      passTime(4)
      expect((await call()).status).toBe(200)
      passTime(1)
      expect((await call()).status).toBe(503)
      expect(platform.tickets).toHaveLength(2)
    } finally {
      process.env['WEBHOOKS_STATE_TABLE'] = table
    }
  })
})
