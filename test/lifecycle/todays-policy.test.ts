import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { compilePolicy } from '../../shared/policy/file.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { triggered } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'
import { passTime } from './runner.ts'

const { lifecycle, platform } = useLifecycle()
const folder = temporaryFolder()
const START = 'start-run?connection=job&deadline=PT2H'
const input = { target: 'deploy' }
const MINUTE = 60
const DENY = { name: 'audit', deny: 'Audit of the year' }
let files = 0

/** Deploys a policy. */
function deploy(...rules: object[]): void {
  const file = join(folder, `policy-${++files}.json`)
  writeFileSync(file, JSON.stringify(compilePolicy({ timeZone: 'UTC', rules })))
  process.env['WEBHOOKS_POLICY_FILE'] = file
}

/** Returns a rule with a freeze that starts and ends in the given minutes. */
function freeze(from: number, to: number, otherwise: 'wait' | 'refuse', name = 'year end') {
  const text = (offset: number) => new Date(Date.now() + offset * MINUTE * 1_000).toISOString().slice(0, 16)
  return { name, freeze: [{ from: text(from), to: text(to), reason: 'Closing' }], otherwise }
}

/** Runs a task whose platform refuses its first requests, and deploys a policy meanwhile. */
async function runWhilePlatformIsDown(then: () => void, minutes = 2, task = lifecycle.accept(START, { input })) {
  platform.failNext(429, {}, { on: 'POST', times: 2 })
  let isDone = false
  return lifecycle.run(await task, {
    async onCheckpoint(name) {
      if (isDone || !/wait-for-retry/.test(name)) return
      isDone = true
      then()
      passTime(minutes * MINUTE)
    },
  })
}

beforeEach(() => {
  platform.states = ['done']
})
afterEach(() => {
  delete process.env['WEBHOOKS_POLICY_FILE']
  delete process.env['WEBHOOKS_POLICY_FUNCTION']
})

describe('A policy that is deployed while a task waits', () => {
  it('ends a task that it denies, which had waited for a window of the earlier one', async () => {
    const window = freeze(-60, 30, 'wait', 'maintenance')
    deploy(window)
    const task = await lifecycle.accept(START, { input })
    deploy(window, DENY)
    const { outcome } = await lifecycle.run(task)
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: 'The policy has changed: audit (Audit of the year). Nothing was started.',
    })
    expect(platform.runs).toEqual([])
  })

  it('ends a task in its freeze, even if there was no policy before', async () => {
    const { outcome } = await runWhilePlatformIsDown(() => deploy(freeze(-1, 300, 'refuse')))
    expect(outcome).toMatchObject({
      result: 'fail',
      message: expect.stringMatching(
        /^The policy has changed: year end \(Closing\), until .+ UTC\. Nothing was started\.$/,
      ),
    })
    expect(platform.runs).toEqual([])
  })

  it('holds a task until its window opens, which then starts once', async () => {
    const acceptedAt = Date.now()
    const { outcome } = await runWhilePlatformIsDown(() => deploy(freeze(-1, 40, 'wait')))
    expect([outcome?.result, platform.runs.length]).toEqual(['pass', 1])
    expect((Date.now() - acceptedAt) / MINUTE / 1_000).toBeGreaterThan(38)
  })

  it('ends a task that a silent call has started', async () => {
    await lifecycle.post('start-run?connection=attended', { ...triggered(), input })
    const { outcome } = await runWhilePlatformIsDown(() => deploy(DENY), 2, Promise.resolve(lifecycle.newest()))
    expect(outcome).toMatchObject({ result: 'fail', message: expect.stringMatching(/^The policy has changed: audit/) })
    expect(platform.runs).toEqual([])
  })

  it('is the policy of the acceptance for the first minute', async () => {
    const { outcome } = await runWhilePlatformIsDown(() => deploy(DENY), 0)
    expect([outcome?.result, platform.runs.length]).toEqual(['pass', 1])
  })

  it.each([
    ['another caller', { callers: ['agent'] }, true],
    ['agents only', { agents: true }, true],
    ['what only reads', { effects: ['reads'] }, true],
    ['another value of the input', { input: "target == 'other'" }, true],
    ['this value of the input', { input: "target == 'deploy'" }, false],
    ['this stage', { stages: ['Production '] }, false],
  ])('with a rule for %s applies its conditions', async (_what, when, starts) => {
    const { outcome } = await runWhilePlatformIsDown(() => deploy({ ...DENY, when }))
    expect([outcome?.result, platform.runs.length]).toEqual(starts ? ['pass', 1] : ['fail', 0])
  })

  it('that is only logged changes nothing', async () => {
    const { outcome } = await runWhilePlatformIsDown(() => {
      const file = join(folder, `policy-${++files}.json`)
      writeFileSync(file, JSON.stringify(compilePolicy({ enforce: false, rules: [DENY] })))
      process.env['WEBHOOKS_POLICY_FILE'] = file
    })
    expect(outcome?.result).toBe('pass')
  })

  it('never allows what the earlier one lets wait', async () => {
    deploy(freeze(-60, 30, 'wait'))
    const acceptedAt = Date.now()
    const task = await lifecycle.accept(START, { input })
    deploy({ name: 'always', only: {}, otherwise: 'wait' })
    expect((await lifecycle.run(task)).outcome?.result).toBe('pass')
    expect((Date.now() - acceptedAt) / MINUTE / 1_000).toBeGreaterThan(28)
  })

  it('lets a task find what it may have started', async () => {
    platform.loseNext('POST')
    let isDone = false
    const { outcome } = await lifecycle.run(await lifecycle.accept(START, { input }), {
      async onCheckpoint(name) {
        if (isDone || !/start RETRY/.test(name)) return
        isDone = true
        deploy(DENY)
        passTime(2 * MINUTE)
      },
    })
    expect([outcome?.result, platform.runs.length, isDone]).toEqual(['pass', 1, true])
  })

  it('holds a task while it cannot be read', async () => {
    platform.failNext(429, {}, { on: 'POST', times: 2 })
    let isHeld = false
    const { outcome } = await lifecycle.run(await lifecycle.accept(START, { input }), {
      async onCheckpoint(name) {
        if (/wait-for-retry/.test(name) && !isHeld) {
          process.env['WEBHOOKS_POLICY_FUNCTION'] = 'missing'
          passTime(2 * MINUTE)
        }
        if (!/hold RETRY/.test(name)) return
        isHeld = true
        expect(platform.runs).toEqual([])
        delete process.env['WEBHOOKS_POLICY_FUNCTION']
      },
    })
    expect([outcome?.result, platform.runs.length, isHeld]).toEqual(['pass', 1, true])
  })
})
