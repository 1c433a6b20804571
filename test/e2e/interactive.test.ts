import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { FaultSpec } from '../../infra/sandbox/platforms/sandbox/faults.ts'
import { waitForAll } from '../wait-for-all.ts'
import { Service, triggered } from './service.ts'

/** Sixty of the platform's seconds pass in one: two minutes of an outage take two seconds. */
const service = new Service({ timeScale: 60 })
beforeAll(() => service.start())
afterAll(() => service.end())
afterEach(() => service.clearFaults())

const interactive = '?mode=interactive&sendStarted=true'

async function openAndWait(fault?: FaultSpec) {
  if (fault) await service.fault(fault)
  const event = triggered({ input: { title: `For ${JSON.stringify(fault)}` } })
  const before = (await service.issues()).length
  const { status, body } = await service.openIssue(event, interactive)
  expect(status).toBe(202)
  const replies = await service.finishedOf(event.id, 60)
  return { event, accepted: body, ...replies, opened: (await service.issues()).length - before }
}

describe('An interactive call', () => {
  it('returns 202 and sends exactly one started and one finished event', async () => {
    const { event, accepted, started, finished, opened } = await openAndWait()
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
    expect((await service.tasks()).find(({ name }) => name === status.taskId)).toMatchObject({
      task: { progress: expect.stringMatching(/^(Waiting for .*)?$/) },
    })
    await service.clearFaults()
    await service.until(async () => (await read()).body.state === 'finished', 'the end of the task')
    expect((await read()).body).toMatchObject({ verdict: 'pass', progress: '' })
  })
})

describe('A repeated interactive call', () => {
  it('returns duplicate: true and opens no second issue, in parallel or later', async () => {
    const data = { project: 'p', stage: 's', service: 'x', labels: { team: 'blue' } }
    const event = triggered({ input: { title: 'Once' }, data })
    const before = (await service.issues()).length
    const open = () => service.openIssue(event, `${interactive}&labels=false`)
    const answers = await waitForAll([1, 2, 3, 4, 5].map(open))
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202])
    expect(answers.filter(({ body }) => !body.duplicate)).toHaveLength(1)
    await service.finishedOf(event.id)
    expect(await open()).toMatchObject({ status: 202, body: { duplicate: true, taskId: answers[0]?.body.taskId } })
    const { started, finished } = await service.finishedOf(event.id)
    expect([started, finished.length, (await service.issues()).length - before]).toEqual([1, 1, 1])
    // Without the link of the issue.
    expect(finished[0].labels).toEqual(data.labels)
  })
})

describe('A platform that', () => {
  const passed = { status: 'succeeded', result: 'pass' }
  const badCredentials = /Bad credentials.*cloud-automation-webhooks\/connections\/issue-ticketing\/default/

  it.each<[behavior: string, fault: FaultSpec, end: object, opened: number]>([
    [
      'refuses our credentials twice is reported with the secret to update',
      { target: 'github', kind: '401' },
      { status: 'errored', message: expect.stringMatching(badCredentials) },
      0,
    ],
    ['refuses our credentials once gets the request again', { target: 'github', kind: '401', count: 1 }, passed, 1],
    ['is down for two minutes gets the issue once', { target: 'github', kind: '500', seconds: 2 }, passed, 1],
    [
      'limits requests is called again after its time',
      { target: 'github', kind: 'secondary-limit', count: 1, retryAfter: 30 },
      passed,
      1,
    ],
    [
      'sends half a response is called until the issue is open',
      { target: 'github', kind: 'truncate', count: 3 },
      passed,
      1,
    ],
    [
      'sends an endless response is called until the issue is open',
      { target: 'github', kind: 'huge', count: 1 },
      passed,
      1,
    ],
    [
      'sends half a response after it opened the issue is searched for it',
      { target: 'github', kind: 'truncate', after: true, count: 1, match: { method: 'POST' } },
      { ...passed, message: expect.stringMatching(/^Found issue \d+/) },
      1,
    ],
  ])('%s', async (_behavior, fault, end, opened) => {
    expect(await openAndWait(fault)).toMatchObject({ started: 1, finished: [end], opened })
  })
})

it('Twenty tasks at once have one issue and one finished event each', async () => {
  // Ten times as many as the environments of a function.
  const count = 20
  const before = (await service.issues()).length
  const ids = await waitForAll(
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
