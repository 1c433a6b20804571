import { afterAll, beforeEach, describe, expect, it } from '@jest/globals'
import { startSes } from '../functions/notification/aws-ses/fake.ts'
import { channel, jane, startDiscord } from '../functions/notification/discord/fake.ts'
import { space, startGoogleChat } from '../functions/notification/google-chat/fake.ts'
import { jane as janeOfMattermost, startMattermost } from '../functions/notification/mattermost/fake.ts'
import { type SentButtonPress, slackServer } from '../functions/notification/slack/fake.ts'
import { lisa, startTelegram, supergroup } from '../functions/notification/telegram/fake.ts'
import { waitForAll } from '../wait-for-all.ts'
import { awsCredentials, Service, triggered } from './service.ts'

// The fake of AWS accepts the key of the functions.
process.env['AWS_ACCESS_KEY_ID'] = awsCredentials.accessKeyId

const slack = await slackServer()
slack.people.push({ id: 'U0BEN', name: 'ben', realName: 'Ben Roe', email: 'ben@example.com' })
const mattermost = await startMattermost()
const discord = await startDiscord()
const telegram = await startTelegram()
const chat = await startGoogleChat()
const ses = await startSes()
const unsigned = { provider: 'slack', baseUrl: slack.url, token: slack.token, channel: 'C0RELEASES' }
const connections = {
  unsigned,
  slack: { ...unsigned, signingSecret: slack.signingSecret },
  mattermost: { baseUrl: mattermost.url, token: mattermost.token, channel: mattermost.channel },
  discord: { baseUrl: discord.url, token: discord.token, publicKey: discord.publicKey, channel },
  telegram: {
    baseUrl: telegram.url,
    token: telegram.token,
    webhookSecret: telegram.webhookSecret,
    channel: String(supergroup),
  },
  'google-chat': { baseUrl: chat.url, token: chat.login.token, channel: space },
  'aws-ses': {
    endpoint: ses.url,
    region: 'eu-west-1',
    from: 'deployments@example.com',
    channel: 'ops@example.com',
  },
}
const secrets = Object.entries(connections).map(([name, fields]) => [
  `cloud-automation-webhooks/connections/notification/${name}`,
  { provider: name, ...fields },
])
const service = await new Service({ timeScale: 120, secrets: Object.fromEntries(secrets) }).start()
afterAll(async () => {
  await service.end()
  await waitForAll([slack, mattermost, discord, telegram, chat, ses].map((server) => server.close()))
})
beforeEach(() => {
  slack.empty()
})

const approval = '/v1/notification/ask-approval?mode=interactive&sendStarted=true'

/** Requests an approval, and waits until its message is sent. */
async function request(connection: string, sent: () => unknown[], input: object = {}, query = '') {
  const before = sent().length
  const event = triggered({ type: 'sh.keptn.event.sign-off.triggered', input })
  expect(await service.call(`${approval}&connection=${connection}${query}`, event)).toMatchObject({ status: 202 })
  await service.until(() => sent().length > before, 'a message')
  return event
}
/** Sends what a platform sends when a button is pressed. */
const post = async (path: string, { headers = {}, body }: { headers?: Record<string, string>; body: string }) => {
  const response = await fetch(`${service.url}/v1/notification/${path}`, { method: 'POST', headers, body })
  const text = await response.text()
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text }
}
const finished = async ({ id }: { id: string }) => {
  const replies = await service.finishedOf(id)
  expect([replies.started, replies.finished.length]).toEqual([1, 1])
  return replies.finished[0]
}

const buttonsOf = ({ blocks }: { blocks: object[] }) => JSON.stringify(blocks).includes('"type":"button"')
const decisions = () => service.logs().filter(({ audit }) => audit === 'decision')

describe('A click in Slack', () => {
  async function ask(input: object = {}, query = '') {
    const event = await request('slack', () => slack.posts, input, query)
    const [asked] = slack.posts
    if (!asked) throw new Error('There is no message')
    return { event, post: asked }
  }
  const press = (sent: SentButtonPress) => post('slack', sent)

  it('decides, and the message shows who decided', async () => {
    const { event, post } = await ask()
    expect(buttonsOf(post)).toBe(true)
    expect(await press(slack.pressButton(post, 'approve'))).toEqual({ status: 200, body: '' })
    expect(await finished(event)).toMatchObject({
      result: 'pass',
      message: 'Approved by Jane Doe (U0JANE)',
      'sign-off': { decision: 'approved', by: 'Jane Doe (U0JANE)' },
    })
    const [locked] = slack.posts
    expect([locked?.edited, locked && buttonsOf(locked)]).toEqual([expect.any(String), false])
    expect(JSON.stringify(locked?.blocks)).toContain('Approved by Jane Doe (U0JANE)')
  })

  it('has one decision if two people click at once, and notifies the other in private', async () => {
    const { event, post } = await ask()
    const presses = [slack.pressButton(post, 'approve'), slack.pressButton(post, 'reject', 'U0BEN')]
    const answers = await waitForAll(presses.map(press))
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    const { 'sign-off': answer } = await finished(event)
    expect(slack.ephemerals).toEqual([expect.objectContaining({ text: expect.stringContaining(`by ${answer.by}`) })])
    expect(await press(slack.pressButton(post, 'approve', 'U0BEN'))).toMatchObject({ status: 200 })
    expect(slack.ephemerals.at(-1)).toMatchObject({
      onlyFor: 'U0BEN',
      text: expect.stringContaining('Already decided'),
    })
  })

  it('of a person who may not decide is rejected in private, and the approval stays open', async () => {
    const { event, post } = await ask({ approvers: ['ben@example.com'] })
    expect(await press(slack.pressButton(post, 'approve'))).toEqual({ status: 200, body: '' })
    expect(slack.ephemerals).toMatchObject([
      {
        channel: 'C0RELEASES',
        onlyFor: 'U0JANE',
        text: expect.stringContaining('Only ben@example.com may decide this'),
      },
    ])
    expect((await service.repliesTo(event.id)).finished).toEqual([])
    await press(slack.pressButton(post, 'reject', 'U0BEN'))
    expect(await finished(event)).toMatchObject({ result: 'fail', message: 'Rejected by Ben Roe (U0BEN)' })
    await service.until(async () => decisions().at(-1)?.['outcome'] === 'reject', 'the audit line')
    expect(decisions().slice(-2)).toMatchObject([
      { connection: 'slack', by: 'Jane Doe (U0JANE)', outcome: 'refused' },
      { connection: 'slack', by: 'Ben Roe (U0BEN)', outcome: 'reject' },
    ])
  })

  it('of the requester is rejected if notRequester is set', async () => {
    const { event, post } = await ask({ requester: 'jane@example.com', notRequester: 'on' })
    await press(slack.pressButton(post, 'approve'))
    expect(slack.ephemerals).toMatchObject([
      { onlyFor: 'U0JANE', text: expect.stringContaining('You requested this approval') },
    ])
    await press(slack.pressButton(post, 'approve', 'U0BEN'))
    expect(await finished(event)).toMatchObject({ result: 'pass' })
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
    await finished(event)
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
    await finished(event)
  })

  it('after the deadline gets a private notice', async () => {
    const { event, post } = await ask({}, '&deadline=PT5S')
    expect(await finished(event)).toMatchObject({ result: 'fail', message: 'Expired: no one decided in time' })
    await service.until(async () => {
      await press(slack.pressButton(post, 'approve'))
      return slack.ephemerals.some(({ text }) => text.includes('expired') || text.includes('ended'))
    }, 'a word of the end')
    expect(buttonsOf(slack.posts[0] ?? { blocks: [] })).toBe(false)
  })

  it('counts after the reminder', async () => {
    const { event, post } = await ask({ remindBefore: 60 }, '&deadline=PT65S')
    await service.until(async () => slack.posts.length > 1, 'a reminder')
    expect(slack.posts[1]).toMatchObject({ thread_ts: post.ts, text: expect.stringContaining('Still open') })
    await press(slack.pressButton(post, 'approve'))
    expect(await finished(event)).toMatchObject({ result: 'pass' })
  })

  it('fails if Slack does not identify the person, and can be repeated', async () => {
    const { event, post } = await ask({ approvers: ['U0BEN'] })
    slack.hang()
    expect((await press(slack.pressButton(post, 'approve'))).status).toBeGreaterThanOrEqual(500)
    slack.hang(false)
    await press(slack.pressButton(post, 'approve', 'U0BEN'))
    await finished(event)
  })
})

it('ask-approval names a missing signing secret before it accepts the call', async () => {
  const path = '/v1/notification/ask-approval?connection=unsigned&mode=interactive'
  const { status, body } = await service.call(path, { ...triggered(), input: {} })
  expect([status, body.detail]).toEqual([503, expect.stringContaining('Add signingSecret to the connection')])
})

it('A Mattermost button decides an approval; a forged press does not, and a late press gets a notice', async () => {
  const event = await request('mattermost', () => mattermost.state.posts)
  const press = mattermost.pressButton('approve', janeOfMattermost)
  expect(press.url).toBe(`${service.url}/v1/notification/mattermost`)
  const send = (body: string) => post('mattermost', { headers: { 'content-type': 'application/json' }, body })
  expect(await send(press.body.replace('"approve"', '"reject"'))).toMatchObject({ status: 401 })
  expect((await service.repliesTo(event.id)).finished).toEqual([])
  expect(await send(press.body)).toMatchObject({ status: 200 })
  expect(await finished(event)).toMatchObject({
    result: 'pass',
    message: expect.stringMatching(/^Approved by .+ \(jane0+j\)$/),
  })
  const late = await send(press.body)
  expect([late.status, JSON.stringify(late.body)]).toEqual([200, expect.stringContaining('Already decided')])
})

describe('Discord', () => {
  it('accepts the URL of its buttons, and refuses a forged test of it', async () => {
    const path = `discord/${discord.publicKey}`
    const ping = discord.sign({ type: 1 })
    expect(await post(path, ping)).toMatchObject({ status: 200, body: { type: 1 } })
    expect(await post(path, { ...ping, body: '{"type":1,"x":1}' })).toMatchObject({ status: 401 })
  })

  it('refuses approvers that it cannot verify', async () => {
    const event = triggered({ type: 'sh.keptn.event.sign-off.triggered', input: { approvers: [jane, 'jane'] } })
    expect(await service.call(`${approval}&connection=discord`, event)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('input.approvers must be ids of users or roles') },
    })
  })

  it('decides an approval with the button of an approver, and a late press gets a notice', async () => {
    const stranger = '80351110224678999'
    discord.users[stranger] = { username: 'mallory', global_name: null, roles: [] }
    const event = await request('discord', () => discord.messages, { approvers: [jane] })
    const path = `discord/${discord.publicKey}`
    expect(await post(path, discord.press('Approve', stranger))).toMatchObject({
      body: { type: 4, data: { content: expect.stringMatching(/^Only 80351110224678912 may decide this/), flags: 64 } },
    })
    const press = discord.press('Approve', jane)
    expect(await post(path, { ...press, body: press.body.replace('jane', 'anna') })).toMatchObject({ status: 401 })
    expect(await post(path, press)).toEqual({ status: 200, body: { type: 7, data: { components: [] } } })
    expect(await finished(event)).toMatchObject({ result: 'pass', message: `Approved by Jane Doe (${jane})` })
    expect(discord.messages.at(-1)).toMatchObject({
      components: [],
      embeds: [{ description: expect.stringContaining('Approved by Jane Doe') }],
    })
    expect(await post(path, press)).toMatchObject({
      body: { type: 4, data: { content: expect.stringContaining('Already decided') } },
    })
  })
})

describe('Telegram', () => {
  it('decides an approval with the button of an approver, and a late press gets an alert', async () => {
    const stranger = 2222222
    telegram.users[stranger] = { first_name: 'Mallory', username: 'lisa' }
    const event = await request('telegram', () => telegram.messages, { approvers: String(lisa) })
    const alert = { method: 'answerCallbackQuery', show_alert: true }
    expect(await post('telegram', telegram.press('Approve', stranger))).toMatchObject({
      body: { ...alert, text: expect.stringMatching(/^Only 1111111 may decide this/) },
    })
    const press = telegram.press('Reject', lisa)
    expect(await post('telegram', { ...press, headers: {} })).toMatchObject({ status: 401 })
    const text = `Rejected by Lisa Roe (${lisa})`
    expect(await post('telegram', press)).toMatchObject({ status: 200, body: { method: alert.method, text } })
    expect(await finished(event)).toMatchObject({ result: 'fail', message: text })
    expect(telegram.messages.at(-1)?.text).toContain(text)
    expect(telegram.messages.at(-1)).not.toHaveProperty('reply_markup')
    expect(await post('telegram', press)).toMatchObject({
      body: { ...alert, text: expect.stringContaining('Already decided') },
    })
  })
})

const platforms: [name: string, connection: string, sent: () => object[]][] = [
  ['Discord', 'discord', () => discord.messages],
  ['Telegram', 'telegram', () => telegram.messages],
  ['Google Chat', 'google-chat', () => chat.messages],
  ['AWS SES', 'aws-ses', () => ses.state.mails],
]

it.each(platforms)('%s shows the message of a silent call', async (_name, connection, sent) => {
  const input = { text: 'Deployed' }
  const path = `/v1/notification/push-update?connection=${connection}`
  expect(await service.call(path, { ...triggered(), input })).toMatchObject({
    status: 200,
    body: { result: 'pass', data: { id: expect.any(String) } },
  })
  expect(JSON.stringify(sent().at(-1))).toContain('Deployed')
})

it.each(platforms.slice(2))(
  '%s links an approval to its page, and shows the decision',
  async (_name, connection, sent) => {
    const event = await request(connection, sent)
    const [link = ''] = /http:[^"\\\s]+\/approvals\/[^"\\\s]+/.exec(JSON.stringify(sent().at(-1))) ?? []
    const body = new URLSearchParams({ name: 'Jane Doe', decision: 'approve' })
    expect((await fetch(link, { method: 'POST', body })).status).toBe(200)
    expect(await finished(event)).toMatchObject({ result: 'pass', message: 'Approved by link: Jane Doe' })
    const shown = JSON.stringify(sent().at(-1))
    expect(shown).toContain('Approved by link: Jane Doe')
    expect(shown).not.toContain('/approvals/')
  },
)
