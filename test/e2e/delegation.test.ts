import { StopDurableExecutionCommand } from '@aws-sdk/client-lambda'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type AkamasServer, akamasServer, akamasUser } from '../../infra/platforms/akamas.ts'
import { Service, triggered, until } from './service.ts'

let akamas: AkamasServer
let service: Service
beforeAll(async () => {
  akamas = await akamasServer()
  service = new Service({
    timeScale: 60,
    secrets: {
      'cloud-automation-webhooks/connections/optimization/default': {
        provider: 'akamas',
        baseUrl: akamas.url,
        ...akamasUser,
        mode: 'delegate',
        target: 'a-study',
      },
    },
  })
  await service.start()
})
afterAll(async () => {
  await service.end()
  await akamas.close()
})
beforeEach(() => {
  akamas.studies.clear()
  akamas.calls.length = 0
  akamas.reachable = true
})
afterEach(() => {
  akamas.hang(false)
})

const path = '/v1/optimization/start-model'
const start = async (query = '') => {
  const event = triggered({ type: 'sh.keptn.event.optimization.triggered' })
  const answer = await service.call(`${path}?mode=interactive&sendStarted=true${query}`, event)
  return { event, ...answer }
}
/** Returns the sent events and the task after all tasks have ended. */
const sentFor = async (id: string, taskId: string) => {
  await until(
    async () => !(await service.tasks()).some(({ status }) => status === 'RUNNING'),
    25,
    () => `the end of every task\n${service.output.slice(-2_000)}`,
  )
  const { started, finished } = await service.repliesTo(id)
  const status = await service.call(`/v1/optimization/tasks/${taskId}`, undefined, { method: 'GET' })
  return { started, finished, task: status.body }
}

describe('A task that is delegated to a platform that sends its finished event', () => {
  it('sends started and no finished event', async () => {
    const { event, status, body } = await start()
    expect(status).toBe(202)
    const { started, finished, task } = await sentFor(event.id, body.taskId)
    expect([started, finished]).toEqual([1, []])
    expect(task).toMatchObject({
      state: 'finished',
      outcome: { message: 'Started study a-study. Akamas sends the finished event itself.' },
    })
    expect(akamas.studies.get('a-study')).toMatchObject({ triggeredid: event.id, type: event.type })
    expect((await service.call(`${path}?mode=interactive&sendStarted=true`, event)).body).toMatchObject({
      duplicate: true,
    })
    expect(akamas.calls).toHaveLength(1)
  })

  it('sends no finished event and does not retry if the platform may have accepted it', async () => {
    akamas.loseNext('POST')
    const { event, body } = await start()
    const { started, finished, task } = await sentFor(event.id, body.taskId)
    expect([started, finished]).toEqual([1, []])
    expect(task.outcome.message).toContain('so none was sent')
    expect(akamas.calls).toHaveLength(1)
  })

  it('sends finished itself if the platform refused', async () => {
    akamas.studies.set('a-study', {})
    const { event, body } = await start()
    const { started, finished } = await sentFor(event.id, body.taskId)
    expect(started).toBe(1)
    expect(finished).toMatchObject([
      { status: 'errored', result: 'fail', message: expect.stringContaining('Study is already running') },
    ])
  })

  it('sends finished itself if the platform is down until the deadline', async () => {
    akamas.reachable = false
    const { event, body } = await start('&deadline=PT8S')
    const { finished } = await sentFor(event.id, body.taskId)
    expect(finished).toMatchObject([{ status: 'errored', message: expect.stringContaining('Gave up at the deadline') }])
    expect(akamas.calls.length).toBeGreaterThan(1)
  })

  it('sends finished itself in a dry run', async () => {
    const { event, body } = await start('&dryRun=true')
    const { finished } = await sentFor(event.id, body.taskId)
    expect(finished).toMatchObject([{ result: 'pass', message: expect.stringContaining('Dry run') }])
    expect(akamas.calls).toEqual([])
  })

  it('gets no finished event if Lambda ends it during the delegation', async () => {
    akamas.hang()
    const { event, body } = await start('&deadline=PT5M')
    await until(
      async () => akamas.calls.length > 0,
      20,
      () => `the request\n${service.output.slice(-2_000)}`,
    )
    await stop()
    await until(
      async () => (await executions()).some(({ functionName }) => functionName === 'finisher'),
      20,
      () => 'the finisher',
    )
    const { started, finished } = await sentFor(event.id, body.taskId)
    expect([started, finished]).toEqual([1, []])
  })

  it('gets a finished event if Lambda ends it before the delegation', async () => {
    await service.fault({ target: 'keptn', kind: '503', match: { body: '.started' } })
    const { event } = await start('&deadline=PT5M')
    await until(
      async () => (await service.requests('keptn')).some(({ status }) => status === 503),
      20,
      () => `the started event\n${service.output.slice(-2_000)}`,
    )
    await stop()
    await service.clearFaults()
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([
      { status: 'errored', message: expect.stringContaining('An operator stopped the task') },
    ])
    expect(akamas.calls).toEqual([])
  })

  it('rejects a silent call, for which webhook-service would send a second finished event', async () => {
    const { status, body } = await service.call(path, triggered({ type: 'sh.keptn.event.optimization.triggered' }))
    expect(status).toBe(400)
    expect(body.detail).toContain('webhook-service would send another one. Call it with ?mode=interactive')
    expect(akamas.calls).toEqual([])
  })
})

/** Of all functions. */
async function executions(): Promise<{ arn: string; functionName: string; status: string }[]> {
  return (await service.call('/tasks', undefined, { method: 'GET' })).body.tasks
}

async function stop(): Promise<void> {
  const client = service.lambdaClient()
  const running = (await executions()).find(
    ({ functionName, status }) => functionName === 'optimization-task' && status === 'RUNNING',
  )
  await client.send(new StopDurableExecutionCommand({ DurableExecutionArn: running?.arn }))
}
