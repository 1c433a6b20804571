import { afterAll, beforeEach, describe, expect, it } from '@jest/globals'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { startNtfy } from '../functions/notification/ntfy/fake.ts'
import { startServiceNowChange } from '../functions/notification/servicenow-change/fake.ts'
import { Service, triggered } from './service.ts'

const inbox = await startNtfy()
const changes = await startServiceNowChange()
const prefix = 'cloud-automation-webhooks'
const connections = {
  [`${prefix}/connections/notification/inbox`]: {
    provider: 'ntfy',
    baseUrl: inbox.url,
    token: inbox.token,
    channel: inbox.writable[0],
  },
  [`${prefix}/connections/notification/changes`]: {
    provider: 'servicenow-change',
    baseUrl: changes.url,
    token: changes.token,
  },
}
const service = await new Service({ timeScale: 60, secrets: connections }).start()
afterAll(async () => {
  await service.end()
  await inbox.close()
  await changes.close()
})
beforeEach(() => {
  inbox.calls.length = 0
  inbox.messages.length = 0
})

/** The message that asks, and its link. */
const question = () => inbox.messages.find(({ click }) => click?.includes('/approvals/'))
const approval = (more: object = {}) =>
  triggered({
    type: 'sh.keptn.event.sign-off.triggered',
    data: { project: 'shop', stage: 'production', service: 'checkout', result: 'pass', ...more },
  })
const path = '/v1/notification/ask-approval?connection=inbox&mode=interactive'
/** Asks, and answers the link once the message is there. */
async function ask(query = '&sendStarted=true', event = approval(), input: object = {}) {
  const answer = await service.call(`${path}${query}`, { ...event, input })
  expect(answer).toMatchObject({ status: 202 })
  await service.until(async () => question() !== undefined, 'a message')
  const link = question()?.click ?? ''
  return { event, link, taskId: answer.body.taskId as string }
}
const open = (link: string, init?: RequestInit) => fetch(link, { redirect: 'manual', ...init })
const decide = (link: string, fields: Record<string, string>) =>
  open(link, { method: 'POST', body: new URLSearchParams({ name: 'Jane Doe', ...fields }) })
const finished = async (id: string) => {
  const replies = await service.finishedOf(id)
  expect(replies.finished).toHaveLength(1)
  return { started: replies.started, ...replies.finished[0] }
}

describe('An approval by a change of ServiceNow', () => {
  it('is requested interactively, decided in ServiceNow and closed silently with the result', async () => {
    const event = approval()
    const requested = await service.call('/v1/notification/ask-approval?connection=changes&mode=interactive', event)
    expect(requested.status).toBe(202)
    await service.until(async () => changes.state.changes[0]?.approval === 'requested', 'a change')
    changes.decide('approved', 'Jane Doe')
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ result: 'pass', message: 'Approved by Jane Doe' }])
    const [{ sys_id: id } = { sys_id: '' }] = changes.state.changes
    const closed = await service.call('/v1/notification/close-approval?connection=changes', {
      ...approval({ result: 'warning' }),
      input: { id },
    })
    expect(closed).toMatchObject({ status: 200, body: { result: 'pass', data: { id, state: 'CHG0030001 closed' } } })
    expect(changes.state.changes).toMatchObject([{ state: '3', close_code: 'successful_issues' }])
  })
})

describe('An approval by link', () => {
  it('sends the decision, the approver and the reason as its result', async () => {
    const { event, link } = await ask()
    expect(question()?.title).toBe('Approve sign-off of checkout in shop/production?')
    const page = await open(link)
    expect(page.status).toBe(200)
    const html = await page.text()
    expect(html).toContain('Approve sign-off of checkout in shop/production?')
    expect(html).toContain('<form method="post">')
    const decided = await decide(link, { decision: 'approve', reason: 'Looks <good>' })
    expect([decided.status, await decided.text()]).toEqual([
      200,
      expect.stringContaining('Approved by link: Jane Doe: Looks &lt;good&gt;'),
    ])
    expect(await finished(event.id)).toMatchObject({
      started: 1,
      status: 'succeeded',
      result: 'pass',
      message: 'Approved by link: Jane Doe: Looks <good>',
      'sign-off': { decision: 'approved', by: 'link: Jane Doe', reason: 'Looks <good>' },
    })
  })

  it('survives a crash while it waits and right after the click', async () => {
    const { event, link } = await ask()
    await service.kill()
    await service.start()
    expect((await open(link)).status).toBe(200)
    await service.fault({ target: 'keptn', kind: 'hang', match: { body: '.finished' } })
    expect((await decide(link, { decision: 'approve' })).status).toBe(200)
    await service.kill()
    await service.start()
    await service.clearFaults()
    expect((await decide(link, { decision: 'reject', name: 'Too late' })).status).toBe(409)
    expect(await finished(event.id)).toMatchObject({ started: 1, result: 'pass' })
  })

  it('accepts links of the previous key after a rotation', async () => {
    const rotate = (approvals?: object) =>
      service.rotate({ ...connections, ...(approvals ? { [`${prefix}/approvals`]: approvals } : {}) })
    const next = 'the-next-key-of-at-least-32-characters'
    const { event, link } = await ask()
    rotate({ key: next, previousKey: demo.approvalsKey })
    expect((await decide(link, { decision: 'approve' })).status).toBe(200)
    expect(await finished(event.id)).toMatchObject({ result: 'pass' })
    rotate({ key: next })
    expect((await open(link)).status).toBe(403)
    rotate()
    expect((await open(link)).status).toBe(200)
  })

  it('says that it has ended after Lambda stopped its task', async () => {
    const { event, link, taskId } = await ask()
    await service.stopTask(taskId)
    const late = await decide(link, { decision: 'approve' })
    expect([late.status, await late.text()]).toEqual([410, expect.stringContaining('This approval has ended')])
    expect(await finished(event.id)).toMatchObject({ status: 'errored' })
  })
})

describe('The callback of an approval', () => {
  it('never appears in a response, an event or a message', async () => {
    const { event, link } = await ask()
    const page = await (await open(link)).text()
    const seen = [page, JSON.stringify(inbox.calls), link, JSON.stringify(await service.events())].join('\n')
    // Lambda makes callback ids of long base64.
    expect(seen).not.toMatch(/[A-Za-z0-9+/]{100,}={0,2}/)
    await decide(link, { decision: 'approve' })
    await finished(event.id)
  })
})

const push = (event: object, query = '') => service.call(`/v1/notification/push-update?connection=inbox${query}`, event)
const evaluated = (kind: string, more: object = {}) =>
  triggered({
    type: `sh.keptn.event.evaluation.${kind}`,
    data: {
      project: 'shop',
      stage: 'production',
      service: 'checkout',
      status: 'succeeded',
      result: 'fail',
      evaluation: { score: 42, result: 'fail', indicatorResults: [] },
    },
    ...more,
  })

describe('A push-update call', () => {
  it('sends the event as a message with a link to the Bridge, and sends no second one for a repeat', async () => {
    const event = evaluated('finished')
    const answer = await push(event)
    expect(answer).toMatchObject({ status: 200, body: { result: 'pass' } })
    expect((await push(event)).body).toEqual(answer.body)
    expect(inbox.messages).toMatchObject([
      {
        topic: inbox.writable[0],
        title: 'Evaluation of checkout in shop/production failed (score 42)',
        tags: ['x'],
        click: `${service.url}/sandbox/keptn/bridge/project/shop/sequence/${event.shkeptncontext}`,
      },
    ])
  })

  it.each(['triggered', 'started', 'finished'])('accepts a .%s event', async (kind) => {
    expect(await push(evaluated(kind))).toMatchObject({ status: 200 })
    expect(inbox.messages).toHaveLength(1)
  })

  it('sends the text of the caller to the channel of the caller', async () => {
    const input = { text: 'The night shift takes over.', channel: inbox.writable[1] }
    await push(evaluated('finished', { input }))
    expect(inbox.messages).toMatchObject([{ topic: inbox.writable[1], message: 'The night shift takes over.' }])
    expect(inbox.messages[0]?.message).not.toContain('Score')
  })

  it('uses the template of the caller, and rejects an unknown one', async () => {
    await push(evaluated('finished', { input: { template: 'task' } }))
    expect(inbox.messages[0]?.title).not.toContain('score 42')
    const { status, body } = await push(evaluated('finished', { input: { template: 'fancy' } }))
    expect([status, body.detail]).toEqual([400, expect.stringContaining('input.template')])
  })

  it('ends an interactive task, and sends no message if when does not match', async () => {
    const event = triggered({ type: 'sh.keptn.event.notify.triggered' })
    await push(event, '&mode=interactive&sendStarted=true')
    expect((await service.finishedOf(event.id)).finished).toMatchObject([{ status: 'succeeded', result: 'pass' }])
    expect(inbox.messages).toHaveLength(1)
    await push(evaluated('finished'), '&when=pass')
    expect(inbox.messages).toHaveLength(1)
  })
})
