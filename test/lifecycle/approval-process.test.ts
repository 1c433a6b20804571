import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { notification } from '../../functions/notification/index.ts'
import { payloadOf } from '../../shared/core/task/payload.ts'
import { wakeTasksOf } from '../../shared/state/wake.ts'
import { startOnce } from '../functions/helpers.ts'
import { startServiceNowChange } from '../functions/notification/servicenow-change/fake.ts'
import { Lifecycle } from './lifecycle.ts'

const lifecycle = new Lifecycle(notification)
const server = startOnce(startServiceNowChange)
startOnce(() => lifecycle.start())
beforeAll(() => {
  lifecycle.connect('changes', { provider: 'servicenow-change', baseUrl: server.url, token: server.token })
})
beforeEach(() => {
  Object.assign(server.state, { changes: [], approvers: [], unmetCondition: undefined })
  server.recover()
})

const target = 'ask-approval?connection=changes&deadline=PT1H'
/** Runs a task, and does something once after its first poll without a decision. */
async function ask(onPoll: (taskId: string) => unknown = () => undefined, source?: string) {
  const task = await lifecycle.accept(target, {})
  // The webhook reads the same object as the input of the execution.
  if (source !== undefined) Object.assign(task, JSON.parse(await payloadOf({ ...task, source })))
  let isFirst = true
  return lifecycle.run(task, {
    async onCheckpoint(name) {
      if (!name.includes('poll-decision RETRY') || !isFirst) return
      isFirst = false
      await onPoll(task.id)
    },
  })
}

describe('An approval by a process of the platform', () => {
  it.each([
    ['approved', 'pass', 'Approved by Jane Doe: looks good'],
    ['rejected', 'fail', 'Rejected by Jane Doe: looks good'],
  ] as const)('that is %s ends with the result %s', async (approval, result, message) => {
    const { outcome, sent, operations } = await ask(() => server.decide(approval, 'Jane Doe', 'looks good'))
    const [change] = server.state.changes
    const data = { id: change?.sys_id, decision: approval, by: 'Jane Doe', at: '2026-11-27T12:58:05.000Z' }
    expect(outcome).toMatchObject({ status: 'succeeded', result, message, data })
    expect(sent).toEqual(['started', 'finished'])
    expect(operations.map((operation) => operation.split(' ')[0])).toEqual([
      'send-started',
      'start',
      'poll-decision',
      'send-finished',
    ])
  })

  it('is read at once when ServiceNow notifies us of the decision', async () => {
    const decideAndNotify = async () => {
      server.decide('approved', 'Jane Doe', 'looks good')
      expect(await wakeTasksOf('changes', server.state.changes[0]?.sys_id ?? '')).toBe(1)
    }
    const { outcome, operations } = await ask(decideAndNotify, 'changes')
    expect(outcome).toMatchObject({ result: 'pass', message: 'Approved by Jane Doe: looks good' })
    expect(operations).toContain('poll-decision-woken-0 SUCCEEDED')
  })

  it('is withdrawn at once if its task is canceled while it waits for a notification', async () => {
    const cancel = (taskId: string) => lifecycle.command('cancel', taskId)
    const { outcome, operations } = await ask(cancel, 'changes')
    expect(outcome).toMatchObject({ status: 'aborted', message: 'Canceled by keptn' })
    expect(operations).toContain('poll-decision-woken-0 SUCCEEDED')
  })

  it('that no one decides fails at its deadline, and is withdrawn', async () => {
    const { outcome } = await ask()
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'fail', data: { decision: 'expired' } })
    expect(server.state.changes).toMatchObject([{ state: '4', work_notes: 'Expired: no one decided in time' }])
  })

  it('that is withdrawn at the platform ends as aborted', async () => {
    const { outcome } = await ask(() => Object.assign(server.state.changes[0] ?? {}, { state: '4' }))
    expect(outcome).toMatchObject({ status: 'aborted', result: 'fail', message: 'Canceled by ServiceNow' })
  })

  it('is withdrawn if its task is canceled', async () => {
    const { outcome } = await ask(async (taskId) => {
      expect(await lifecycle.command('cancel', taskId)).toMatchObject({ status: 202 })
    })
    expect(outcome).toMatchObject({ status: 'aborted', result: 'fail', message: 'Canceled by keptn' })
    expect(server.state.changes).toMatchObject([{ state: '4', work_notes: 'Canceled by keptn' }])
  })

  it('survives a platform that is down for a while', async () => {
    const { outcome } = await ask(() => {
      server.failNext(503, 'Unavailable', { on: 'GET', times: 10 })
      server.decide('approved')
    })
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'pass' })
  })

  it('ends as errored if the platform keeps refusing its status', async () => {
    const body = { error: { message: 'No Record found', detail: null }, status: 'failure' }
    const { outcome, sent } = await ask(() => server.failNext(404, body, { on: 'GET', times: 20 }))
    expect(outcome).toMatchObject({ status: 'errored', message: expect.stringContaining('No Record found') })
    expect(sent).toEqual(['started', 'finished'])
  })

  it('that the platform refuses ends with its reason', async () => {
    server.state.unmetCondition = 'Implementation plan is filled in'
    const { outcome } = await ask()
    expect(outcome).toMatchObject({ status: 'errored', message: expect.stringContaining('plan is filled in') })
  })

  it('is created once if the response of the platform was lost', async () => {
    server.loseNext('POST')
    const { outcome } = await ask(() => server.decide('approved'))
    expect(outcome).toMatchObject({ result: 'pass' })
    expect(server.state.changes).toHaveLength(1)
  })
})
