import { createHash } from 'node:crypto'
import { describe, expect, it, jest } from '@jest/globals'
import { triggered } from './lifecycle.ts'
import { category, useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()

const target = 'start-run?connection=attended'
const event = () => ({ ...triggered(), input: { target: 'deploy' } })

const rerun = (taskId: string, caller: 'keptn' | 'poll' = 'keptn') => lifecycle.command('rerun', taskId, caller)

/** Changes the entry of the caller while something runs. */
async function withCaller<T>(change: object, run: () => Promise<T>): Promise<T> {
  const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
  lifecycle.replace('callers', { ...callers, keptn: { ...callers['keptn'], ...change } })
  const result = await run()
  lifecycle.replace('callers', callers)
  return result
}

/** Runs a task that fails. */
async function failed() {
  platform.states = ['broken']
  const task = await lifecycle.call(target, event())
  expect(task.outcome?.result).toBe('fail')
  platform.states = ['done']
  return task
}

describe('A task that failed', () => {
  it('runs again as a new task with the same input, whose result is not sent', async () => {
    const { id } = await failed()
    const { status, body } = await rerun(id)
    expect({ status, body }).toEqual({
      status: 202,
      body: {
        taskId: expect.stringMatching(/^[0-9a-f]{40}$/),
        duplicate: false,
        rerunOf: id,
        statusUrl: `https://webhooks.example.com/v1/${category.name}/tasks/${body.taskId}`,
      },
    })
    const events = lifecycle.events.length
    const payload = lifecycle.newest()
    expect(await lifecycle.run(payload)).toMatchObject({ outcome: { result: 'pass' } })
    expect(payload).toMatchObject({ id: body.taskId, action: 'start-run', input: { target: 'deploy' } })
    // It takes a key to compute the id.
    expect(body.taskId).not.toBe(createHash('sha256').update(`rerun ${id}`).digest('hex').slice(0, 40))
    expect(platform.runs).toMatchObject([{ key: id }, { key: body.taskId }])
    expect(lifecycle.events).toHaveLength(events)
    const read = await lifecycle.send('GET', `tasks/${body.taskId}`, { headers: lifecycle.authorization('keptn') })
    expect(read.body).toMatchObject({ taskId: body.taskId, rerunOf: id, verdict: 'pass' })
  })

  it('runs again once', async () => {
    const { id } = await failed()
    const first = await rerun(id)
    const started = lifecycle.invocations.length
    expect((await rerun(id)).body).toEqual({ ...first.body, duplicate: true })
    expect(lifecycle.invocations).toHaveLength(started)
  })

  it('is not run again by another caller', async () => {
    const { id } = await failed()
    expect((await rerun(id, 'poll')).status).toBe(404)
  })

  it.each([
    ['connection', { allowConnections: { testing: ['job'] } }, 'may not use the connection attended'],
    ['action', { allow: ['testing/open-ticket'] }, 'may not call testing/start-run'],
  ])('is not run again if its caller may no longer use its %s', async (_what, change, detail) => {
    const { id } = await failed()
    const started = lifecycle.invocations.length
    expect(await withCaller(change, () => rerun(id))).toMatchObject({
      status: 403,
      body: { detail: expect.stringContaining(detail) },
    })
    expect(lifecycle.invocations).toHaveLength(started)
  })
})

it('A task that runs is not run again', async () => {
  const { id } = await lifecycle.accept(target, event())
  expect(await rerun(id)).toMatchObject({ status: 409, body: { detail: expect.stringContaining('still running') } })
})

it('A task that passed is not run again', async () => {
  platform.states = ['done']
  const { id } = await lifecycle.call(target, event())
  expect(await rerun(id)).toMatchObject({ status: 400, body: { detail: expect.stringContaining('ended with pass') } })
})

it('A verification passes without an orchestrator and a platform, and counts as a call of its caller', async () => {
  const verify = (query = '') =>
    lifecycle.send('POST', `verify?${query}`, { headers: lifecycle.authorization('keptn') })
  expect(await verify()).toMatchObject({ status: 200, body: { result: 'pass' } })
  const events = lifecycle.events.length
  const task = lifecycle.accepted(await verify('mode=interactive&key=deployment-1'))
  expect(await lifecycle.run(task)).toMatchObject({
    outcome: { result: 'pass' },
    operations: ['send-finished SUCCEEDED'],
  })
  expect([platform.calls, lifecycle.events.length]).toEqual([[], events])
  expect(await verify('mode=gate')).toMatchObject({ status: 400 })
  const statuses = await withCaller({ callsPerMinute: 1 }, async () => {
    // Both calls are in the same minute.
    const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now())
    const both = [(await verify()).status, (await verify()).status]
    now.mockRestore()
    return both
  })
  expect(statuses).toEqual([200, 429])
})
