import { describe, expect, it } from '@jest/globals'
import type { Call } from '../../infra/testing/loopback-server.ts'
import { readApproval, saveDecision } from '../../shared/state/approvals.ts'
import { closeCallback } from '../../shared/state/wake.ts'
import { triggered } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'
import { passTime, withPauses } from './runner.ts'

const { lifecycle, platform } = useLifecycle()

const target = 'ask-approval?connection=chat'
/** The callback of a task that has reminded people. */
const AFTER_REMINDER = 'decision-wake-1'
/** Requests an approval, and does something when the task waits for a person. */
const ask = (onWait?: (name: string) => Promise<void>, query = '') =>
  lifecycle.call(`${target}${query}`, {}, { onWait })
/** Sends the form of the approval page, and returns the status of the response. */
const decide = async (decision: 'approve' | 'reject', name = 'Jane Doe') =>
  (await lifecycle.decide(platform.messages[0]?.page, { decision, name })).statusCode
const showPage = async () => (await lifecycle.request('GET', platform.messages[0]?.page ?? '')).statusCode
/** The approval of the newest task. */
async function newestApproval() {
  const taskId = lifecycle.newest().id
  const stored = await readApproval(taskId)
  if (!stored) throw new Error('There is no approval')
  return { taskId, ...stored }
}
const isWrite =
  (method: string, path: RegExp) =>
  (call: Call): boolean =>
    call.method === method && path.test(call.path)

describe('An approval', () => {
  it('that is granted passes, and its message shows who decided', async () => {
    const { outcome, sent, operations } = await ask(async () => {
      expect(await decide('approve')).toBe(200)
    })
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'pass', data: { decision: 'approved' } })
    expect(sent).toEqual(['started', 'finished'])
    expect(platform.messages).toMatchObject([
      { replies: [], texts: [expect.any(String), 'Approved by link: Jane Doe'] },
    ])
    expect(operations.map((operation) => operation.replace(' SUCCEEDED', ''))).toEqual([
      'send-started',
      'decision-wake-0',
      'save-approval',
      'start',
      'read-decision-0',
      'close-approval',
      'send-finished',
    ])
  })

  it('names the caller that asks, and the person that the caller names', async () => {
    const { input } = await lifecycle.accept(target, { ...triggered(), input: { requester: 'Jane Doe' } })
    const [caller, requester] = [
      { name: 'Caller', value: 'keptn' },
      { name: 'Requested by', value: 'Jane Doe' },
    ]
    expect(input).toMatchObject({ message: { fields: [caller, requester] } })
  })

  it('that is rejected fails', async () => {
    const { outcome, events } = await ask(async () => {
      await decide('reject')
    })
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'fail', data: { decision: 'rejected' } })
    expect(events.at(-1)?.data).toMatchObject({ result: 'fail', message: 'Rejected by link: Jane Doe' })
  })

  it('reminds people, and accepts a decision after the reminder', async () => {
    const { outcome } = await ask(async (name) => {
      if (name === AFTER_REMINDER) expect(await decide('approve')).toBe(200)
    })
    expect(outcome).toMatchObject({ result: 'pass' })
    expect(platform.messages).toMatchObject([
      { replies: ['Still open: Approve check of checkout in shop/production?'] },
    ])
  })

  it.each([
    [{ stage: 'default', service: 'podinfo' }, 'Approve podinfo in default?'],
    [{}, 'Approve this?'],
  ])('of a call without a task asks about the service: %j', async (data, title) => {
    const event = { data, input: {} }
    await lifecycle.post(`ask-approval?mode=gate&connection=chat&key=${title}`, event, { caller: 'poll' })
    expect(lifecycle.newest().input).toMatchObject({ message: { title } })
  })

  it('that no one decides fails at its deadline, and its page says that it has ended', async () => {
    const startedAt = Date.now()
    const { outcome, sent } = await ask(undefined, '&deadline=P2D')
    const days = (Date.now() - startedAt) / 86_400_000
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'fail', data: { decision: 'expired' } })
    expect(sent).toEqual(['started', 'finished'])
    expect(Math.round(days)).toBe(2)
    expect([await decide('approve'), await showPage()]).toEqual([410, 410])
    expect(platform.messages).toMatchObject([
      { texts: [expect.any(String), 'Expired: no one decided in time'], replies: [expect.any(String)] },
    ])
  })

  it('has no reminder if its deadline is minutes away', async () => {
    const { operations } = await ask(undefined, '&deadline=PT5M')
    expect(operations.join()).not.toContain(AFTER_REMINDER)
    expect(platform.messages).toMatchObject([{ replies: [] }])
  })

  it('is decided once if two people respond at the same time', async () => {
    let statuses: number[] = []
    const { outcome } = await ask(async () => {
      statuses = await withPauses(() => Promise.all([decide('approve', 'Ann'), decide('reject', 'Ben')]))
    })
    expect(statuses.toSorted()).toEqual([200, 409])
    expect(outcome).toMatchObject({ result: statuses[0] === 200 ? 'pass' : 'fail' })
  })

  it('that has been decided refuses another decision, also after its task has ended', async () => {
    await ask(async () => {
      expect([await decide('approve'), await decide('reject')]).toEqual([200, 409])
    })
    expect([await decide('reject'), await showPage()]).toEqual([409, 200])
  })

  it('is decided although its task cannot be woken, and a second response wakes it', async () => {
    let statuses: number[] = []
    const { outcome, operations } = await ask(async () => {
      const isWakeUp = ({ path }: Call) => path.endsWith('/succeed')
      lifecycle.aws.failNext(500, { message: 'oops' }, { on: isWakeUp, times: 3 })
      statuses = [await decide('reject'), await showPage(), await decide('approve')]
    })
    expect(statuses).toEqual([503, 200, 409])
    expect(outcome).toMatchObject({ result: 'fail', data: { decision: 'rejected' } })
    expect(operations).toContain('decision-wake-0 SUCCEEDED')
  })

  describe('whose decision is saved by a function that dies before it wakes the task', () => {
    const decideAndDie = async () => {
      const { taskId } = await newestApproval()
      await saveDecision(taskId, { decision: 'approve', by: 'Jane', at: new Date().toISOString() })
    }

    it('is decided when people would be reminded', async () => {
      const { outcome, operations } = await ask(decideAndDie)
      expect(outcome).toMatchObject({ result: 'pass', data: { by: 'Jane' } })
      expect(operations).toContain('decision-wake-0 TIMED_OUT')
      expect(platform.messages).toMatchObject([{ replies: [] }])
    })

    it('is decided at the deadline, which it has met', async () => {
      const { outcome } = await ask(async (name) => {
        if (name !== AFTER_REMINDER) return
        const { approval } = await newestApproval()
        passTime((approval.deadlineAt - Date.now()) / 1_000 - 1)
        await decideAndDie()
      })
      expect(outcome).toMatchObject({ result: 'pass', data: { by: 'Jane' } })
    })
  })

  it('is not decided by a function whose clock is behind, after the task has ended it', async () => {
    const { outcome } = await ask(undefined, '&deadline=PT5M')
    const { taskId, approval } = await newestApproval()
    const at = new Date(approval.deadlineAt - 1).toISOString()
    expect(await saveDecision(taskId, { decision: 'approve', by: 'Jane', at })).toBeUndefined()
    expect(outcome).toMatchObject({ data: { decision: 'expired' } })
  })

  it.each([
    ['the reminder', 'remind START'],
    ['the change of the callback', `${AFTER_REMINDER} START`],
    ['the save of the callback', 'save-wake-up-1 START'],
  ])('is decided at once during %s', async (_step, checkpoint) => {
    let status = 0
    const onCheckpoint = async (name: string) => {
      if (name.includes(checkpoint)) status = await decide('approve')
    }
    const task = await lifecycle.call(target, {}, { onCheckpoint })
    const { approval } = await newestApproval()
    expect([status, task.outcome?.result]).toEqual([200, 'pass'])
    expect(Date.now()).toBeLessThan(approval.deadlineAt - 3_600_000)
  })

  it('is not decided by a forged, repeated or late wake-up', async () => {
    const forged = JSON.stringify({ decision: 'approve', by: 'Mallory', at: new Date().toISOString() })
    const seen: unknown[] = []
    const wake = async () => closeCallback((await newestApproval()).callbackId, forged)
    const { outcome, operations } = await ask(async (name) => {
      if (name === 'decision-wake-2') seen.push(await decide('reject'), await wake())
      else seen.push(await wake(), await wake())
    })
    expect(seen).toEqual([true, false, true, false, 200, false])
    expect(await wake()).toBe(false)
    expect(outcome).toMatchObject({ result: 'fail', data: { decision: 'rejected', by: 'link: Jane Doe' } })
    expect(operations).not.toContain('remind SUCCEEDED')
  })

  it('reads the decision within an hour after too many wake-ups without one', async () => {
    let wakeUps = 0
    const { outcome } = await ask(async () => {
      const { callbackId } = await newestApproval()
      if (await closeCallback(callbackId, '')) wakeUps++
      else await decide('approve')
    })
    const { approval } = await newestApproval()
    expect([outcome?.result, wakeUps]).toEqual(['pass', 51])
    expect(Date.now()).toBeLessThan(approval.deadlineAt - 6 * 86_400_000)
  })

  it.each([
    ['approve', 'cancel'],
    ['cancel', 'approve'],
  ])('has one end if %s and %s come together', async (...order) => {
    let status = 0
    const requests: Record<string, (taskId: string) => Promise<unknown>> = {
      approve: async () => {
        status = await decide('approve')
      },
      cancel: (taskId) => lifecycle.command('cancel', taskId),
    }
    const { outcome } = await ask(async () => {
      const { taskId } = await newestApproval()
      await withPauses(() => Promise.all(order.map((name) => requests[name]?.(taskId))))
    })
    const decision = status === 200 ? 'approved' : 'canceled'
    expect([200, 409]).toContain(status)
    expect(outcome?.data['decision']).toBe(decision)
    expect(platform.messages[0]?.texts).toHaveLength(2)
  })

  it('ends as errored if the table cannot be read at the deadline', async () => {
    const table = process.env['AWS_ENDPOINT_URL_DYNAMODB']
    const { outcome } = await ask(async () => {
      // Refuses all requests to a table.
      process.env['AWS_ENDPOINT_URL_DYNAMODB'] = lifecycle.aws.url
    }, '&deadline=PT5M').finally(() => Object.assign(process.env, { AWS_ENDPOINT_URL_DYNAMODB: table }))
    expect(outcome).toMatchObject({ status: 'errored', message: expect.stringContaining('It is not known whether') })
  })

  it('is posted once if the response of the platform was lost', async () => {
    platform.loseNext('POST')
    await ask(async () => {
      await decide('approve')
    })
    expect(platform.messages).toHaveLength(1)
  })

  it('that the platform refuses ends with its reason, and no one is asked', async () => {
    platform.failNext(403, { message: 'no access to this channel' }, { on: 'POST' })
    const { outcome, sent } = await ask()
    expect(outcome).toMatchObject({ status: 'errored', message: expect.stringContaining('no access to this channel') })
    expect(sent).toEqual(['started', 'finished'])
  })

  it.each([
    ['the reminder', isWrite('POST', /replies$/)],
    ['the closed message', isWrite('PUT', /^.messages/)],
  ])('does not depend on %s', async (_name, on) => {
    platform.failNext(500, { message: 'oops' }, { on, times: 100 })
    const { outcome } = await ask(async (name) => {
      if (name === AFTER_REMINDER) await decide('approve')
    })
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'pass' })
  })

  it('closes its message even if the platform accepts the new credentials only later', async () => {
    platform.failNext(401, { message: 'unauthorized' }, { on: isWrite('PUT', /^.messages/), times: 2 })
    await ask(async () => {
      await decide('approve')
    })
    expect(platform.messages[0]?.texts).toHaveLength(2)
  })

  it('posts nothing in a dry run', async () => {
    const { status, body } = await lifecycle.post(`${target}&dryRun=true`, triggered())
    expect({ status, body }).toMatchObject({ status: 200, body: { message: expect.stringContaining('Dry run') } })
    expect(platform.messages).toEqual([])
  })
})
