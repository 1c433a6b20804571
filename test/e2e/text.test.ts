import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Service, triggered } from './service.ts'

const service = new Service()
beforeAll(() => service.start())
afterAll(() => service.end())

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
