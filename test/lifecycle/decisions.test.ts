import { describe, expect, it } from '@jest/globals'
import { withLogLines } from '../log-lines.ts'
import { triggered } from './lifecycle.ts'
import { onPage, twoPeople, useApprovals } from './waiting.ts'

const { lifecycle, platform, deploy, run, press } = useApprovals()

describe('The finisher of an approved task', () => {
  it('says who has approved, in the outcome and in the audit record', async () => {
    deploy([onPage])
    const event = { ...triggered(), input: { target: 'deploy' } }
    const task = await lifecycle.accept('start-run?connection=job&deadline=PT4H', event)
    // The finisher runs when the execution has ended.
    const { result, lines } = await withLogLines(() =>
      run({
        task,
        people: async ({ id }) => lifecycle.decide(platform.messages.find(({ key }) => key === id)?.page),
        interruption: { checkpoint: 'start START', isRecorded: true, effect: 'end' },
      }),
    )
    expect(result.status).toBe('FAILED')
    const decision = { rule: onPage.name, decision: 'approve', by: 'link: Jane Doe' }
    expect(lifecycle.events.at(-1)?.data).toMatchObject({
      status: 'errored',
      message: expect.stringMatching(/Check the platform for the effects of the task\. Approved by link: Jane Doe\.$/),
    })
    const record = lines.find((line) => line.includes('"audit":"task"') && line.includes(task.id)) ?? ''
    expect(JSON.parse(record)).toMatchObject({ audit: 'task', outcome: 'errored', decisions: [decision] })
  })
})

describe('A task that is canceled after one of two votes', () => {
  it('has the vote in its outcome and in the audit record, and is not said to be approved', async () => {
    deploy([twoPeople])
    const task = await lifecycle.accept('start-run?connection=job', { input: { target: 'deploy' } })
    let hasVoted = false
    const { result, lines } = await withLogLines(() =>
      run({
        task,
        async people() {
          if (!hasVoted) {
            hasVoted = true
            expect(await press('approve')).toBe(200)
            expect((await lifecycle.command('cancel', task.id)).status).toBe(202)
          }
          return 'open'
        },
      }),
    )
    const decision = { rule: twoPeople.name, decision: 'approve' }
    expect(result.outcome).toMatchObject({ status: 'aborted', data: { decisions: [decision] } })
    expect(result.outcome?.message).not.toContain('Approved by')
    const record = lines.find((line) => line.includes('"audit":"task"') && line.includes(task.id)) ?? ''
    expect(JSON.parse(record)).toMatchObject({ outcome: 'aborted', decisions: [decision] })
    expect(platform.runs).toEqual([])
  })
})
