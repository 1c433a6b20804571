import { expect, it } from '@jest/globals'
import { acceptedTask, pollTask } from '../../../../infra/sandbox/keptn/task-status.ts'

it('a task without an outcome becomes an errored finished event', async () => {
  const answers = [{ state: 'running' }, { state: 'failed' }]
  const options = { intervalMs: 1, signal: AbortSignal.timeout(5_000), warn: () => undefined }
  const event = await pollTask('openticket', async () => Response.json(answers.shift()), options)
  expect(event).toMatchObject({ status: 'errored', result: 'fail' })
})

it('acceptedTask ignores a 202 response without a task', () => {
  expect([acceptedTask('{}'), acceptedTask('no'), acceptedTask('{"taskId":"t","statusUrl":"u"}')]).toEqual([
    undefined,
    undefined,
    { taskId: 't', statusUrl: 'u' },
  ])
})
