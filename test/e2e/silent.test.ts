import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { waitForAll } from '../wait-for-all.ts'
import { Service, triggered } from './service.ts'

const service = new Service()
beforeAll(() => service.start())
afterAll(() => service.end())

const count = async () => (await service.issues()).length

describe('A silent call', () => {
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
    const answers = await waitForAll([1, 2, 3, 4].map(() => service.openIssue(event)))
    const done = answers.filter(({ status }) => status === 200)
    expect(done.length).toBeGreaterThan(0)
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true)
    const later = await service.openIssue(event)
    expect(later).toMatchObject({ status: 200, body: done[0]?.body })
    expect((await count()) - before).toBe(1)
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

const nasty = `It's "down"; costs $5 | a > b & c % d \`e\` \\ <b>x</b>\nsecond line äöü ß € 日本 🚀`

/** Titles have one line. */
const arrived = nasty.replace('\n', ' ')

const lastTitle = async () => (await service.issues()).at(-1).title

/** Damages text like webhook-service: each byte of its UTF-8 becomes a character, which curl encodes as UTF-8 again. */
const mangled = (text: string) => Buffer.from(text).toString('latin1')

describe('A title with quotes, shell characters, a line break, umlauts and emoji', () => {
  it.each(['silent', 'interactive'])('arrives on one line and otherwise unchanged in a form (%s)', async (mode) => {
    const { id, type, shkeptncontext, data } = triggered()
    const form = new URLSearchParams({
      id,
      type,
      shkeptncontext,
      'data.project': data.project,
      'data.stage': data.stage,
      'data.service': data.service,
      'input.title': nasty,
    })
    expect((await service.openIssue(form, `?mode=${mode}`)).status).toBe(mode === 'silent' ? 200 : 202)
    if (mode === 'interactive') await service.finishedOf(id)
    expect(await lastTitle()).toBe(arrived)
  })

  it('arrives on one line and otherwise unchanged in a query parameter without a body', async () => {
    const query = new URLSearchParams({
      id: randomUUID(),
      type: 'sh.keptn.event.x.triggered',
      'data.project': 'p',
      'input.title': nasty,
      'input.labels': 'a,b',
    })
    expect((await service.openIssue(undefined, `?${query}`)).status).toBe(200)
    expect(await lastTitle()).toBe(arrived)
  })

  it('arrives on one line and otherwise unchanged in JSON, and is repaired if webhook-service damaged it', async () => {
    expect((await service.openIssue({ input: { title: nasty } })).status).toBe(200)
    expect(await lastTitle()).toBe(arrived)
    const body = mangled(JSON.stringify({ input: { title: nasty } }))
    expect((await service.openIssue(body, '', { headers: { 'content-type': 'application/json' } })).status).toBe(200)
    expect(await lastTitle()).toBe(arrived)
  })

  it('that contains such characters on purpose is not changed', async () => {
    for (const title of ['Grüße', 'é', 'naïve café']) {
      expect((await service.openIssue({ input: { title } })).status).toBe(200)
      expect(await lastTitle()).toBe(title)
    }
  })
})

it("A JSON body with curl's default content type is accepted", async () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  expect((await service.openIssue('{"input":{"title":"No header was set"}}', '', { headers })).status).toBe(200)
  expect(await lastTitle()).toBe('No header was set')
})

it('Empty form values count as missing, and the query overrides the body', async () => {
  const form = new URLSearchParams({
    'input.title': '',
    'input.description': 'd',
    'data.project': 'p',
    'data.service': 's',
  })
  expect((await service.openIssue(form)).status).toBe(200)
  expect(await lastTitle()).toBe('Task: s in p')
  expect((await service.openIssue(new URLSearchParams({ 'input.title': 'body' }), '?input.title=query')).status).toBe(
    200,
  )
  expect(await lastTitle()).toBe('query')
})
