import { describe, expect, it } from '@jest/globals'
import { acceptedTask, followTask } from '../../../infra/keptn/task-status.ts'

const follow = (answers: unknown[], warnings: string[] = []) =>
  followTask('openticket', async () => Response.json(answers.shift() ?? {}), {
    intervalMs: 1,
    signal: AbortSignal.timeout(5_000),
    warn: (text) => warnings.push(text),
  })

describe('the status of a task', () => {
  it('is asked for until the task has ended, and its outcome is what the finished event says', async () => {
    const outcome = {
      status: 'succeeded',
      result: 'pass',
      message: 'Opened',
      data: { id: '1' },
      links: { x: 'https://x' },
    }
    const answers = [{ state: 'running' }, { state: 'running' }, { state: 'finished', outcome }]
    expect(await follow(answers)).toEqual({
      status: 'succeeded',
      result: 'pass',
      message: 'Opened',
      labels: { x: 'https://x' },
      openticket: { id: '1' },
    })
    expect(answers).toEqual([])
  })

  it('of a task that was ended with no outcome is errored, and not waited for any longer', async () => {
    expect(await follow([{ state: 'running' }, { state: 'failed' }])).toMatchObject({
      status: 'errored',
      result: 'fail',
    })
  })
})

it('a 202 without a task is no accepted task', () => {
  expect([acceptedTask('{}'), acceptedTask('no'), acceptedTask('{"taskId":"t","statusUrl":"u"}')]).toEqual([
    undefined,
    undefined,
    { taskId: 't', statusUrl: 'u' },
  ])
})
