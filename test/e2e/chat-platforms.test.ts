import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type SesServer, startSes } from '../../infra/platforms/aws-ses.ts'
import { channel, type DiscordServer, jane, startDiscord } from '../../infra/platforms/discord.ts'
import { type GoogleChatServer, space, startGoogleChat } from '../../infra/platforms/google-chat.ts'
import { lisa, startTelegram, supergroup, type TelegramServer } from '../../infra/platforms/telegram.ts'
import { awsCredentials, Service, triggered, until } from './service.ts'

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
    secrets: {
      'cloud-automation-webhooks/connections/notification/discord': {
        ...{ provider: 'discord', baseUrl, token, publicKey, channel },
      },
      'cloud-automation-webhooks/connections/notification/telegram': {
        ...{ provider: 'telegram', baseUrl: telegram.url, token: telegram.token, webhookSecret },
        channel: String(supergroup),
      },
      'cloud-automation-webhooks/connections/notification/google-chat': {
        ...{ provider: 'google-chat', baseUrl: chat.url, token: chat.login.token, channel: space },
      },
      'cloud-automation-webhooks/connections/notification/aws-ses': {
        ...{ provider: 'aws-ses', endpoint: ses.url, region: 'eu-west-1', from: 'deployments@example.com' },
        channel: 'ops@example.com',
      },
    },
  })
  await service.start()
})
afterAll(async () => {
  await service.end()
  await discord.close()
  await telegram.close()
  await chat.close()
  await ses.close()
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
  await until(
    async () => isPosted(),
    20,
    () => `a message\n${service.output.slice(-3_000)}`,
  )
  return event
}

/** Posts a message with a silent call. */
const push = (connection: string) =>
  service.call(`/v1/notification/push-update?connection=${connection}`, { ...triggered(), input: { text: 'Deployed' } })

describe('Discord', () => {
  it('shows the message of a silent call', async () => {
    expect(await push('discord')).toMatchObject({
      status: 200,
      body: { result: 'pass', data: { id: expect.any(String) } },
    })
    expect(discord.messages).toMatchObject([{ embeds: [{ description: expect.stringContaining('Deployed') }] }])
  })

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
  it('shows the message of a silent call', async () => {
    expect(await push('telegram')).toMatchObject({ status: 200, body: { result: 'pass', data: { id: '1' } } })
    expect(telegram.messages).toMatchObject([{ text: expect.stringContaining('Deployed') }])
  })

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

/** Decides on the approval page. */
const decideBy = (link: string) =>
  fetch(link, { method: 'POST', body: new URLSearchParams({ name: 'Jane Doe', decision: 'approve' }) })

describe('Google Chat', () => {
  it('shows the message of a silent call', async () => {
    expect(await push('google-chat')).toMatchObject({ status: 200, body: { data: { id: expect.any(String) } } })
    expect(JSON.stringify(chat.messages)).toContain('Deployed')
  })

  it('links an approval to its page, and shows the decision', async () => {
    const before = chat.messages.length
    const event = await ask('google-chat', () => chat.messages.length > before, {})
    const [link = ''] = /http[^"]+\/approvals\/[^"]+/.exec(JSON.stringify(chat.messages.at(-1))) ?? []
    expect((await decideBy(link)).status).toBe(200)
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ result: 'pass', message: 'Approved by link: Jane Doe' }])
    expect(JSON.stringify(chat.messages.at(-1))).toMatch(/Approved by link: Jane Doe/)
    expect(JSON.stringify(chat.messages.at(-1))).not.toContain('/approvals/')
  })
})

describe('AWS SES', () => {
  it('sends the message of a silent call', async () => {
    expect(await push('aws-ses')).toMatchObject({ status: 200, body: { data: { id: expect.any(String) } } })
    expect(JSON.stringify(ses.state.mails)).toContain('Deployed')
  })

  it('links an approval to its page, and sends the decision', async () => {
    const before = ses.state.mails.length
    const event = await ask('aws-ses', () => ses.state.mails.length > before, {})
    const { Text } = ses.state.mails.at(-1)?.Content.Simple.Body ?? {}
    const [, link = ''] = /Decide: (\S+)/.exec(Text?.Data ?? '') ?? []
    expect((await decideBy(link)).status).toBe(200)
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ result: 'pass', message: 'Approved by link: Jane Doe' }])
    expect(JSON.stringify(ses.state.mails.at(-1))).toContain('Approved by link: Jane Doe')
  })
})
