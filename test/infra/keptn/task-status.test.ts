import { describe, expect, it } from '@jest/globals'
import { acceptedTask, pollTask } from '../../../infra/keptn/task-status.ts'

const poll = (answers: unknown[], warnings: string[] = []) =>
  pollTask('openticket', async () => Response.json(answers.shift() ?? {}), {
    intervalMs: 1,
    signal: AbortSignal.timeout(5_000),
    warn: (text) => warnings.push(text),
  })

describe('the status of a task', () => {
  it('is polled until the task has ended, and becomes the finished event', async () => {
    const [ended, links] = [{ status: 'succeeded', result: 'pass', message: 'Opened' }, { x: 'https://x' }]
    const outcome = { ...ended, data: { id: '1' }, links }
    const answers = [{ state: 'running' }, { state: 'running' }, { state: 'finished', outcome }]
    expect(await poll(answers)).toEqual({ ...ended, labels: links, openticket: { id: '1' } })
    expect(answers).toEqual([])
  })

  it('of a task without an outcome becomes an errored finished event', async () => {
    const answers = [{ state: 'running' }, { state: 'failed' }]
    expect(await poll(answers)).toMatchObject({ status: 'errored', result: 'fail' })
  })
})

it('acceptedTask ignores a 202 response without a task', () => {
  expect([acceptedTask('{}'), acceptedTask('no'), acceptedTask('{"taskId":"t","statusUrl":"u"}')]).toEqual([
    undefined,
    undefined,
    { taskId: 't', statusUrl: 'u' },
  ])
})
