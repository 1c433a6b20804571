import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { FaultSpec } from '../../infra/platforms/sandbox/faults.ts'
import { Service, triggered, until } from './service.ts'

/** A webhook that may take six seconds, so that a platform that never answers is seen soon. */
const service = new Service({ webhookTimeout: 6 })
beforeAll(() => service.start())
afterAll(() => service.end())
afterEach(() => service.clearFaults())

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

  it('passes if the issue is already closed, and says so', async () => {
    const { id } = (await act('open-issue', { title: 'T' })).body.data
    await act('close-issue', { id })
    expect(await act('close-issue', { id })).toMatchObject({
      status: 200,
      body: { result: 'pass', message: expect.stringContaining('was closed already') },
    })
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

  it('with a too long input is shortened, and the outcome says so', async () => {
    const input = { title: `${'T'.repeat(253)}🎉${'T'.repeat(100)}`, description: `${'D'.repeat(65_536)}E` }
    const { status, body } = await service.openIssue(triggered({ input }))
    const notes = 'The title was cut to 255 characters. The description was cut to 65,536 characters.'
    expect([status, body.message]).toEqual([200, `Opened issue ${body.data.number}. ${notes}`])
    const issue = (await service.issues()).find(({ number }) => String(number) === body.data.number)
    expect(issue.title).toBe(`${'T'.repeat(253)}…`)
    expect(issue.body).toMatch(new RegExp(`^${input.title}\\n\\nD+…\\n\\n<!-- .* -->$`))
    const updated = await act('update-issue', { id: body.data.id, title: input.title, comment: input.description })
    expect(updated.body.message).toMatch(
      /The title was cut to 255 characters\. The comment was cut to 65,536 characters\.$/,
    )
  })

  it('reopens an issue with state=open', async () => {
    const { id } = (await act('open-issue', { title: 'T' })).body.data
    await act('close-issue', { id })
    expect((await act('update-issue', { id, state: 'open' })).body.data.state).toBe('open')
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

  it('returns 409 while the same call is running', async () => {
    await service.fault({ target: 'github', kind: 'hang', count: 1 })
    const event = triggered({ input: { title: 'Slow' } })
    const first = service.openIssue(event)
    const faults = async () => (await service.call('/sandbox/faults', undefined, { method: 'GET' })).body
    await until(
      async () => (await faults()).length === 0,
      10,
      () => 'the call to GitHub',
    )
    expect(await service.openIssue(event)).toMatchObject({
      status: 409,
      body: { title: 'Already running' },
    })
    expect((await first).status).toBe(504)
  })

  it('with an event id comments once', async () => {
    const { id, number } = (await act('open-issue', { title: 'T' })).body.data
    await service.fault({
      target: 'github',
      kind: '500',
      count: 1,
      after: true,
      match: { method: 'POST', path: '/comments' },
    })
    const updated = await service.call(
      '/v1/issue-ticketing/update-issue',
      triggered({ input: { id, comment: 'said once' } }),
    )
    expect(updated.status).toBe(200)
    const issue = (await service.issues()).find((one) => String(one.number) === number)
    expect(JSON.stringify(issue).match(/said once/g)).toHaveLength(1)
  })

  it('without an event id runs each time', async () => {
    const before = await count()
    await act('open-issue', { title: 'Twice' })
    await act('open-issue', { title: 'Twice' })
    expect((await count()) - before).toBe(2)
  })

  it('that failed runs again when it is repeated', async () => {
    const event = triggered({ input: { title: 'Second attempt', project: 'demo/no-issues' } })
    expect((await service.openIssue(event)).status).toBe(422)
    expect((await service.openIssue(event)).status).toBe(422)
    const other = triggered({ input: { title: 'Second attempt' } })
    await service.fault({ target: 'github', kind: '401' })
    expect((await service.openIssue(other)).status).toBe(422)
    await service.clearFaults()
    expect((await service.openIssue(other)).status).toBe(200)
  })

  it('does nothing if data.result does not match when', async () => {
    const before = await count()
    const event = triggered({ data: { project: 'p', stage: 's', service: 'x', result: 'pass' } })
    expect(await service.openIssue(event, '?when=fail')).toMatchObject({
      status: 200,
      body: { result: 'pass', message: expect.stringContaining('data.result is pass') },
    })
    expect(await count()).toBe(before)
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

describe('A silent call to a platform that', () => {
  it("refuses returns 422 with the platform's reason", async () => {
    expect(await act('open-issue', { title: 'T', project: 'demo/no-issues' })).toMatchObject({
      status: 422,
      body: { status: 422, detail: expect.stringContaining('Issues are disabled for this repo') },
    })
    expect(await act('update-issue', { id: 'demo/shop#999999', title: 'x' })).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('Not Found') },
    })
  })

  it.each<[FaultSpec, number]>([
    [{ target: 'github', kind: '500' }, 502],
    [{ target: 'github', kind: 'html' }, 502],
    [{ target: 'github', kind: 'reset' }, 502],
    [{ target: 'github', kind: 'truncate' }, 502],
    [{ target: 'github', kind: 'hang' }, 504],
    [{ target: 'github', kind: '429', retryAfter: 600 }, 502],
  ])('fails ($kind) returns problem+json', async (fault, status) => {
    await service.fault(fault)
    const answer = await service.openIssue(triggered({ input: { title: 'T' } }))
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.body).toMatchObject({
      status,
      title: expect.any(String),
      detail: expect.stringContaining('GitHub'),
    })
  })

  it('fails once is retried if a retry does no harm', async () => {
    const before = await count()
    await service.fault({ target: 'github', kind: '500', count: 1, after: true, match: { method: 'POST' } })
    expect((await service.openIssue(triggered({ input: { title: 'T' } }))).status).toBe(200)
    expect((await count()) - before).toBe(1)
  })

  it('may have written is not retried without an idempotency key, and the response says so', async () => {
    const before = await count()
    await service.fault({ target: 'github', kind: '500', count: 1, after: true, match: { method: 'POST' } })
    expect(await act('open-issue', { title: 'T' })).toMatchObject({
      status: 502,
      body: { detail: expect.stringContaining('before you repeat the call') },
    })
    expect((await count()) - before).toBe(1)
  })

  it('sends Retry-After passes it on to the caller', async () => {
    await service.fault({ target: 'github', kind: '429', retryAfter: 600 })
    const answer = await act('open-issue', { title: 'T' })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([502, '600'])
  })

  it('ends in none of these cases with an event', async () => {
    expect(await service.events()).toEqual([])
  })
})
