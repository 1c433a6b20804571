import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { jane, type MattermostServer, startMattermost } from '../../infra/platforms/mattermost.ts'
import { type SentButtonPress, type SlackServer, slackServer } from '../../infra/platforms/slack/server.ts'
import { Service, triggered } from './service.ts'

let slack: SlackServer
let mattermost: MattermostServer
let service: Service
beforeAll(async () => {
  slack = await slackServer()
  mattermost = await startMattermost()
  slack.members['U0BEN'] = { name: 'ben', real_name: 'Ben Roe', team_id: 'T0SANDBOX', email: 'ben@example.com' }
  service = new Service({
    timeScale: 60,
    secrets: {
      'cloud-automation-webhooks/connections/notification/chat': {
        ...{ provider: 'slack', baseUrl: slack.url, token: slack.token, signingSecret: slack.signingSecret },
        channel: 'C0RELEASES',
      },
      'cloud-automation-webhooks/connections/notification/unsigned': {
        ...{ provider: 'slack', baseUrl: slack.url, token: slack.token, channel: 'C0RELEASES' },
      },
      'cloud-automation-webhooks/connections/notification/mattermost': {
        ...{ provider: 'mattermost', baseUrl: mattermost.url, token: mattermost.token, channel: mattermost.channel },
      },
    },
  })
  await service.start()
})
afterAll(async () => {
  await service.end()
  await slack.close()
  await mattermost.close()
})
beforeEach(() => {
  slack.posts.length = 0
  slack.ephemerals.length = 0
})

/** Asks, and answers the message once it is there. */
async function ask(input: object = {}, query = '') {
  const event = triggered({
    type: 'sh.keptn.event.sign-off.triggered',
    data: { project: 'shop', stage: 'production', service: 'checkout', result: 'pass' },
    input,
  })
  const path = '/v1/notification/ask-approval?connection=chat&mode=interactive&sendStarted=true'
  expect(await service.call(`${path}${query}`, event)).toMatchObject({ status: 202 })
  await service.until(async () => slack.posts.length > 0, 'a message')
  const [post] = slack.posts
  if (!post) throw new Error('There is no message')
  // As it was asked: it is changed when it is decided.
  return { event, post: structuredClone(post) }
}
/** As Slack sends it. */
const press = async ({ headers, body }: SentButtonPress) => {
  const response = await fetch(`${service.url}/v1/notification/slack`, { method: 'POST', headers, body })
  return { status: response.status, body: await response.text() }
}
const buttonsOf = ({ blocks }: { blocks: object[] }) => JSON.stringify(blocks).includes('"type":"button"')
const finished = async (id: string) => {
  const replies = await service.finishedOf(id)
  expect([replies.started, replies.finished.length]).toEqual([1, 1])
  return replies.finished[0]
}

const decisions = () => service.logs().filter(({ audit }) => audit === 'decision')

describe('A click in Slack', () => {
  it('decides, and the message shows who decided', async () => {
    const { event, post } = await ask()
    expect(buttonsOf(post)).toBe(true)
    expect(await press(slack.pressButton(post, 'approve'))).toEqual({ status: 200, body: '' })
    expect(await finished(event.id)).toMatchObject({
      result: 'pass',
      message: 'Approved by Jane Doe (U0JANE)',
      'sign-off': { decision: 'approved', by: 'Jane Doe (U0JANE)' },
    })
    const [locked] = slack.posts
    expect([locked?.edited, locked && buttonsOf(locked)]).toEqual([true, false])
    expect(JSON.stringify(locked?.blocks)).toContain('Approved by Jane Doe (U0JANE)')
  })

  it('has one decision if two people click at once, and notifies the other in private', async () => {
    const { event, post } = await ask()
    const presses = [slack.pressButton(post, 'approve'), slack.pressButton(post, 'reject', 'U0BEN')]
    const answers = await Promise.all(presses.map(press))
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    const { 'sign-off': answer } = await finished(event.id)
    expect(slack.ephemerals).toEqual([expect.objectContaining({ text: expect.stringContaining(`by ${answer.by}`) })])
    expect(await press(slack.pressButton(post, 'approve', 'U0BEN'))).toMatchObject({ status: 200 })
    expect(slack.ephemerals.at(-1)).toMatchObject({ user: 'U0BEN', text: expect.stringContaining('Already decided') })
  })

  it('of a person who may not decide is rejected in private, and the approval stays open', async () => {
    const { event, post } = await ask({ approvers: ['ben@example.com'] })
    expect(await press(slack.pressButton(post, 'approve'))).toEqual({ status: 200, body: '' })
    expect(slack.ephemerals).toEqual([
      { channel: 'C0RELEASES', user: 'U0JANE', text: expect.stringContaining('Only ben@example.com may decide this') },
    ])
    expect((await service.repliesTo(event.id)).finished).toEqual([])
    await press(slack.pressButton(post, 'reject', 'U0BEN'))
    expect(await finished(event.id)).toMatchObject({ result: 'fail', message: 'Rejected by Ben Roe (U0BEN)' })
    await service.until(async () => decisions().at(-1)?.['outcome'] === 'reject', 'the audit line')
    expect(decisions().slice(-2)).toMatchObject([
      { connection: 'chat', by: 'Jane Doe (U0JANE)', outcome: 'refused' },
      { connection: 'chat', by: 'Ben Roe (U0BEN)', outcome: 'reject' },
    ])
  })

  it('of the requester is rejected if notRequester is set', async () => {
    const { event, post } = await ask({ requester: 'jane@example.com', notRequester: 'on' })
    await press(slack.pressButton(post, 'approve'))
    expect(slack.ephemerals).toMatchObject([
      { user: 'U0JANE', text: expect.stringContaining('You requested this approval') },
    ])
    await press(slack.pressButton(post, 'approve', 'U0BEN'))
    expect(await finished(event.id)).toMatchObject({ result: 'pass' })
  })

  it('that is forged, altered, replayed or from another workspace is rejected, and its value is not logged', async () => {
    const { event, post } = await ask()
    const real = slack.pressButton(post, 'approve')
    const old = slack.sign(real.body, { at: Date.now() / 1_000 - 301 })
    const forged: SentButtonPress[] = [
      slack.sign(real.body, { secret: 'another-signing-secret' }),
      { ...real, body: real.body.replace('approve', 'reject') },
      old,
      { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: real.body },
      { ...real, body: 'payload=%7B%7D' },
      { ...real, body: '' },
    ]
    for (const one of forged) expect((await press(one)).status).toBe(401)
    expect((await service.repliesTo(event.id)).finished).toEqual([])
    expect(service.output).toContain('button press refused')
    for (const header of [real.headers, old.headers])
      expect(service.output).not.toContain(header['x-slack-signature'] ?? header['X-Slack-Signature'])
    await press(real)
    await finished(event.id)
  })

  it('cannot be replaced by the approval page, which does not identify people', async () => {
    const { event, post } = await ask({ approvers: ['U0JANE'] })
    const token = /"value":"([^"]+)"/.exec(JSON.stringify(post.blocks))?.[1]
    const response = await fetch(`${service.url}/v1/notification/approvals/${token}`, {
      method: 'POST',
      body: new URLSearchParams({ decision: 'approve', name: 'Jane' }),
    })
    expect([response.status, await response.text()]).toEqual([403, expect.stringContaining('buttons of its message')])
    await press(slack.pressButton(post, 'approve'))
    await finished(event.id)
  })

  it('after the deadline gets a private notice', async () => {
    const { event, post } = await ask({}, '&deadline=PT2M')
    expect(await finished(event.id)).toMatchObject({ result: 'fail', message: 'Expired: no one decided in time' })
    await service.until(async () => {
      await press(slack.pressButton(post, 'approve'))
      return slack.ephemerals.some(({ text }) => text.includes('expired') || text.includes('ended'))
    }, 'a word of the end')
    expect(buttonsOf(slack.posts[0] ?? { blocks: [] })).toBe(false)
  })

  it('counts after the reminder', async () => {
    const { event, post } = await ask({ remindBefore: 540 }, '&deadline=PT10M')
    await service.until(async () => slack.posts.length > 1, 'a reminder')
    expect(slack.posts[1]).toMatchObject({ thread_ts: post.ts, text: expect.stringContaining('Still open') })
    await press(slack.pressButton(post, 'approve'))
    expect(await finished(event.id)).toMatchObject({ result: 'pass' })
  })

  it('fails if Slack does not identify the person, and can be repeated', async () => {
    const { event, post } = await ask({ approvers: ['U0BEN'] })
    slack.hang()
    expect((await press(slack.pressButton(post, 'approve'))).status).toBeGreaterThanOrEqual(500)
    slack.hang(false)
    await press(slack.pressButton(post, 'approve', 'U0BEN'))
    await finished(event.id)
  })
})

it('ask-approval names a missing signing secret before it accepts the call', async () => {
  const path = '/v1/notification/ask-approval?connection=unsigned&mode=interactive'
  const { status, body } = await service.call(path, { ...triggered(), input: {} })
  expect([status, body.detail]).toEqual([503, expect.stringContaining('Add signingSecret to the connection')])
})

it('A Mattermost button decides an approval; a forged press does not, and a late press gets a notice', async () => {
  const send = async ({ url, body }: { url: string; body: string }) => {
    const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    return { status: response.status, body: await response.text() }
  }
  const event = triggered({ type: 'sh.keptn.event.sign-off.triggered', input: {} })
  const path = '/v1/notification/ask-approval?connection=mattermost&mode=interactive&sendStarted=true'
  expect(await service.call(path, event)).toMatchObject({ status: 202 })
  await service.until(async () => mattermost.state.posts.length > 0, 'a post')
  const press = mattermost.pressButton('approve', jane)
  expect(press.url).toBe(`${service.url}/v1/notification/mattermost`)
  const forged = press.body.replace('"approve"', '"reject"')
  expect((await send({ ...press, body: forged })).status).toBe(401)
  expect((await service.repliesTo(event.id)).finished).toEqual([])
  expect((await send(press)).status).toBe(200)
  const { started, finished } = await service.finishedOf(event.id)
  expect([started, finished]).toEqual([
    1,
    [expect.objectContaining({ result: 'pass', message: expect.stringMatching(/^Approved by .+ \(jane0+j\)$/) })],
  ])
  const late = await send(press)
  expect([late.status, late.body]).toEqual([200, expect.stringContaining('Already decided')])
})
