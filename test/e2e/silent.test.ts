import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Service, triggered } from './service.ts'

const service = new Service()
beforeAll(() => service.start())
afterAll(() => service.end())

const act = (action: string, input: unknown, query = '') =>
  service.call(`/v1/issue-ticketing/${action}${query}`, { input })
const count = async () => (await service.issues()).length

describe('A silent call', () => {
  it('opens, updates and closes an issue by its id, and returns the state as read back', async () => {
    const opened = await act('open-issue', {
      title: 'Checkout is slow',
      description: '**p95** is 3 s',
      labels: ['shop', 'urgent'],
      priority: 'high',
    })
    expect(opened).toMatchObject({
      status: 200,
      body: {
        status: 'succeeded',
        result: 'pass',
        data: { id: expect.stringMatching(/^demo\/shop#\d+$/), state: 'open' },
        links: { [`github ${opened.body.data.number}`]: opened.body.data.url },
      },
    })
    const { id } = opened.body.data
    const updated = await act('update-issue', {
      id,
      title: 'Checkout is very slow',
      comment: 'p95 is 5 s now',
      labels: 'sev1',
      assignee: 'octocat',
      fields: { state_reason: null },
    })
    expect(updated).toMatchObject({ status: 200, body: { data: { id, state: 'open' } } })
    const closed = await act('close-issue', { id, comment: 'Fixed by a rollback', resolution: 'fixed' })
    expect(closed).toMatchObject({
      status: 200,
      body: { message: expect.stringMatching(/^Closed issue/), data: { id, state: 'closed' } },
    })
    const issue = (await service.issues()).find(({ number }) => String(number) === opened.body.data.number)
    expect(issue).toMatchObject({ title: 'Checkout is very slow', state: 'closed' })
    expect(JSON.stringify(issue)).toMatch(/sev1.*p95 is 5 s now.*Fixed by a rollback/s)
  })

  it("with a title or text over the platform's limit is shortened, and a repeat finds the issue", async () => {
    const problem = { ProblemTitle: 'T'.repeat(300), ProblemID: 'P-1' }
    const data = { ...triggered().data, problem }
    const event = triggered({ data, input: { description: 'D'.repeat(65_500) } })
    const { status, body } = await service.openIssue(event)
    expect(status).toBe(200)
    const issue = (await service.issues()).find(({ number }) => String(number) === body.data.number)
    expect(issue.title).toBe(`${'T'.repeat(254)}…`)
    expect(body.message).toContain('The title was cut to 255 characters.')
    expect(issue.body).toMatch(/^T{300}\n\nD+…\n\n<!-- .* -->$/)
    expect(issue.body).toHaveLength(65_536)
    const change = { id: body.data.id, description: 'E'.repeat(65_500), comment: 'F'.repeat(65_536) }
    const updated = await service.call('/v1/issue-ticketing/update-issue', triggered({ input: change }))
    expect([updated.status, updated.body.detail]).toEqual([200, undefined])
    const changed = (await service.issues()).find(({ number }) => String(number) === body.data.number)
    expect(changed.body.slice(-60)).toBe(issue.body.slice(-60))
    expect(changed.body).toHaveLength(65_536)
  })

  it('with an event id runs once, in parallel or later, and a repeat gets the same response', async () => {
    const before = await count()
    const event = triggered({ input: { title: 'Once' } })
    const answers = await Promise.all([1, 2, 3, 4].map(() => service.openIssue(event)))
    const done = answers.filter(({ status }) => status === 200)
    expect(done.length).toBeGreaterThan(0)
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true)
    const later = await service.openIssue(event)
    expect(later).toMatchObject({ status: 200, body: done[0]?.body })
    expect((await count()) - before).toBe(1)
  })

  it('returns the redacted request in a dry run and sends nothing', async () => {
    const before = await count()
    const { status, body } = await act('open-issue', { title: 'Dry' }, '?dryRun=true')
    expect(status).toBe(200)
    expect(body.data.request).toMatchObject({
      method: 'POST',
      url: expect.stringMatching(/\/repos\/demo\/shop\/issues$/),
      headers: { authorization: '***' },
      body: { title: 'Dry' },
    })
    expect(await count()).toBe(before)
  })

  it('accepts the quick start body and its older form', async () => {
    const quickStart = {
      data: { project: 'incident-demo', service: 'casdemoapp', stage: 'production' },
      shkeptncontext: randomUUID(),
      id: randomUUID(),
      type: 'sh.keptn.event.openticket.triggered',
    }
    expect((await service.openIssue(quickStart)).status).toBe(200)
    expect((await service.issues()).at(-1).title).toBe('openticket: casdemoapp in incident-demo/production')
    const older = {
      event: 'sh.keptn.event.mytask-silent.triggered',
      stage: 'production',
      shkeptncontext: randomUUID(),
      id: randomUUID(),
      input: { title: 'Old' },
    }
    expect((await service.openIssue(older)).status).toBe(200)
  })

  it("accepts a complete CloudEvent, with the task's properties as input and without the results of earlier tasks", async () => {
    const event = {
      ...triggered(),
      specversion: '1.0',
      source: 'shipyard-controller',
      time: '2026-03-02T12:50:37.123Z',
      datacontenttype: 'application/json',
      gitcommitid: 'abc',
      data: {
        project: 'p',
        stage: 's',
        service: 'x',
        message: '',
        status: 'succeeded',
        result: 'pass',
        labels: { a: 'b' },
        openticket: { title: 'From the shipyard', labels: 'x,y', url: 'https://old', number: '3', responses: [{}] },
        deployment: { deploymentURIsPublic: ['http://x'] },
      },
    }
    expect((await service.openIssue(event)).status).toBe(200)
    expect((await service.issues()).at(-1)).toMatchObject({ title: 'From the shipyard' })
  })
})
