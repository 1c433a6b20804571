import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Task } from '../../shared/core/call.ts'
import { placeAndCheck } from '../../shared/core/task/check-turn.ts'
import { compilePolicy } from '../../shared/policy/file.ts'
import { checkTurn, leave, type TurnTable, type TurnTicket } from '../../shared/policy/turns.ts'
import { turnTable } from '../../shared/state/turn-table.ts'
import { wakeTask } from '../../shared/state/wake.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { type Interruption, interruptions } from './execution.ts'
import { triggered } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'
import { passTime } from './runner.ts'

const { lifecycle, platform } = useLifecycle()
const folder = temporaryFolder()
const START = 'start-run?connection=job&deadline=PT1H'
const input = { target: 'deploy' }
const HOUR = 3_600
const MINUTE_MS = 60_000
let files = 0

/** Deploys a policy. */
function deploy(...rules: object[]): void {
  const file = join(folder, `policy-${++files}.json`)
  writeFileSync(file, JSON.stringify(compilePolicy({ timeZone: 'UTC', rules })))
  process.env['WEBHOOKS_POLICY_FILE'] = file
}

const rule = (more: object = {}) => ({
  name: 'one at a time',
  when: { actions: ['testing/*'] },
  oneAtATime: { per: '{connection}/{service}', ...more },
})

/** Wakes as the task of the holder does. */
const items = (wake: TurnTable['wake'] = wakeNamed) => turnTable(wake)
const now = () => Date.now()

async function wakeNamed(task: string): Promise<void> {
  const [category = '', taskId = ''] = task.split('/')
  await wakeTask({ category, taskId })
}

let services = 0
/** Each test has its own target. */
let service = ''
const callOf = () => ({ input, data: { ...triggered().data, service } })
const accept = (target = START) => lifecycle.accept(target, callOf())
const turnsIn = (task: Task) => (task.requirements ?? []).filter((requirement) => requirement.type === 'turn')
const turnIn = (task: Task) => turnsIn(task)[0]

/** Lets another task have the turn. */
async function hold(
  task: Task,
  leaseMs = 10 * HOUR * 1_000,
  name = 'ci-cd/other',
  turn = turnIn(task),
  caller = 'ops',
): Promise<TurnTicket> {
  const { key, target, rule } = turn ?? { key: '', target: '', rule: '' }
  const number = await items().takeNumber({ key, target, rule })
  const place = { task: name, caller, link: 'https://webhooks.example.com/other', deadline: now() + 86_400_000 }
  await items().putPlace(key, number, name, place)
  const ticket = { key, number, task: name }
  await checkTurn(items(), ticket, leaseMs, now)
  return ticket
}

/** Whether the turn can be taken at once. */
async function isFree(task: Task): Promise<boolean> {
  const ticket = await hold(task, undefined, 'ci-cd/next')
  return (await items().readTurn(ticket.key))?.holder?.task === 'ci-cd/next'
}

beforeEach(() => {
  platform.states = ['done']
  service = `service-${++services}`
  deploy(rule())
})
afterEach(() => {
  delete process.env['WEBHOOKS_POLICY_FILE']
})

describe('A task with a turn', () => {
  it('takes it with three operations if it is free, and gives it up before any answer', async () => {
    const task = await accept()
    expect(task).toMatchObject({
      waitAtMost: 4 * HOUR,
      apiUrl: 'https://webhooks.example.com/v1/testing',
      requirements: [{ type: 'turn', rule: 'one at a time', target: `testing/job/${service}`, queue: 20 }],
    })
    let leaseEnd = 0
    const { outcome, operations } = await lifecycle.run(task, {
      async onCheckpoint(name) {
        if (name.includes('start START'))
          leaseEnd = (await items().readTurn(turnIn(task)?.key ?? ''))?.holder?.until ?? 0
      },
    })
    expect(outcome?.result).toBe('pass')
    // The job is stopped at its deadline, which takes up to half an hour.
    expect(leaseEnd - now()).toBeGreaterThan(89 * MINUTE_MS)
    expect(operations.map((operation) => operation.split(' ')[0])).toEqual(
      'send-started turn-number turn-place start poll turn-release send-finished'.split(' '),
    )
    expect(await isFree(task)).toBe(true)
  })

  it('waits for the task that has it, which wakes it, and its deadline counts from then', async () => {
    const task = await accept(`${START}&progress=true`)
    const other = await hold(task)
    platform.states = ['busy']
    const acceptedAt = now()
    let releasedAt = 0
    const { outcome, operations, events } = await lifecycle.run(task, {
      async onCheckpoint(name) {
        if (!name.includes('turn-wait RETRY') || releasedAt > 0 || now() < acceptedAt + 2 * HOUR * 1_000) return
        releasedAt = now()
        await leave(items(), other, 'ended', now)
      },
    })
    expect(operations).toContain('turn-wait-woken-0 SUCCEEDED')
    expect(outcome).toMatchObject({ status: 'errored', message: expect.stringMatching(/^The deadline of 1 h passed/) })
    expect((now() - releasedAt) / 1_000).toBeGreaterThan(HOUR - 60)
    const progress = events.map(({ data }) => data.message).find((message) => message?.includes('turn'))
    expect(progress).toMatch(
      /Waits for its turn for testing\/job\/service-\d+ \(one at a time\)\. The task https:\/\/webhooks\.example\.com\/other of ops has it until .+ UTC at the latest/,
    )
  })

  it('gets it within two minutes if its wake-up is lost', async () => {
    const task = await accept()
    const other = await hold(task)
    let releasedAt = 0
    const { outcome, operations } = await lifecycle.run(task, {
      async onCheckpoint(name) {
        if (!name.includes('turn-wait RETRY') || releasedAt > 0) return
        releasedAt = now()
        await leave(
          items(async () => {}),
          other,
          'ended',
          now,
        )
      },
    })
    expect(outcome?.result).toBe('pass')
    expect(operations.join()).not.toContain('turn-wait-woken')
    expect(now() - releasedAt).toBeLessThan(3 * MINUTE_MS)
  })

  it('gets it when the lease of a lost task ends, and its outcome says so', async () => {
    const task = await accept()
    const startedAt = now()
    await hold(task, 30 * MINUTE_MS)
    const { outcome } = await lifecycle.run(task)
    expect(now() - startedAt).toBeGreaterThan(30 * MINUTE_MS)
    expect(outcome).toMatchObject({
      result: 'pass',
      message: expect.stringContaining(
        `When it started, a job of https://webhooks.example.com/other may still have been running for testing/job/${service}.`,
      ),
    })
  })

  it('leaves the link to a job that it has left running', async () => {
    platform.states = ['busy']
    const task = await accept('start-and-leave?connection=blind&deadline=PT1H')
    await lifecycle.run(task)
    platform.states = ['done']
    const { outcome } = await lifecycle.run(await accept('start-and-leave?connection=blind&deadline=PT1H'))
    expect(outcome?.message).toContain(`a job of https://webhooks.example.com/v1/testing/tasks/${task.id} may still`)
  })

  it('leaves its own link if the platform may have accepted its job without a response', async () => {
    const task = await accept('start-run?connection=blind&deadline=PT1H')
    platform.loseNext('POST')
    const lost = await lifecycle.run(task)
    const { outcome } = await lifecycle.run(await accept())
    expect([lost.outcome?.status, outcome?.message]).toEqual([
      'errored',
      expect.not.stringContaining('may still have been running'),
    ])
    const next = await lifecycle.run(await accept('start-run?connection=blind&deadline=PT1H'))
    expect(next.outcome?.message).toContain(
      `a job of https://webhooks.example.com/v1/testing/tasks/${task.id} may still`,
    )
  })

  it('ends at once when it is canceled, and leaves its place', async () => {
    const task = await accept()
    const other = await hold(task)
    let response: object | undefined
    const { outcome, operations } = await lifecycle.run(task, {
      async onCheckpoint(name) {
        if (name.includes('turn-wait RETRY')) response ??= await lifecycle.command('cancel', task.id)
      },
    })
    expect(response).toMatchObject({ status: 202 })
    expect(outcome).toMatchObject({ status: 'aborted', message: expect.stringMatching(/^Canceled by keptn before/) })
    expect(operations.at(-2)).toBe('turn-release SUCCEEDED')
    expect(platform.runs).toEqual([])
    await leave(items(), other, 'ended', now)
    expect(await isFree(task)).toBe(true)
  })

  it('fails when it has waited for as long as it may', async () => {
    deploy({ ...rule(), waitAtMost: 'PT2H' })
    const task = await accept()
    const other = await hold(task)
    const { outcome } = await lifecycle.run(task)
    expect(outcome).toMatchObject({
      result: 'fail',
      message: expect.stringMatching(/^Nothing was started: the call has waited for 2 h\. Waits for its turn for /),
    })
    await leave(items(), other, 'ended', now)
    expect(await isFree(task)).toBe(true)
  })

  it('fails if the queue is full', async () => {
    deploy(rule({ queue: 1 }))
    const task = await accept()
    await hold(task)
    await hold(task, undefined, 'ci-cd/second')
    const { outcome, operations } = await lifecycle.run(task)
    expect(outcome).toMatchObject({
      result: 'fail',
      message: `Nothing was started: 1 task waits for testing/job/${service} already, and the rule "one at a time" allows no more`,
    })
    expect(operations.join()).not.toContain('turn-wait')
  })

  it('fails if its caller has half of the queue', async () => {
    deploy(rule({ queue: 3 }))
    const task = await accept()
    await hold(task)
    for (const name of ['ci-cd/second', 'ci-cd/third']) await hold(task, undefined, name, undefined, 'keptn')
    const { outcome, operations } = await lifecycle.run(task)
    expect(outcome).toMatchObject({
      result: 'fail',
      message: `Nothing was started: 2 of the 3 tasks that may wait for testing/job/${service} are of this caller already, and the rule "one at a time" allows no more of one caller`,
    })
    expect(operations.join()).not.toContain('turn-wait')
  })

  it('ends with the turn, at the latest after turnAtMost', async () => {
    deploy(rule({ turnAtMost: 'PT10M' }))
    platform.states = ['busy']
    const task = await accept()
    expect(task.deadline).toBe(600)
    let leaseMs = 0
    const { outcome } = await lifecycle.run(task, {
      async onCheckpoint(name) {
        if (name.includes('start START'))
          leaseMs = ((await items().readTurn(turnIn(task)?.key ?? ''))?.holder?.until ?? 0) - now()
      },
    })
    expect(outcome).toMatchObject({ status: 'errored' })
    expect(leaseMs).toBeLessThan(HOUR * 1_000)
    deploy(rule({ turnAtMost: 'P1D' }))
    expect((await accept()).deadline).toBe(3_600)
  })

  it('leaves the queue while a window is closed, and takes a new number when it opens', async () => {
    const text = (offset: number) => new Date(now() + offset * 1_000).toISOString().slice(0, 16)
    const freeze = { name: 'freeze', freeze: [{ from: text(HOUR), to: text(2 * HOUR) }], otherwise: 'wait' }
    deploy(rule(), freeze)
    const task = await accept()
    const acceptedAt = now()
    const other = await hold(task)
    let [left, isFreeMeanwhile] = [false, false]
    const { outcome, operations } = await lifecycle.run(task, {
      async onCheckpoint(name) {
        if (left || !name.includes('require-wait START')) return
        left = true
        await leave(items(), other, 'ended', now)
        const ticket = await hold(task, undefined, 'ci-cd/meanwhile')
        isFreeMeanwhile = (await items().readTurn(ticket.key))?.holder?.task === 'ci-cd/meanwhile'
        await leave(items(), ticket, 'ended', now)
      },
    })
    expect([outcome?.result, isFreeMeanwhile]).toEqual(['pass', true])
    expect((now() - acceptedAt) / 1_000).toBeGreaterThan(2 * HOUR - 61)
    expect(operations.filter((operation) => operation.startsWith('turn-number'))).toHaveLength(2)
  })

  it('counts its deadline from the start of the lease, even if the step that took the turn is repeated', async () => {
    const task = await accept()
    const [turn] = turnsIn(task)
    if (!turn) throw new Error('The task has no turn.')
    const number = await items().takeNumber(turn)
    const target = {
      task,
      requirements: [turn],
      until: now() + 4 * HOUR * 1_000,
      isAllowed: () => true,
      reports: {},
      turn,
      ticket: { key: turn.key, number, task: `${task.category}/${task.id}` },
      taskStartedAt: now(),
    }
    const first = await placeAndCheck(target)
    passTime(HOUR / 3)
    const second = await placeAndCheck(target)
    expect([first.state, second]).toEqual(['held', { ...first, heldAt: first.heldAt }])
  })

  it('keeps its number of the last turn for the finisher, after another task has skipped the first one', async () => {
    const task = await accept()
    let other: TurnTicket | undefined
    const { arn, operations } = await lifecycle.run(task, {
      interruption: { checkpoint: 'turn-wait RETRY', isRecorded: true, effect: 'end' },
      async onCheckpoint(name) {
        if (!name.includes('turn-number SUCCEED') || other !== undefined) return
        await items().skip(turnIn(task)?.key ?? '', 1)
        other = await hold(task)
      },
    })
    expect(operations.filter((operation) => operation.startsWith('turn-number'))).toHaveLength(2)
    await lifecycle.finish(arn)
    if (other) await leave(items(), other, 'ended', now)
    expect(await isFree(task)).toBe(true)
  })
})

describe('A task with two turns', () => {
  it('holds the first one for as long as it may wait for the second one, and then act', async () => {
    deploy(rule(), { ...rule(), name: 'per stage', oneAtATime: { per: '{stage}' } })
    const task = await accept()
    const [first, second] = turnsIn(task)
    const other = await hold(task, undefined, undefined, second)
    let leaseMs = 0
    await lifecycle.run(task, {
      async onCheckpoint(name) {
        if (!name.includes('turn-wait RETRY') || leaseMs > 0) return
        leaseMs = ((await items().readTurn(first?.key ?? ''))?.holder?.until ?? 0) - now()
        await leave(items(), other, 'ended', now)
      },
    })
    // It may wait for four hours, and its action may take one.
    expect(leaseMs).toBeGreaterThan(5 * HOUR * 1_000)
  })
})

describe('Tasks for one target', () => {
  it('never run their jobs at the same time, in any order', async () => {
    // All tasks share one clock, which jumps whenever one of them waits. So they need long times.
    const waitAtMost = 'P4D'
    deploy({ ...rule(), waitAtMost }, { ...rule(), name: 'per stage', oneAtATime: { per: '{stage}' }, waitAtMost })
    platform.states = ['busy', 'busy', 'busy', 'done']
    const tasks = await Promise.all(Array.from({ length: 6 }, () => accept(START.replace('PT1H', 'P2D'))))
    expect(tasks[0]?.requirements?.map(({ type }) => type)).toEqual(['turn', 'turn'])
    let [running, most] = [0, 0]
    const ends = await Promise.all(
      tasks.map((task) =>
        lifecycle.run(task, {
          async onCheckpoint(name) {
            if (name.includes('start SUCCEED')) most = Math.max(most, ++running)
            if (name.includes('poll SUCCEED')) running--
          },
        }),
      ),
    )
    expect(ends.map(({ outcome }) => outcome?.result)).toEqual(Array(6).fill('pass'))
    expect([most, platform.runs.length]).toEqual([1, 6])
    // A task that gives up its turn wakes the next one.
    expect(ends.flatMap(({ operations }) => operations).join()).toContain('turn-wait-woken-0')
  })
})

describe('Cancellations of the task that has the turn and of one that waits', () => {
  it('end both at the same moment, and leave the turn free', async () => {
    platform.states = ['busy']
    const [first, second] = [await accept(), await accept()]
    let isRequested = false
    const cancelBoth = async () => {
      if (isRequested) return
      isRequested = true
      const responses = await Promise.all([first, second].map(({ id }) => lifecycle.command('cancel', id)))
      expect(responses.map(({ status }) => status)).toEqual([202, 202])
    }
    const onCheckpoint = async (name: string) => {
      if (name.includes('turn-wait RETRY')) await cancelBoth()
    }
    const ends = await Promise.all([first, second].map((task) => lifecycle.run(task, { onCheckpoint })))
    expect(ends.map(({ outcome }) => outcome?.status)).toEqual(['aborted', 'aborted'])
    expect(platform.runs.map(({ stopped }) => stopped)).toEqual([true])
    expect(await isFree(first)).toBe(true)
  })
})

describe('A turn is free again after its task', () => {
  const targets = ['start-run?connection=job&deadline=P1D', 'start-run?connection=attended&deadline=P1D']
  const interrupted = async (target: string, interruption?: Interruption) => {
    service = `service-${++services}`
    const task = await accept(target)
    return { task, ...(await lifecycle.run(task, { interruption })) }
  }

  it.each(targets)('%s, whichever checkpoint its function crashes at', async (target) => {
    platform.states = ['busy', 'done']
    const { checkpoints } = await interrupted(target)
    const ends: unknown[] = []
    for (const { name, interruption } of interruptions(checkpoints, 'crash')) {
      const { task, outcome } = await interrupted(target, interruption)
      const jobs = platform.runs.filter(({ key }) => key === task.id).length
      ends.push([name, outcome?.result, jobs, await isFree(task)])
    }
    expect(ends).toEqual(ends.map((end) => [(end as string[])[0], 'pass', 1, true]))
  })

  it.each(targets)('%s, when the finisher has come, whichever checkpoint Lambda ends it at', async (target) => {
    platform.states = ['busy', 'done']
    const { checkpoints } = await interrupted(target)
    const ends: unknown[] = []
    for (const { name, interruption } of interruptions(checkpoints, 'end')) {
      const { task, arn } = await interrupted(target, interruption)
      await Promise.all([lifecycle.finish(arn), lifecycle.finish(arn)])
      const cleanup = lifecycle.invocations.find((started) => started.name === `${task.id}-cleanup`)
      if (cleanup) await lifecycle.run(cleanup.payload)
      ends.push([name, await isFree(task)])
    }
    expect(ends).toEqual(ends.map((end) => [(end as string[])[0], true]))
  })
})

describe('A call that a rule gives a turn', () => {
  it('gets 400 if it lacks a part of the target', async () => {
    const options = { caller: 'poll' } as const
    const { status, body } = await lifecycle.post(`${START}&mode=interactive`, { id: 'event', input }, options)
    expect([status, body.detail]).toEqual([400, expect.stringContaining('the call names no service')])
  })

  it('gets 422 with the hint mode=interactive if it is silent', async () => {
    const { status, body } = await lifecycle.post(START, { ...triggered(), input })
    expect([status, body.detail]).toEqual([422, expect.stringContaining('Send the call with mode=interactive')])
    expect(platform.runs).toEqual([])
  })

  it('gets 400 if the platform sends the result of the job itself', async () => {
    const target = 'start-run?connection=delegated&mode=interactive'
    const { status, body } = await lifecycle.post(target, { ...triggered(), input })
    expect([status, body.detail]).toEqual([400, expect.stringContaining('its end is not known')])
  })

  it('has no turn for a stop, which another action must not delay', async () => {
    const stop = await lifecycle.accept('stop-run?connection=job', { input: { id: '1' } })
    expect(stop.requirements).toBeUndefined()
  })
})
