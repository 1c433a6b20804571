import { describe, expect, it } from '@jest/globals'
import type { Call } from '../../infra/testing/loopback-server.ts'
import type { Task } from '../../shared/core/call.ts'
import { payloadOf } from '../../shared/core/task/payload.ts'
import { useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()
const sealed = async (task: Task): Promise<Task> => JSON.parse(await payloadOf(task))

const open = 'open-ticket?connection=ticket'
const input = { title: 'Checkout is slow' }
const attended = 'start-run?connection=attended'
const deploy = { input: { target: 'deploy' } }

/** Runs a task that Lambda ends when it records an update of a step, such as `start SUCCEED`. */
async function endAfter(checkpoint: string, target = open, event: object = { input }, isRecorded = true) {
  const task = await lifecycle.accept(target, event)
  const ended = await lifecycle.run(task, { interruption: { checkpoint, isRecorded, effect: 'end' } })
  expect(ended.status).toBe('FAILED')
  return { task, ...ended }
}
const isEvent =
  (kind: string) =>
  ({ method, body }: Call) =>
    method === 'POST' && String((body as { type?: string }).type).endsWith(kind)

describe('The finisher', () => {
  it.each([
    ['FAILED', /execution of the task failed \(Lambda ended the execution\)/],
    ['TIMED_OUT', /ran longer than its maximum time/],
    ['STOPPED', /An operator stopped the task/],
  ])('answers for a task with the status %s, and says why', async (status, message) => {
    const { task, arn } = await endAfter('start START')
    expect(lifecycle.sentFor(task)).toEqual(['started'])
    expect(await lifecycle.finish(arn, { status })).toMatchObject({ finished: true })
    expect(lifecycle.sentFor(task)).toEqual(['started', 'finished'])
    expect(lifecycle.events.at(-1)?.data).toMatchObject({
      status: 'errored',
      result: 'fail',
      message: expect.stringMatching(message),
    })
  })

  it.each([
    ['sends the missing started event, too', 'send-started START', open, ['started', 'finished']],
    ['sends no started event that the call did not request', 'start START', `${open}&sendStarted=false`, ['finished']],
  ])('%s', async (_, checkpoint, target, sent) => {
    const { task, arn } = await endAfter(checkpoint, target)
    await lifecycle.finish(arn)
    expect(lifecycle.sentFor(task)).toEqual(sent)
  })

  it('sends both events if the started event was refused until the deadline', async () => {
    lifecycle.keptn.failNext(503, { message: 'maintenance' }, { on: isEvent('.started'), times: 100 })
    const { task, arn } = await endAfter('send-started-late START', `${open}&deadline=PT5M`)
    lifecycle.keptn.recover()
    await lifecycle.finish(arn)
    expect(lifecycle.sentFor(task)).toEqual(['started', 'finished'])
  })

  it('answers once if EventBridge delivers the status change twice', async () => {
    const { task, arn } = await endAfter('start SUCCEED')
    const finished = await Promise.all([lifecycle.finish(arn), lifecycle.finish(arn)])
    expect(finished.map((one) => one.finished).toSorted()).toEqual([false, true])
    expect(await lifecycle.finish(arn)).toMatchObject({ finished: false })
    expect(lifecycle.sentFor(task)).toEqual(['started', 'finished'])
  })

  it('answers once if an operator runs it again', async () => {
    const { task, arn } = await endAfter('start SUCCEED')
    await lifecycle.finish(arn)
    expect(await lifecycle.finish(arn, { again: true })).toMatchObject({ finished: true })
    expect(lifecycle.sentFor(task)).toEqual(['started', 'finished'])
  })

  it('ignores a task that has sent its result', async () => {
    const { task, arn } = await endAfter('send-finished SUCCEED')
    expect(await lifecycle.finish(arn)).toMatchObject({ finished: false })
    expect(lifecycle.sentFor(task)).toEqual(['started', 'finished'])
  })

  it('answers after the orchestrator is back', async () => {
    const { task, arn } = await endAfter('start SUCCEED')
    lifecycle.keptn.failNext(503, { message: 'maintenance' }, { on: isEvent('.finished'), times: 5 })
    await lifecycle.finish(arn)
    expect(lifecycle.sentFor(task)).toEqual(['started', 'finished'])
  })

  it.each([
    ['has', true],
    ['may have', false],
  ])('starts a cleanup of a job that %s started and must not outlive its task', async (_what, isRecorded) => {
    platform.states = ['busy', 'done']
    const { id, arn } = await endAfter('start SUCCEED', attended, deploy, isRecorded)
    await lifecycle.finish(arn)
    expect(lifecycle.events.at(-1)?.data.message).toContain('A cleanup stops the job')
    const [cleanup] = lifecycle.invocations.filter(({ name }) => name === `${id}-cleanup`)
    expect(cleanup?.functionName).toBe('arn:aws:lambda:eu-west-1:123456789012:function:task:1')
    if (!cleanup) throw new Error('No cleanup was started.')
    const { sent, status } = await lifecycle.run(cleanup.payload)
    expect({ sent, status }).toEqual({ sent: ['started', 'finished'], status: 'SUCCEEDED' })
    expect(platform.runs).toMatchObject([{ stopped: true }])
  })

  it('starts no cleanup if the action had not started', async () => {
    const { id, arn } = await endAfter('send-started SUCCEED', attended, deploy)
    await lifecycle.finish(arn)
    expect(lifecycle.invocations.map(({ name }) => name)).not.toContain(`${id}-cleanup`)
  })

  it('does not answer for a payload that no webhook has sealed, which runs nothing', async () => {
    const task = await lifecycle.accept(attended, deploy)
    for (const forged of [
      { ...task, caller: 'stranger' },
      { ...task, seal: undefined },
      { ...task, input: {} },
    ]) {
      const { arn, status, sent } = await lifecycle.run(forged)
      expect([status, sent]).toEqual(['FAILED', []])
      expect(await lifecycle.finish(arn, { status: 'FAILED' })).toMatchObject({ finished: false })
    }
    expect([platform.runs, lifecycle.sentFor(task)]).toEqual([[], []])
  })

  it('is not needed for a payload that a newer key has sealed than the one that the task has cached', async () => {
    const [key, newKey] = ['an-identity-key-of-the-tests-0123456789', 'a-new-identity-key-of-the-tests-012345']
    lifecycle.replace('identity', { key: newKey, previousKey: key })
    const task = await lifecycle.accept(open, { input })
    lifecycle.replace('identity', { key })
    await lifecycle.accept(open, { input })
    lifecycle.store('identity', { key: newKey, previousKey: key })
    expect(await lifecycle.run(task)).toMatchObject({ status: 'SUCCEEDED', sent: ['started', 'finished'] })
    lifecycle.replace('identity', { key })
  })

  it('does not answer for a cleanup that Lambda ended', async () => {
    const { task } = await endAfter('start SUCCEED', attended, deploy)
    const { arn } = await lifecycle.run(await sealed({ ...task, only: 'cleanup' }))
    expect(await lifecycle.finish(arn)).toMatchObject({ finished: false })
    expect(lifecycle.sentFor(task)).toEqual(['started'])
  })
})
