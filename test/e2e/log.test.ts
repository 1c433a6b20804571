import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Service, triggered } from './service.ts'

// The fields that the dashboard and the saved queries in infra/aws/queries.ts read.
const service = new Service({ timeScale: 60 })
beforeAll(() => service.start())
afterAll(() => service.end())
afterEach(() => service.clearFaults())

/** The logged lines that contain these fields. */
const linesOf = (fields: Record<string, unknown>) =>
  service.logs().filter((line) => Object.entries(fields).every(([name, value]) => line[name] === value))

async function accepted(query = '') {
  const event = triggered({ input: { title: 'Checkout is slow' } })
  const { body } = await service.openIssue(event, `?mode=interactive${query}`)
  return { id: event.id, taskId: body.taskId as string }
}

describe('A task logs', () => {
  it('its start and end once each, with provider, outcome and duration', async () => {
    const { id, taskId } = await accepted()
    await service.finishedOf(id)
    expect(linesOf({ taskId, message: 'task started' })).toEqual([
      expect.objectContaining({ level: 'INFO', action: 'open-issue', provider: 'github', deadline: 3_600 }),
    ])
    const ended = linesOf({ taskId, message: 'task ended' })
    expect(ended).toEqual([
      expect.objectContaining({
        action: 'open-issue',
        connection: 'default',
        provider: 'github',
        eventId: id,
        outcome: { status: 'succeeded', result: 'pass' },
        ms: expect.any(Number),
      }),
    ])
    expect(ended[0]).not.toHaveProperty('reason')
  })

  it('each failed attempt, and one start and one end for any number of replays', async () => {
    await service.fault({ target: 'github', kind: '503', count: 3 })
    const { id, taskId } = await accepted()
    await service.finishedOf(id)
    const failed = linesOf({ taskId, kind: 'platform' })
    expect(failed.map(({ message, provider }) => ({ message, provider }))).toEqual(
      Array(3).fill({ message: 'start failed', provider: 'github' }),
    )
    for (const message of ['task started', 'task ended']) expect(linesOf({ taskId, message })).toHaveLength(1)
  })

  it('the id of the trace that the call belongs to', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    const event = triggered({ input: { title: 'Checkout is slow' } })
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }
    const { body } = await service.openIssue(event, '?mode=interactive', { headers })
    await service.finishedOf(event.id)
    const lines = [...linesOf({ taskId: body.taskId }), ...linesOf({ message: 'request', eventId: event.id })]
    expect(lines.length).toBeGreaterThan(2)
    expect(new Set(lines.map((line) => line['traceId']))).toEqual(new Set([traceId]))
  })

  it('the reason of an errored outcome', async () => {
    await service.fault({ target: 'github', kind: '401' })
    const { id, taskId } = await accepted()
    await service.finishedOf(id)
    expect(linesOf({ taskId, kind: 'credentials' })).toMatchObject([{ provider: 'github', level: 'WARN' }])
    expect(linesOf({ taskId, message: 'task ended' })).toMatchObject([
      { outcome: { status: 'errored', result: 'fail' }, reason: expect.stringContaining('Update the secret') },
    ])
  })

  it('its end through the finisher if Lambda ended it', async () => {
    await service.fault({ target: 'github', kind: '503' })
    const { id, taskId } = await accepted()
    await service.until(async () => linesOf({ taskId, kind: 'platform' }).length > 0, 'a first attempt')
    await service.stopTask(taskId)
    await service.finishedOf(id)
    expect(linesOf({ taskId, message: 'task ended' })).toMatchObject([
      { provider: 'github', lambdaStatus: 'STOPPED', outcome: { status: 'errored', result: 'fail' } },
    ])
  })
})

describe('A request logs', () => {
  it('the caller, provider and outcome of a silent call', async () => {
    const { status } = await service.openIssue({ input: { title: 'Silent one' } })
    expect(status).toBe(200)
    expect(linesOf({ message: 'request', mode: 'silent' }).at(-1)).toMatchObject({
      action: 'open-issue',
      provider: 'github',
      caller: 'demo',
      status: 200,
      outcome: { status: 'succeeded', result: 'pass' },
    })
  })

  it('the kind of a failure', async () => {
    await service.fault({ target: 'github', kind: '401' })
    await service.openIssue({ input: { title: 'Refused one' } })
    expect(linesOf({ message: 'request', kind: 'credentials' })).toMatchObject([{ provider: 'github', status: 422 }])
    await service.openIssue({ input: {} })
    const [invalid] = linesOf({ message: 'request', kind: 'invalid' })
    expect(invalid).toMatchObject({ status: 400 })
    expect(invalid).not.toHaveProperty('provider')
  })
})
