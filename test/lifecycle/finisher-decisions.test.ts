import { describe, expect, it } from '@jest/globals'
import { withLogLines } from '../log-lines.ts'
import { triggered } from './lifecycle.ts'
import { onPage, useApprovals } from './waiting.ts'

const { lifecycle, platform, deploy, run } = useApprovals()

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
