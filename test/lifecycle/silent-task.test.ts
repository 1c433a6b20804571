import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { triggered } from './lifecycle.ts'
import { category, useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()
beforeEach(() => {
  lifecycle.invocations.length = 0
  platform.states = ['busy']
})

const start = 'start-run?connection=attended'
const stop = 'stop-run?connection=attended'
const startEvent = () => ({ ...triggered(), input: { target: 'deploy' } })
const stopEvent = (id: string, shkeptncontext?: string) => ({
  ...triggered(),
  ...(shkeptncontext ? { shkeptncontext } : {}),
  input: { id },
})
const runNewest = () => lifecycle.run(lifecycle.newest())
const posted = () => platform.calls.filter(({ method }) => method === 'POST').map(({ path }) => path)

describe('A silent start of a job that must not outlive its task', () => {
  it('starts the task, and returns its id and where to read its status', async () => {
    const { status, body } = await lifecycle.post(start, startEvent())
    const { id } = body.data
    const statusUrl = `https://webhooks.example.com/v1/${category.name}/tasks/${id}`
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        status: 'succeeded',
        result: 'pass',
        links: {},
        message: `Started task ${id}, which runs start-run. Its status is at ${statusUrl}`,
        data: { id: expect.stringMatching(/^[0-9a-f]{40}$/), state: 'started', statusUrl },
      },
    })
    const headers = lifecycle.authorization('keptn')
    expect((await lifecycle.send('GET', `tasks/${id}`, { headers })).body).toMatchObject({ state: 'running' })
    platform.states = ['done']
    expect(await runNewest()).toMatchObject({ id, outcome: { result: 'pass' }, sent: [] })
    expect((await lifecycle.send('GET', `tasks/${id}`, { headers })).body).toMatchObject({ verdict: 'pass' })
  })

  it('is a warning if a silent call would wait for the end of the job', async () => {
    const { body } = await lifecycle.post('start-and-leave?connection=attended', startEvent())
    expect(body).toMatchObject({ result: 'warning', data: { state: 'started' } })
  })

  it('is one task for all repeats of the call, even if a response is lost', async () => {
    const event = startEvent()
    lifecycle.aws.loseNext(({ path }) => path.endsWith('/invocations'))
    const first = await lifecycle.post(start, event)
    expect(await lifecycle.post(start, event)).toEqual(first)
    expect(lifecycle.invocations.map(({ name }) => name)).toEqual([first.body.data.id])
  })

  it('is a task of its own if the call has no event id', async () => {
    for (let n = 0; n < 2; n++) await lifecycle.post(start, { ...startEvent(), id: undefined })
    expect(new Set(lifecycle.invocations.map(({ name }) => name)).size).toBe(2)
    expect(await runNewest()).toMatchObject({ status: 'SUCCEEDED', sent: [] })
  })

  it('fails if the task cannot be started', async () => {
    lifecycle.aws.failNext(400, { Type: 'AccessDeniedException' }, { on: ({ path }) => path.endsWith('/invocations') })
    expect(await lifecycle.post(start, startEvent())).toMatchObject({ status: 503 })
    expect(lifecycle.invocations).toEqual([])
  })

  it('stops the job at the deadline, and sends no event', async () => {
    await lifecycle.post(`${start}&deadline=PT5M`, startEvent())
    expect(await runNewest()).toMatchObject({ outcome: { status: 'errored' }, sent: [] })
    expect(platform.runs).toMatchObject([{ stopped: true }])
  })

  it('is cleaned up after if Lambda ends the task, and no event is sent', async () => {
    await lifecycle.post(start, startEvent())
    const task = lifecycle.newest()
    const interruption = { checkpoint: 'poll RETRY', isRecorded: true, effect: 'end' } as const
    const { arn } = await lifecycle.run(task, { interruption })
    await lifecycle.finish(arn)
    await lifecycle.run(lifecycle.newest())
    expect(platform.runs).toMatchObject([{ stopped: true }])
    expect(lifecycle.sentFor(task)).toEqual([])
  })

  it('counts for the limit of its caller', async () => {
    const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
    lifecycle.replace('callers', { ...callers, poll: { ...callers['poll'], callsPerMinute: 1 } })
    const statuses = []
    for (let n = 0; n < 2; n++) statuses.push((await lifecycle.post(start, startEvent(), { caller: 'poll' })).status)
    lifecycle.replace('callers', callers)
    expect(statuses).toEqual([200, 429])
    expect(lifecycle.invocations).toHaveLength(1)
  })

  it('is not started by a dry run', async () => {
    const { body } = await lifecycle.post(`${start}&dryRun=true`, startEvent())
    expect(body.message).toContain('Dry run: nothing was sent. The request would be POST')
    expect(lifecycle.invocations).toEqual([])
  })
})

describe('A stop with the id that a silent start has returned', () => {
  it.each(['the id', 'last'])('finds the run of the task by %s', async (name) => {
    const event = startEvent()
    const { id } = (await lifecycle.post(start, event)).body.data
    platform.states = ['done']
    await runNewest()
    const stopped = await lifecycle.post(stop, stopEvent(name === 'last' ? name : id, event.shkeptncontext))
    expect(stopped).toMatchObject({
      status: 200,
      body: { message: 'Run 1 had ended already (done)', data: { id: '1' } },
    })
  })

  it.each(['the id', 'last'])('cancels a task that has started nothing yet, by %s', async (name) => {
    const event = startEvent()
    const { id } = (await lifecycle.post(start, event)).body.data
    const stopped = () => lifecycle.post(stop, stopEvent(name === 'last' ? name : id, event.shkeptncontext))
    expect(await stopped()).toMatchObject({
      status: 200,
      body: { result: 'pass', message: `The task ${id} had not started anything yet, so it was canceled` },
    })
    platform.failNext(503, {}, { on: 'POST', times: 1 })
    expect(await runNewest()).toMatchObject({ outcome: { status: 'aborted' }, sent: [] })
    expect(posted()).toEqual(['/runs'])
    expect(await stopped()).toMatchObject({
      status: 404,
      body: { detail: expect.stringContaining('ended without starting anything to stop: Canceled by keptn') },
    })
  })

  it('finds the run of the newest start as `last`, even if the call before is repeated', async () => {
    const event = startEvent()
    await lifecycle.post(start, event)
    const { shkeptncontext } = event
    const { id } = (await lifecycle.post(start, { ...startEvent(), shkeptncontext })).body.data
    await lifecycle.post(start, event)
    const { body } = await lifecycle.post(`${stop}&dryRun=true`, stopEvent('last', shkeptncontext))
    expect(body.message).toContain(`The task ${id} `)
  })

  it.each([
    ['`when` does not match', 'when=fail', 'Skipped'],
    ['the stop is a dry run', 'dryRun=true', 'had not started anything yet, so it would be canceled'],
  ])('cancels nothing if %s', async (_, query, message) => {
    const { id } = (await lifecycle.post(start, startEvent())).body.data
    const { body } = await lifecycle.post(`${stop}&${query}`, stopEvent(id))
    expect(body).toMatchObject({ result: 'pass', message: expect.stringContaining(message) })
    platform.states = ['done']
    // A canceled task would not start again.
    platform.failNext(503, {}, { on: 'POST', times: 1 })
    expect((await runNewest()).outcome).toMatchObject({ status: 'succeeded' })
  })

  it('is refused for another caller and another connection', async () => {
    const { id } = (await lifecycle.post(start, startEvent())).body.data
    platform.states = ['done']
    await runNewest()
    expect(await lifecycle.post(stop, stopEvent(id), { caller: 'poll' })).toMatchObject({ status: 404 })
    lifecycle.connect('other', { provider: 'attended', baseUrl: platform.url, token: 'token-of-the-platform' })
    expect(await lifecycle.post('stop-run?connection=other', stopEvent(id))).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('is a task of the connection attended') },
    })
  })
})

describe('An agent', () => {
  const stopAs = (caller: 'agent' | 'poll', target: string, id: string, more = {}) =>
    lifecycle.post(target, { id: randomUUID(), input: { id }, ...more }, { caller })
  const startAs = async (caller: 'agent' | 'poll', connection: string, context?: string) => {
    const event = { id: randomUUID(), shkeptncontext: context, input: { target: 'deploy' } }
    const task = await lifecycle.accept(`start-run?connection=${connection}`, event, caller)
    platform.states = ['done']
    await lifecycle.run(task)
    return task.id
  }

  it.each(['attended', 'job'])(
    'stops a run of its own at the connection %s by the id of its task',
    async (connection) => {
      const id = await startAs('agent', connection)
      const stopped = { status: 200, body: { message: 'Run 1 had ended already (done)' } }
      expect(await stopAs('agent', `stop-run?connection=${connection}`, id)).toMatchObject(stopped)
      expect(await stopAs('agent', `stop-run?connection=${connection}`, `testing.${id}`)).toMatchObject(stopped)
    },
  )

  it('stops no run of another project: the number may be that of another run', async () => {
    const event = { id: randomUUID(), input: { target: 'deploy', project: 'mine' } }
    const { id } = await lifecycle.accept('start-run?connection=job', event, 'agent')
    platform.states = ['done']
    await lifecycle.run(lifecycle.newest())
    const stopIn = (project: string | undefined) =>
      stopAs('agent', 'stop-run?connection=job', id, { input: { id, project } })
    expect(await stopIn('theirs')).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining(`is not that of the task ${id}: omit it`) },
    })
    for (const project of ['mine', undefined]) expect(await stopIn(project)).toMatchObject({ status: 200 })
  })

  it('stops the newest run of its own in a context', async () => {
    const context = randomUUID()
    await startAs('agent', 'job', context)
    expect(await stopAs('agent', 'stop-run?connection=job', 'last', { shkeptncontext: context })).toMatchObject({
      status: 200,
      body: { data: { id: '1' } },
    })
  })

  it.each(['attended', 'job'])('does not stop the run of another caller at the connection %s', async (connection) => {
    const id = await startAs('poll', connection)
    platform.calls.length = 0
    for (const [target, reason] of [
      [id, `poll has started the task ${id}`],
      ['1', 'input.id is not the id of a task'],
    ] as const) {
      expect(await stopAs('agent', `stop-run?connection=${connection}`, target)).toMatchObject({
        status: 403,
        body: {
          detail: `An agent stops only what it has started itself, and ${reason}. Send the taskId of the call that started the run as input.id, cancel that task, or ask a person to stop the run.`,
        },
      })
    }
    expect(platform.calls).toEqual([])
    expect(await stopAs('poll', `stop-run?connection=${connection}`, '1')).toMatchObject({ status: 200 })
  })
})
