import { beforeEach, describe, expect, it } from '@jest/globals'
import { countOperations, countPolls } from '../../infra/cli/costs/month.ts'
import { serve } from '../../infra/testing/loopback-server.ts'
import type { Task } from '../../shared/core/call.ts'
import { payloadOf } from '../../shared/core/task/payload.ts'
import { secondsToNextPollOfSource } from '../../shared/core/task/poll-interval.ts'
import { itemKeys } from '../../shared/state/item-keys.ts'
import { activityIn } from '../../shared/state/source-activity.ts'
import { get } from '../../shared/state/table.ts'
import { readWaiter, readWaitingTasks } from '../../shared/state/waiters.ts'
import { wakeTask, wakeTasksOf } from '../../shared/state/wake.ts'
import { forward } from '../functions/load-testing/table.ts'
import { type ExecutionOptions, interruptions } from './execution.ts'
import { useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()
beforeEach(() => {
  platform.states = ['busy']
})

const SOURCE = 'ci'
const START = 'start-run?connection=job'
const input = { target: 'deploy' }
const notify = (runId = '1') => wakeTasksOf(SOURCE, runId)

/** Accepts a call of whose job a source notifies us. */
async function accept(target: string, body: object): Promise<Task> {
  const task = await lifecycle.accept(`${target}&deadline=P1D`, body)
  // The webhook reads the same object as the input of the execution.
  return Object.assign(task, JSON.parse(await payloadOf({ ...task, source: SOURCE })))
}

interface RunOptions extends Pick<ExecutionOptions, 'interruption' | 'onCheckpoint'> {
  target?: string
  body?: object
}

/**
 * Runs a task.
 *
 * @param onPoll by number, from 1: what happens before that poll is recorded
 */
async function run(
  onPoll: Record<number, (task: Task) => Promise<unknown>>,
  { target = START, body = { input }, ...options }: RunOptions = {},
) {
  const task = await accept(target, body)
  const times: number[] = []
  const ended = await lifecycle.run(task, {
    ...options,
    async onCheckpoint(name) {
      await options.onCheckpoint?.(name)
      if (/poll\S* RETRY/.test(name)) await onPoll[times.push(Date.now())]?.(task)
    },
  })
  const [first = 0] = times
  return { task, times: times.map((time) => Math.round((time - first) / 1_000)), ...ended }
}

async function endJob(): Promise<void> {
  for (const run of platform.runs) run.states = ['done']
}

async function endJobAndNotify(): Promise<void> {
  await endJob()
  expect(await notify()).toBe(1)
}

/** Within five seconds: the clock of the test also runs. */
const about = (times: number[]) => times.map((time) => expect.closeTo(time, -1))

describe('A task of whose job a source notifies us', () => {
  it('polls seldom: after 2, 10 and 30 seconds, then as long as it has run, between one and ten minutes', async () => {
    const expected = [0, 2, 10, 30, 90, 180, 360, 720, 1_320, 1_920, 2_520]
    const { times } = await run({ [expected.length]: endJob })
    expect(times).toEqual(about(expected))
    const intervals = expected.slice(1).map((time, index) => time - (expected[index] ?? 0))
    expect(expected.slice(0, -1).map(secondsToNextPollOfSource)).toEqual(intervals)
  })

  it('never waits longer than a minute if its orchestrator gets progress', async () => {
    const { times } = await run({ 10: endJob }, { target: `${START}&progress=true` })
    expect(times.slice(-6)).toEqual(about([90, 150, 210, 270, 330, 390]))
  })

  it.each([
    ['by a poll of the long intervals', 'counts', { 5: endJob }, 1],
    ['by a first poll, before a notification can arrive', 'does not count', { 3: endJob }, 0],
    ['because of a notification', 'does not count', { 5: endJobAndNotify }, 0],
  ])('that notices the end %s %s it as missed', async (_how, _counts, onPoll, missed) => {
    const count = async () => activityIn(await get(itemKeys.sourceActivity(SOURCE))).missed
    const before = await count()
    await run(onPoll)
    expect((await count()) - before).toBe(missed)
  })

  it('polls at once when it is woken, and deletes how to wake it', async () => {
    const { task, outcome, sent, operations } = await run({ 3: endJobAndNotify })
    expect([outcome?.result, sent]).toEqual(['pass', ['started', 'finished']])
    expect(operations.map((operation) => operation.split(' ')[0])).toEqual(
      'send-started start poll-wake-0 poll poll-race-0 poll-woken-0 send-finished'.split(' '),
    )
    expect(await readWaiter(task.category, task.id)).toBeUndefined()
    expect(await readWaitingTasks(SOURCE, '1')).toEqual([])
  })

  it('has the durable operations that webhooks cost computes', async () => {
    // The eighth poll is that after 12 minutes.
    const { operations, checkpoints } = await run({ 8: endJobAndNotify }, { target: `${START}&sendStarted=false` })
    const polls = checkpoints.filter((name) => name.includes('poll RETRY')).length + 1
    const job = { seconds: 1_200, isNotified: true }
    expect(polls).toBe(countPolls(job, 86_400))
    // Lambda counts the execution itself, and each poll.
    expect(1 + operations.length + polls).toBe(countOperations(job, 86_400))
  })

  it('polls again soon if the platform notifies before its API shows the end', async () => {
    const { outcome, times, operations } = await run({ 4: () => notify(), 10: endJob })
    expect(outcome?.result).toBe('pass')
    // The fifth poll is the first one after the wake-up. The clock of the test has moved by the wait that it ended.
    const wokenAt = times[4] ?? 0
    expect(times.slice(4, 9).map((time) => time - wokenAt)).toEqual(about([0, 2, 5, 10, 30]))
    expect(operations).toContain('poll-wake-1 STARTED')
  })

  it('misses no notification that comes after it saved how to wake it, while a poll still reads the state before', async () => {
    let reads = 0
    let notified: Promise<number> | undefined
    const { outcome, times, operations } = await run({
      1: async () => {
        const [job] = platform.runs
        if (!job) throw new Error('There is no run.')
        // The platform answers the second poll with the state before the end, and notifies meanwhile. It reads the list twice.
        Object.defineProperty(job, 'states', {
          get() {
            if (++reads === 1) notified = notify()
            return reads <= 2 ? ['busy'] : ['done']
          },
        })
      },
    })
    expect([outcome?.result, await notified]).toEqual(['pass', 1])
    expect(operations).toContain('poll-woken-0 SUCCEEDED')
    expect(times.length).toBeLessThan(4)
  })

  it('starts one job and sends one result, although it is killed at any checkpoint', async () => {
    const { checkpoints } = await run({ 2: endJobAndNotify })
    const killed = interruptions(checkpoints, 'crash')
    expect(killed.length).toBeGreaterThan(16)
    for (const { name, interruption } of killed) {
      platform.reset()
      platform.states = ['busy']
      const onPoll = {
        2: async () => {
          await endJob()
          await notify()
        },
      }
      const { outcome, sent } = await run(onPoll, { interruption })
      expect([name, platform.runs.length, outcome?.result, sent]).toEqual([name, 1, 'pass', ['started', 'finished']])
    }
  })

  it('stops its job at once when it is canceled', async () => {
    const { outcome, operations } = await run({ 3: ({ id }) => lifecycle.command('cancel', id) })
    expect(platform.runs).toMatchObject([{ stopped: true }])
    expect(outcome).toMatchObject({ status: 'aborted', message: expect.stringMatching(/^Canceled by keptn/) })
    expect(operations).toContain('poll-woken-0 SUCCEEDED')
  })

  it('gets the same result whether a wake-up is early, repeated, for another run or late', async () => {
    const wakeAll = ({ category, id: taskId }: Task) =>
      Promise.all([notify(), notify(), notify('another'), wakeTask({ category, taskId })])
    const { task, outcome, sent } = await run({ 1: wakeAll, 2: wakeAll, 3: wakeAll, 9: endJob })
    expect([outcome?.result, sent]).toEqual(['pass', ['started', 'finished']])
    expect(await notify()).toBe(0)
    expect(await wakeTask({ category: task.category, taskId: task.id })).toBe(false)
  })

  it('is woken together with another task that waits for the same run', async () => {
    platform.afterStop = 'busy'
    const stopRun = async () => {
      const endBoth = async () => {
        await endJob()
        expect(await notify()).toBe(2)
      }
      const stopped = await run({ 2: endBoth }, { target: 'stop-run?connection=job', body: { input: { id: '1' } } })
      expect(stopped.outcome?.result).toBe('pass')
      expect(await readWaitingTasks(SOURCE, '1')).toHaveLength(1)
    }
    const { outcome } = await run({ 3: stopRun })
    expect(outcome?.result).toBe('pass')
    expect(await readWaitingTasks(SOURCE, '1')).toEqual([])
  })

  it('is found by the id that its job gets later, and continues with the state before the wake-up', async () => {
    platform.states = ['queued']
    const leaveQueue = async () => {
      expect([await notify('1'), await notify('build-1')]).toEqual([0, 0])
      for (const run of platform.runs) run.states = ['busy']
    }
    const endBuild = async () => {
      await endJob()
      expect([await notify('1'), await notify('build-1')]).toEqual([0, 1])
    }
    const { outcome, operations } = await run({ 2: leaveQueue, 5: endBuild }, { target: 'start-run?connection=queued' })
    expect([outcome?.result, outcome?.data['id']]).toEqual(['pass', 'build-1'])
    expect(operations).toContain('poll-woken-0 SUCCEEDED')
    expect(await readWaitingTasks(SOURCE, 'build-1')).toEqual([])
  })

  it('polls as without a source while the table cannot save how to wake it', async () => {
    const table = process.env['WEBHOOKS_STATE_TABLE']
    const onCheckpoint = async (name: string) => {
      if (name.includes('start SUCCEED')) process.env['WEBHOOKS_STATE_TABLE'] = 'missing'
    }
    const { outcome, times } = await run({ 20: endJob }, { onCheckpoint })
    process.env['WEBHOOKS_STATE_TABLE'] = table
    expect(outcome?.result).toBe('pass')
    expect(times.at(-1)).toBeLessThan(120)
  })

  it('polls as without a source while the table cannot save for which run it waits', async () => {
    const endpoint = String(process.env['AWS_ENDPOINT_URL_DYNAMODB'])
    const table = await serve((call) =>
      call.text.includes(itemKeys.wake(SOURCE, '1'))
        ? { status: 500, body: { __type: 'InternalServerError' } }
        : forward(endpoint, call),
    )
    process.env['AWS_ENDPOINT_URL_DYNAMODB'] = table.url
    try {
      const { outcome, times } = await run({ 20: endJob })
      expect(outcome?.result).toBe('pass')
      // With a source, the intervals grow to ten minutes.
      const intervals = times.slice(1).map((time, index) => time - (times[index] ?? 0))
      expect(Math.max(...intervals)).toBeLessThan(120)
    } finally {
      process.env['AWS_ENDPOINT_URL_DYNAMODB'] = endpoint
      await table.close()
    }
  })

  it('is woken at most fifty times, and then polls', async () => {
    const onPoll = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [index + 1, () => notify()]))
    const { outcome, operations } = await run({ ...onPoll, 350: endJob })
    expect(outcome?.result).toBe('pass')
    expect(operations.filter((name) => name.startsWith('poll-wake'))).toHaveLength(50)
    expect(operations).toContain('poll-without-wake-ups SUCCEEDED')
  })
})
