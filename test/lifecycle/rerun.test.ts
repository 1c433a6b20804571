import { describe, expect, it } from '@jest/globals'
import { triggered } from './lifecycle.ts'
import { category, useLifecycle } from './platform.ts'
import { passTime } from './runner.ts'

const { lifecycle, platform } = useLifecycle()

const target = 'start-run?connection=attended'
const event = () => ({ ...triggered(), input: { target: 'deploy' } })

async function rerun(taskId: string, caller: 'keptn' | 'poll' = 'keptn') {
  const { statusCode, body } = await lifecycle.request('POST', `tasks/${taskId}/rerun`, {
    headers: lifecycle.authorization(caller),
  })
  return { status: statusCode, body: JSON.parse(body) }
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
        ...{ taskId: expect.stringMatching(/^[0-9a-f]{40}$/), duplicate: false, rerunOf: id },
        statusUrl: `https://webhooks.example.com/v1/${category.name}/tasks/${body.taskId}`,
      },
    })
    const events = lifecycle.events.length
    const { payload } = lifecycle.invocations.at(-1) ?? {}
    if (!payload) throw new Error('Nothing was started.')
    expect(await lifecycle.run(payload)).toMatchObject({ outcome: { result: 'pass' } })
    expect(payload).toMatchObject({ id: body.taskId, action: 'start-run', input: { target: 'deploy' } })
    expect(platform.runs).toMatchObject([{ key: id }, { key: body.taskId }])
    expect(lifecycle.events).toHaveLength(events)
    const { body: read } = await lifecycle.request('GET', `tasks/${body.taskId}`, {
      headers: lifecycle.authorization('keptn'),
    })
    expect(JSON.parse(read)).toMatchObject({ taskId: body.taskId, rerunOf: id, verdict: 'pass' })
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
  const verify = (query: Record<string, string>) =>
    lifecycle.request('POST', 'verify', {
      headers: lifecycle.authorization('keptn'),
      queryStringParameters: query,
    })
  const silent = await verify({})
  expect([silent.statusCode, JSON.parse(silent.body)]).toMatchObject([200, { result: 'pass' }])
  const events = lifecycle.events.length
  const { taskId } = JSON.parse((await verify({ mode: 'interactive', key: 'deployment-1' })).body)
  const { payload } = lifecycle.invocations.find(({ name }) => name === taskId) ?? {}
  if (!payload) throw new Error('Nothing was started.')
  expect(await lifecycle.run(payload)).toMatchObject({
    outcome: { result: 'pass' },
    operations: ['send-finished SUCCEEDED'],
  })
  expect([platform.calls, lifecycle.events.length]).toEqual([[], events])
  expect((await verify({ mode: 'gate' })).statusCode).toBe(400)
  const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
  lifecycle.store('callers', { ...callers, keptn: { ...callers['keptn'], callsPerMinute: 1 } })
  passTime(301)
  expect([(await verify({})).statusCode, (await verify({})).statusCode]).toEqual([200, 429])
  lifecycle.store('callers', callers)
})
