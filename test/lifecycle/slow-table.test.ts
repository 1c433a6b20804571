import { beforeEach, describe, expect, it } from '@jest/globals'
import type { Task } from '../../shared/core/call.ts'
import { cancelTask } from '../../shared/core/task/cancel.ts'
import { payloadOf } from '../../shared/core/task/payload.ts'
import { withLogLines } from '../log-lines.ts'
import type { ExecutionOptions } from './execution.ts'
import { triggered } from './lifecycle.ts'
import { category, useApprovals } from './waiting.ts'

// The SDK suspends a task with an open callback 20 ms after its last operation. After its end, no one completes that callback.
process.env['TEST_LATENCY_MS'] = '50'
const { lifecycle, platform, deploy } = useApprovals()
beforeEach(() => {
  platform.states = ['busy']
})

const START = 'start-run?connection=job&deadline=PT1H'
const ASK = 'ask-approval?connection=chat&deadline=PT1H'
const OPERATOR = 'arn:aws:iam::123456789012:user/jane'
const closed = { name: 'freeze', freeze: [{ from: '2020-01-01', to: '2999-12-31' }], otherwise: 'wait' }
const turn = { name: 'one at a time', oneAtATime: { per: '{connection}' }, waitAtMost: 'PT1H' }

const accept = (target: string) =>
  lifecycle.accept(target, { ...triggered(), ...(target === START ? { input: { target: 'deploy' } } : {}) })
const cancel = (task: Task) =>
  cancelTask(category, task.id, { name: 'keptn' }, { by: 'operator jane', operator: OPERATOR })

/** Lets a source notify us of the end of the job of a task. */
async function withSource(task: Task): Promise<Task> {
  return Object.assign(task, JSON.parse(await payloadOf({ ...task, source: 'ci' })))
}

/** Runs a task, and returns its end and its audit line. */
async function run(task: Task, options?: ExecutionOptions) {
  const { result, lines } = await withLogLines(() => lifecycle.run(task, options))
  const audited = lines.filter((line) => line.includes('"audit":"task"')).map((line) => JSON.parse(line))
  expect(result.operations.filter((operation) => operation.endsWith('TIMED_OUT'))).toEqual([])
  return { ...result, audited }
}

/** Cancels a task once, before a checkpoint is recorded. */
function cancelAt(task: Task, checkpoint: RegExp): ExecutionOptions {
  let canceled: Promise<unknown> | undefined
  return {
    async onCheckpoint(name) {
      if (!checkpoint.test(name)) return
      canceled ??= cancel(task)
      await canceled
    },
  }
}

describe('With a table that takes longer than the SDK waits, a canceled task ends, and its audit record names the operator', () => {
  it.each([
    ['before the first check of a window', [closed], START, /send-started START/],
    ['before the wait for a window', [closed], START, /require START/],
    ['while it waits for a window', [closed], START, /require-wait RETRY/],
    ['before it has its turn', [turn], START, /turn-number START/],
    ['before the first attempt of an approval', [], ASK, /send-started START/],
    ['before an approval is saved', [], ASK, /decision-wake-0 START/],
    ['after an approval was requested', [], ASK, /start SUCCEED/],
  ])('%s', async (_when, rules, target, checkpoint) => {
    deploy(rules)
    const task = await accept(target)
    const { status, outcome, audited } = await run(task, cancelAt(task, checkpoint))
    expect([status, outcome?.status, audited.length]).toEqual(['SUCCEEDED', 'aborted', 1])
    expect(audited[0]).toMatchObject({ outcome: 'aborted', by: OPERATOR, auditId: task.id })
    expect([platform.runs, lifecycle.sentFor(task).at(-1)]).toEqual([[], 'finished'])
  })

  it('while a source is to notify us of the end of its job', async () => {
    deploy([])
    const task = await withSource(await accept(START))
    const { outcome, audited } = await run(task, cancelAt(task, /poll RETRY/))
    expect([outcome?.status, platform.runs[0]?.stopped]).toEqual(['aborted', true])
    expect(audited).toMatchObject([{ outcome: 'aborted', by: OPERATOR }])
  })
})

describe('With a table that takes longer than the SDK waits, a task', () => {
  it('ends when a poll finds that its job was aborted at the platform, and no one is named', async () => {
    deploy([])
    platform.states = ['busy', 'cancelled']
    const { outcome, audited } = await run(await withSource(await accept(START)))
    expect(outcome?.status).toBe('aborted')
    expect(audited).toMatchObject([{ outcome: 'aborted', by: null }])
  })

  it('asks people after its window has opened', async () => {
    deploy([{ ...closed, freeze: [{ from: '2020-01-01', to: today(1) }] }], { waitAtMost: 'P3D' })
    const task = await accept('ask-approval?connection=chat&deadline=P1D')
    let asked = 0
    const { outcome } = await run(task, {
      async onWait() {
        asked = platform.messages.length
        await lifecycle.decide(platform.messages[0]?.page)
      },
    })
    expect([asked, outcome?.result]).toEqual([1, 'pass'])
  })

  it('takes its turn after its window has opened', async () => {
    deploy([{ ...closed, freeze: [{ from: '2020-01-01', to: today(1) }] }, turn], { waitAtMost: 'P3D' })
    platform.states = ['done']
    const { outcome } = await run(await accept(START))
    expect([outcome?.result, platform.runs.length]).toEqual(['pass', 1])
  })
})

/** Returns a date, some days after today. */
function today(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
}
