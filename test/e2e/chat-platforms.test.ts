import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type SesServer, startSes } from '../../infra/platforms/aws-ses.ts'
import { channel, type DiscordServer, jane, startDiscord } from '../../infra/platforms/discord.ts'
import { type GoogleChatServer, space, startGoogleChat } from '../../infra/platforms/google-chat.ts'
import { lisa, startTelegram, supergroup, type TelegramServer } from '../../infra/platforms/telegram.ts'
import { awsCredentials, Service, triggered } from './service.ts'

// The fake of AWS accepts the key of the functions.
process.env['AWS_ACCESS_KEY_ID'] = awsCredentials.accessKeyId

let discord: DiscordServer
let telegram: TelegramServer
let chat: GoogleChatServer
let ses: SesServer
let service: Service
beforeAll(async () => {
  discord = await startDiscord()
  telegram = await startTelegram()
  chat = await startGoogleChat()
  ses = await startSes()
  const { url: baseUrl, token, publicKey } = discord
  const { webhookSecret } = telegram
  service = new Service({
    timeScale: 60,
    secrets: Object.fromEntries(
      Object.entries({
        discord: { baseUrl, token, publicKey, channel },
        telegram: { baseUrl: telegram.url, token: telegram.token, webhookSecret, channel: String(supergroup) },
        'google-chat': { baseUrl: chat.url, token: chat.login.token, channel: space },
        'aws-ses': {
          ...{ endpoint: ses.url, region: 'eu-west-1', from: 'deployments@example.com', channel: 'ops@example.com' },
        },
      }).map(([provider, fields]) => [
        `cloud-automation-webhooks/connections/notification/${provider}`,
        { provider, ...fields },
      ]),
    ),
  })
  await service.start()
})
afterAll(async () => {
  await service.end()
  await Promise.all([discord, telegram, chat, ses].map((server) => server.close()))
})

const post = async (path: string, { headers, body }: { headers: Record<string, string>; body: string }) => {
  const response = await fetch(`${service.url}/v1/notification/${path}`, { method: 'POST', headers, body })
  return { status: response.status, body: await response.json() }
}

/** Asks for approval, and waits until the question is posted. */
async function ask(connection: string, isPosted: () => boolean, input: object) {
  const event = triggered({ type: 'sh.keptn.event.sign-off.triggered', input })
  const path = `/v1/notification/ask-approval?connection=${connection}&mode=interactive&sendStarted=true`
  expect(await service.call(path, event)).toMatchObject({ status: 202 })
  await service.until(isPosted, 'a message')
  return event
}

describe('Discord', () => {
  it('accepts the URL of its buttons, and refuses a forged test of it', async () => {
    const path = `discord/${discord.publicKey}`
    const ping = discord.sign({ type: 1 })
    expect(await post(path, ping)).toMatchObject({ status: 200, body: { type: 1 } })
    expect(await post(path, { ...ping, body: '{"type":1,"x":1}' })).toMatchObject({ status: 401 })
  })

  it('refuses approvers that it cannot verify', async () => {
    const event = triggered({ type: 'sh.keptn.event.sign-off.triggered', input: { approvers: [jane, 'jane'] } })
    expect(
      await service.call('/v1/notification/ask-approval?connection=discord&mode=interactive', event),
    ).toMatchObject({
      ...{ status: 400, body: { detail: expect.stringContaining('input.approvers must be ids of users or roles') } },
    })
  })

  it('decides an approval with the button of an approver, and a late press gets a notice', async () => {
    const stranger = '80351110224678999'
    discord.users[stranger] = { username: 'mallory', global_name: null, roles: [] }
    const before = discord.messages.length
    const event = await ask('discord', () => discord.messages.length > before, { approvers: [jane] })
    const path = `discord/${discord.publicKey}`
    expect(await post(path, discord.press('Approve', stranger))).toMatchObject({
      body: { type: 4, data: { content: expect.stringMatching(/^Only 80351110224678912 may decide this/), flags: 64 } },
    })
    const press = discord.press('Approve', jane)
    expect(await post(path, { ...press, body: press.body.replace('jane', 'anna') })).toMatchObject({ status: 401 })
    expect(await post(path, press)).toEqual({ status: 200, body: { type: 7, data: { components: [] } } })
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ result: 'pass', message: `Approved by Jane Doe (${jane})` }])
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
    const before = telegram.messages.length
    const event = await ask('telegram', () => telegram.messages.length > before, { approvers: String(lisa) })
    const alert = { method: 'answerCallbackQuery', show_alert: true }
    expect(await post('telegram', telegram.press('Approve', stranger))).toMatchObject({
      body: { ...alert, text: expect.stringMatching(/^Only 1111111 may decide this/) },
    })
    const press = telegram.press('Reject', lisa)
    expect(await post('telegram', { ...press, headers: {} })).toMatchObject({ status: 401 })
    const text = `Rejected by Lisa Roe (${lisa})`
    expect(await post('telegram', press)).toMatchObject({ status: 200, body: { method: alert.method, text } })
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ result: 'fail', message: text }])
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
    ...{ status: 200, body: { result: 'pass', data: { id: expect.any(String) } } },
  })
  expect(JSON.stringify(sent().at(-1))).toContain('Deployed')
})

it.each(platforms.slice(2))(
  '%s links an approval to its page, and shows the decision',
  async (_name, connection, sent) => {
    const before = sent().length
    const event = await ask(connection, () => sent().length > before, {})
    const [link = ''] = /http:[^"\\\s]+\/approvals\/[^"\\\s]+/.exec(JSON.stringify(sent().at(-1))) ?? []
    const body = new URLSearchParams({ name: 'Jane Doe', decision: 'approve' })
    expect((await fetch(link, { method: 'POST', body })).status).toBe(200)
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ result: 'pass', message: 'Approved by link: Jane Doe' }])
    const shown = JSON.stringify(sent().at(-1))
    expect(shown).toContain('Approved by link: Jane Doe')
    expect(shown).not.toContain('/approvals/')
  },
)
