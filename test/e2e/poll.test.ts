import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/local/credentials.ts'
import { Service, until } from './service.ts'

const token = 'token-of-a-pipeline'
const callers = {
  pipeline: { tokens: [tokenHash(token)], categories: ['*'] },
  monitor: { tokens: [tokenHash('token-of-a-monitor')], categories: ['*'], reads: 'all' },
}

let service: Service
beforeEach(async () => {
  service = await new Service({ timeScale: 20, secrets: { 'cloud-automation-webhooks/callers': callers } }).start()
})
afterEach(() => service.end())

const call = (action: string, body: object, query = '') =>
  service.call(`/v1/${action}?mode=interactive${query}`, body, { token })
const path = (statusUrl: string) => new URL(statusUrl).pathname
const read = (statusUrl: string, query = '') =>
  service.call(`${path(statusUrl)}${query}`, undefined, { method: 'GET', token })
const ended = async (statusUrl: string) => {
  await until(
    async () => (await read(statusUrl, '?wait=25')).body.state !== 'running',
    20,
    () => `the end of the task\n${service.output.slice(-4_000)}`,
  )
  return (await read(statusUrl)).body
}

describe('A caller without an orchestrator', () => {
  it('sends an id and an input, and reads the result of its task', async () => {
    const accepted = await call('issue-ticketing/open-issue', { id: 'run-42', input: { title: 'Checkout is slow' } })
    expect(accepted).toMatchObject({ status: 202, body: { duplicate: false } })
    const status = await ended(accepted.body.statusUrl)
    expect(status).toMatchObject({
      ...{ taskId: accepted.body.taskId, state: 'finished', verdict: 'pass', progress: '' },
      outcome: { status: 'succeeded', result: 'pass', data: { state: 'open' } },
    })
    expect(await service.events()).toEqual([])
  })

  it('that repeats its call, also after a crash, has one task and one issue', async () => {
    await service.fault({ target: 'github', kind: 'hang', after: true, count: 1, match: { method: 'POST' } })
    const repeat = () => call('issue-ticketing/open-issue', { input: { title: 'Once' } }, '&key=run-42')
    const first = await repeat()
    await until(
      async () => (await service.requests('github')).some(({ status }) => status === null),
      20,
      () => 'the request that hangs',
    )
    await service.kill()
    await service.start()
    const again = await repeat()
    expect(again.body).toEqual({ ...first.body, duplicate: true })
    expect(await ended(again.body.statusUrl)).toMatchObject({ verdict: 'pass' })
    expect(await service.issues()).toHaveLength(1)
  })

  it('gets everything that is missing in one response', async () => {
    const { status, body } = await call('issue-ticketing/open-issue', { input: { titel: 'x' } })
    expect([status, body.errors.map((error: { path: string }) => error.path)]).toEqual([400, ['id', 'input.titel']])
  })

  it('cannot start a task for an event that Keptn waits for', async () => {
    const event = { id: randomUUID(), type: 'sh.keptn.event.openticket.triggered', input: { title: 'T' } }
    expect(await call('issue-ticketing/open-issue', event)).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining('has no orchestrator') },
    })
  })
})

describe('A task that its caller cancels', () => {
  const hanging = { id: 'run-43', input: { target: 'clear-cache', parameters: { outcome: 'hang' } } }
  const cancel = (statusUrl: string, as = token) => service.call(`${path(statusUrl)}/cancel`, undefined, { token: as })

  it('stops its job and ends as aborted; a repeat returns the outcome', async () => {
    const { body } = await call('remediation/run-runbook', hanging)
    await until(
      async () => (await read(body.statusUrl)).body.progress.startsWith('Waiting for the job to end'),
      20,
      () => 'the first poll',
    )
    expect(await cancel(body.statusUrl, 'token-of-a-monitor')).toMatchObject({ status: 403 })
    expect(await cancel(body.statusUrl)).toMatchObject({ status: 202, body: { verdict: 'running' } })
    const status = await ended(body.statusUrl)
    expect(status).toMatchObject({
      verdict: 'aborted',
      outcome: {
        status: 'aborted',
        result: 'fail',
        message: expect.stringMatching(/^Canceled by pipeline, and the job/),
      },
    })
    expect(await cancel(body.statusUrl)).toMatchObject({ status: 200, body: status })
  })

  it('ends as aborted although the process is killed', async () => {
    const { body } = await call('remediation/run-runbook', hanging)
    expect(await cancel(body.statusUrl)).toMatchObject({ status: 202 })
    await service.kill()
    await service.start()
    expect(await ended(body.statusUrl)).toMatchObject({ verdict: 'aborted' })
  })
})
