import { describe, expect, it } from '@jest/globals'
import { readApproval } from '../../shared/state/approvals.ts'
import { type Interruption, interruptions } from './execution.ts'
import { onPage, type RunOptions, twoPeople, useApprovals } from './waiting.ts'

const { lifecycle, platform, slack, deploy, run, press } = useApprovals()

const end = (checkpoint: string): Interruption => ({ checkpoint, isRecorded: true, effect: 'end' })
const open = async () => 'open' as const
const seconds = (startedAt: number) => (Date.now() - startedAt) / 1_000

describe('If Lambda ends a task that waits for people', () => {
  const stopped: RunOptions = { interruption: end('require-wait RETRY'), people: open }

  it('its request is closed, and its buttons say so', async () => {
    deploy([twoPeople])
    const { sent, asked, task } = await run({ ...stopped, people: () => press('approve').then(open) })
    expect(lifecycle.sentFor(task)).toEqual(['started', 'finished'])
    expect(sent).toEqual(['started'])
    expect(asked[0]?.outcome?.message).toBe('Canceled by its task: An operator stopped the task')
    expect(JSON.stringify(slack.posts[0]?.blocks)).toContain('Canceled by its task: An operator stopped the task')
    expect(platform.runs).toEqual([])
  })

  it('this happens once, whichever checkpoint the finisher crashes at', async () => {
    deploy([onPage])
    const { finisherCheckpoints } = await run(stopped)
    expect(finisherCheckpoints).toContain('end-approvals SUCCEED')
    for (const { name, interruption } of interruptions(finisherCheckpoints, 'crash')) {
      platform.reset()
      const { asked, task } = await run({ ...stopped, finisher: { interruption } })
      const closed = { messages: platform.messages.map(({ texts }) => texts.length), jobs: platform.runs.length }
      expect([name, lifecycle.sentFor(task), asked.length, closed]).toEqual([
        name,
        ['started', 'finished'],
        1,
        { messages: [2], jobs: 0 },
      ])
    }
  })
})

describe('If Lambda ends a task that asks people', () => {
  const stopped: RunOptions = { asking: { interruption: end('start SUCCEED') } }

  it('the waiting task ends at once, with the reason, and a later vote has no effect', async () => {
    deploy([twoPeople])
    const startedAt = Date.now()
    const { outcome, asked } = await run(stopped)
    expect(seconds(startedAt)).toBeLessThan(300)
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message:
        'Nothing was started: the rule "two people" requires an approval, but the request for it failed. An operator stopped the task.',
    })
    expect(await press('approve')).toBe(200)
    expect(slack.ephemerals.at(-1)?.text).toBe(
      'This approval has ended. An operator stopped the task. Your decision has no effect.',
    )
    expect((await readApproval(asked[0]?.id ?? ''))?.decision).toBeUndefined()
  })

  it('this happens whichever checkpoint the finisher crashes at', async () => {
    deploy([onPage])
    const { finisherCheckpoints } = await run(stopped)
    for (const { name, interruption } of interruptions(finisherCheckpoints, 'crash')) {
      const { outcome } = await run({ ...stopped, finisher: { interruption } })
      expect([name, outcome?.result, outcome?.message]).toEqual([
        name,
        'fail',
        expect.stringContaining('An operator stopped the task'),
      ])
    }
    expect(platform.runs).toEqual([])
  })

  it('after the decision, the action starts', async () => {
    deploy([twoPeople])
    const people = async (_: unknown, wait: string) => {
      await press('approve', wait === 'decision-wake-0' ? 'U0BEN' : 'U0LIZ')
    }
    const { outcome } = await run({ people, asking: { interruption: end('read-decision-1 START') } })
    expect([outcome?.result, platform.runs.length]).toEqual(['pass', 1])
  })
})
