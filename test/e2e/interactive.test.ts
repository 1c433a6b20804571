import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { FaultSpec } from '../../infra/platforms/sandbox/faults.ts'
import { Service, triggered } from './service.ts'

/** Sixty of the platform's seconds pass in one: three minutes of an outage take three seconds. */
const service = new Service({ timeScale: 60 })
beforeAll(() => service.start())
afterAll(() => service.end())
afterEach(() => service.clearFaults())

const interactive = '?mode=interactive&sendStarted=true'

async function openAndWait(fault: FaultSpec | undefined, query = interactive, more: Record<string, unknown> = {}) {
  if (fault) await service.fault(fault)
  const event = triggered({ input: { title: `For ${JSON.stringify(fault)}` }, ...more })
  const before = (await service.issues()).length
  const { status, body } = await service.openIssue(event, query)
  expect(status).toBe(202)
  const replies = await service.finishedOf(event.id, 60)
  return { event, accepted: body, ...replies, opened: (await service.issues()).length - before }
}

describe('An interactive call', () => {
  it('returns 202 and sends exactly one started and one finished event', async () => {
    const { event, accepted, started, finished, opened } = await openAndWait(undefined)
    expect(accepted).toEqual({
      taskId: expect.stringMatching(/^[0-9a-f]{40}$/),
      statusUrl: expect.any(String),
      duplicate: false,
    })
    expect([started, finished.length, opened]).toEqual([1, 1, 1])
    expect(finished[0]).toMatchObject({
      ...event.data,
      status: 'succeeded',
      result: 'pass',
      message: expect.stringMatching(/^Opened issue \d+$/),
      openticket: {
        id: expect.stringMatching(/^demo\/shop#\d+$/),
        number: expect.any(String),
        url: expect.stringContaining('/issues/'),
        state: 'open',
      },
      labels: { [`github ${finished[0].openticket.number}`]: finished[0].openticket.url },
    })
  })

  it('runs after a dry run of the same event, as a second task', async () => {
    const event = triggered({ input: { title: 'First rehearsed, then done' } })
    const before = (await service.issues()).length
    const dry = await service.openIssue(event, '?mode=interactive&dryRun=true')
    await service.finishedOf(event.id)
    const real = await service.openIssue(event, '?mode=interactive')
    await service.until(
      async () => (await service.repliesTo(event.id)).finished.length === 2,
      'the finished event of the real call',
    )
    expect([dry.body.duplicate, real.body.duplicate]).toEqual([false, false])
    expect(real.body.taskId).not.toBe(dry.body.taskId)
    expect((await service.issues()).length - before).toBe(1)
  })

  it('reports what it waits for at the status URL and in the list of tasks', async () => {
    await service.fault({ target: 'github', kind: '503' })
    const { body } = await service.openIssue(triggered({ input: { title: 'Waits' } }), '?mode=interactive')
    const path = new URL(body.statusUrl).pathname
    const read = () => service.call(path, undefined, { method: 'GET' })
    const sentence = /^Waiting for the next attempt at .* UTC: .*503/
    await service.until(async () => sentence.test((await read()).body.progress), 'the reason for the next attempt')
    const { headers, body: status } = await read()
    expect(status).toMatchObject({ state: 'running', verdict: 'running', action: 'open-issue' })
    expect(Date.parse(status.deadlineAt) - Date.parse(status.acceptedAt)).toBe(3_600_000)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    const { tasks } = (await service.call('/tasks', undefined, { method: 'GET' })).body
    expect(tasks.find(({ name }: { name: string }) => name === status.taskId)).toMatchObject({
      task: { progress: expect.stringMatching(/^(Waiting for .*)?$/) },
    })
    await service.clearFaults()
    await service.until(async () => (await read()).body.state === 'finished', 'the end of the task')
    expect((await read()).body).toMatchObject({ verdict: 'pass', progress: '' })
  })

  it('sends no links as labels if labels=false, and keeps the labels of the event', async () => {
    const data = { project: 'p', stage: 's', service: 'x', labels: { team: 'blue' } }
    const { finished } = await openAndWait(undefined, '?mode=interactive&labels=false', { data })
    expect(finished[0].labels).toEqual({ team: 'blue' })
  })
})

describe('A repeated interactive call', () => {
  it('returns duplicate: true and opens no second issue, in parallel or later', async () => {
    const event = triggered({ input: { title: 'Once' } })
    const before = (await service.issues()).length
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => service.openIssue(event, interactive)))
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202])
    expect(answers.filter(({ body }) => !body.duplicate)).toHaveLength(1)
    await service.finishedOf(event.id)
    const later = await service.openIssue(event, interactive)
    expect(later).toMatchObject({ status: 202, body: { duplicate: true, taskId: answers[0]?.body.taskId } })
    const { started, finished } = await service.finishedOf(event.id)
    expect([started, finished.length, (await service.issues()).length - before]).toEqual([1, 1, 1])
  })
})

describe('A platform that refuses', () => {
  it('our credentials twice is reported with the secret to update', async () => {
    const { finished } = await openAndWait({ target: 'github', kind: '401' })
    expect(finished[0]).toMatchObject({
      status: 'errored',
      message: expect.stringMatching(
        /Bad credentials.*cloud-automation-webhooks\/connections\/issue-ticketing\/default/,
      ),
    })
  })

  it('our cached credentials gets the request again with fresh ones', async () => {
    const { finished, opened } = await openAndWait({ target: 'github', kind: '401', count: 1 })
    expect([finished[0].result, opened]).toEqual(['pass', 1])
  })
})

describe('A platform that is down', () => {
  it('for three minutes gets the issue once', async () => {
    const { started, finished, opened } = await openAndWait({ target: 'github', kind: '500', seconds: 3 })
    expect([started, finished.length, opened]).toEqual([1, 1, 1])
    expect(finished[0]).toMatchObject({ status: 'succeeded', result: 'pass' })
  })

  it.each<FaultSpec>([
    { target: 'github', kind: 'secondary-limit', count: 2, retryAfter: 30 },
    { target: 'github', kind: 'truncate', count: 3 },
    { target: 'github', kind: 'huge', count: 1 },
  ])('for a while ($kind) is called until the issue is open', async (fault) => {
    const { started, finished, opened } = await openAndWait(fault)
    expect([started, finished.length, opened, finished[0].result]).toEqual([1, 1, 1, 'pass'])
  })

  it.each<FaultSpec>([
    { target: 'github', kind: 'truncate', after: true, count: 1, match: { method: 'POST' } },
    { target: 'github', kind: 'wrong-json', after: true, count: 1, match: { method: 'POST' } },
  ])('after it opened the issue ($kind) is searched for the issue, which is not opened again', async (fault) => {
    const { finished, opened } = await openAndWait(fault)
    expect([finished.length, opened]).toEqual([1, 1])
    expect(finished[0]).toMatchObject({ result: 'pass', message: expect.stringMatching(/^Found issue \d+/) })
  })

  it('and redirects to another host is not followed', async () => {
    const { finished } = await openAndWait({ target: 'github', kind: 'redirect' })
    expect(finished[0]).toMatchObject({ status: 'errored', message: expect.stringContaining('which is not followed') })
  })
})

it('Forty tasks at once have one issue and one finished event each', async () => {
  // Ten times as many as the environments of a function.
  const count = 40
  const before = (await service.issues()).length
  const ids = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const event = triggered({ input: { title: `Number ${n}` } })
      const { status } = await service.openIssue(event, interactive)
      expect(status).toBe(202)
      return event.id
    }),
  )
  const last = await service.finishedOf(ids.at(-1) as string, 120)
  expect(last.finished).toHaveLength(1)
  const finished = (await service.events()).filter(
    ({ type, triggeredid }) => type.endsWith('.finished') && ids.some((id) => id === triggeredid),
  )
  expect([finished.length, new Set(finished.map(({ triggeredid }) => triggeredid)).size]).toEqual([count, count])
  expect((await service.issues()).length - before).toBe(count)
})
