import { beforeEach, describe, expect, it } from '@jest/globals'
import { useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()

beforeEach(() => {
  const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
  const agent = { agent: true, writes: 'allow', orchestrator: undefined }
  lifecycle.replace('callers', { ...callers, keptn: { ...callers['keptn'], ...agent } })
})

const open = (key: string, title: string) =>
  lifecycle.post(`open-ticket?connection=ticket&mode=interactive&key=${key}`, { input: { title } })

describe('A key of an agent', () => {
  it('names one call: with other arguments it starts nothing, and the response names the task', async () => {
    const first = await open('incident-7', 'Checkout is slow')
    await lifecycle.run(lifecycle.newest())
    expect(await open('incident-7', 'Checkout is slow')).toMatchObject({
      status: 202,
      body: { taskId: first.body.taskId, duplicate: true },
    })
    expect(await open('incident-7', 'The checkout is slow')).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining(first.body.taskId), errors: [{ path: 'key' }] },
    })
    expect([lifecycle.invocations.length, platform.tickets.length]).toEqual([1, 1])
    expect(await open('incident-8', 'The checkout is slow')).toMatchObject({ status: 202 })
    expect(lifecycle.invocations).toHaveLength(2)
  })
})
