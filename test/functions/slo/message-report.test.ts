import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions as notificationActions } from '../../../functions/notification/actions.ts'
import { notification } from '../../../functions/notification/index.ts'
import { ntfy } from '../../../functions/notification/providers/ntfy.ts'
import { slack } from '../../../functions/notification/providers/slack.ts'
import { slo } from '../../../functions/slo/index.ts'
import { messageReport } from '../../../functions/slo/message-report.ts'
import { type NtfyServer, startNtfy } from '../../../infra/platforms/ntfy.ts'
import { type PlayedSlack, slackServer } from '../../../infra/platforms/slack/server.ts'
import { parseEvent } from '../../../shared/orchestrators/keptn/event.ts'
import { clientOf, failureOf, keyOf } from '../helpers.ts'
import { hostile } from '../notification/messages.ts'
import { evaluated, report } from './drive.ts'

type Options = Parameters<typeof report>[3]

const bridge = 'https://keptn.example.com/bridge/project/shop/sequence/0f4a9d0e'
const title = 'Evaluation of checkout in shop/production ended with a warning (score 75)'

let slackApp: PlayedSlack
let ntfyApp: NtfyServer
beforeEach(async () => {
  slackApp = await slackServer()
  ntfyApp = await startNtfy()
})
afterEach(() => Promise.all([slackApp.close(), ntfyApp.close()]))

const toSlack = messageReport(slack)
const toNtfy = messageReport(ntfy)
const slackFields = () => ({ baseUrl: slackApp.url, token: slackApp.token, channel: 'C0RELEASES' })
const ntfyFields = () => ({ baseUrl: ntfyApp.url, token: ntfyApp.token, channel: 'deploys' })
const tellSlack = (input: object = {}, options: Options = {}) => report(toSlack, slackFields(), input, options)
const tellNtfy = (input: object = {}, options: Options = {}) => report(toNtfy, ntfyFields(), input, options)

describe('a report as a message', () => {
  test('goes to the channel of the connection, and answers where it is', async () => {
    const outcome = await tellSlack()
    const [post] = slackApp.posts
    const url = expect.stringMatching(/^https:\/\/shop\.slack\.com\/archives\/C0RELEASES\/p\d+$/)
    expect(outcome).toMatchObject({
      result: 'pass',
      message: `Reported "${title}" to Slack: a message to C0RELEASES`,
      data: { id: post?.ts, url },
      links: { 'slack report': url },
    })
    expect(post?.text).toContain(title)
  })

  test('goes to another channel where the input names it', async () => {
    await tellNtfy({ channel: 'approvals' })
    expect(ntfyApp.messages).toMatchObject([{ topic: 'approvals', sequence_id: keyOf(1), title }])
  })

  test('is the message that push-update would send of the same event', async () => {
    await tellNtfy()
    const event = parseEvent({
      id: '6f1b7e1c-0f0e-4a53-9f62-6b0a0d9b2a11',
      type: 'sh.keptn.event.evaluation.finished',
      shkeptncontext: '0f4a9d0e-51a1-4d3e-8f6b-0f6a0d1f8c11',
      data: {
        ...{ project: 'shop', stage: 'production', service: 'checkout' },
        ...{ status: 'succeeded', result: 'warning', labels: { team: 'shop' }, evaluation: evaluated },
      },
    })
    const push = notificationActions['push-update']
    const connection = ntfy.connection.parse(ntfyFields())
    const completed = push.complete({}, {
      event,
      connection,
      provider: ntfy as never,
      bridgeUrl: bridge,
      silent: true,
    } as never)
    await push.run(ntfy as never, clientOf(ntfy, connection), completed)
    const [told, pushed] = ntfyApp.messages.map(({ id: _, time: __, ...message }) => message)
    expect(told).toEqual(pushed)
    expect(told?.message).toContain('Response time p95 (key)')
  })

  test('whose answer is lost is one post where the platform can be asked', async () => {
    slackApp.loseNext('POST')
    expect(await failureOf(tellSlack())).toMatchObject({ transient: true, afterWrite: true })
    expect(await tellSlack({}, { isRetry: true })).toMatchObject({ data: { id: slackApp.posts[0]?.ts } })
    expect(slackApp.posts).toHaveLength(1)
  })

  test('that comes twice shows once where its key makes it one', async () => {
    ntfyApp.loseNext('POST')
    expect(await failureOf(tellNtfy())).toMatchObject({ transient: true })
    await tellNtfy({}, { isRetry: true })
    expect(ntfyApp.shown('deploys')).toHaveLength(1)
  })

  test.each(hostile.filter((text) => text.length < 2_000).map((text) => [text.slice(0, 40), text]))(
    'mentions nobody, whatever is in it: %j',
    async (_short, text) => {
      const [objective] = evaluated.indicatorResults
      const indicatorResults = [{ ...objective, displayName: text }]
      const data = { message: text, labels: { note: text }, evaluation: { ...evaluated, indicatorResults } }
      await tellSlack({}, { data })
      expect(slackApp.mentions).toEqual([])
      expect(slackApp.posts).toHaveLength(1)
    },
  )

  test.each([
    [{ id: '7' }, 'input.id is of no use for Slack'],
    [{ project: 'shop' }, 'input.project is of no use for Slack'],
    [{ fields: { text: 'x' } }, 'input.fields is of no use for Slack'],
  ])('with %j is refused', async (input, message) => {
    expect(await failureOf(tellSlack(input))).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(message),
    })
    expect(slackApp.calls).toEqual([])
  })

  test('without any channel is refused before anything is sent', async () => {
    const { channel: _, ...fields } = slackFields()
    expect(await failureOf(report(toSlack, fields, {}))).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('input.channel is missing'),
    })
    expect(slackApp.calls).toEqual([])
  })

  test('that is refused, or not answered, fails as a message does, and shows no token', async () => {
    slackApp.failNext(200, { ok: false, error: 'channel_not_found', note: slackApp.token }, { on: 'POST' })
    const refused = await failureOf(tellSlack())
    expect(refused).toMatchObject({ kind: 'refused', message: expect.stringContaining('channel_not_found') })
    expect(refused.message).not.toContain(slackApp.token)
    ntfyApp.down()
    expect(await failureOf(tellNtfy())).toMatchObject({ kind: 'platform' })
  })
})

describe('the category', () => {
  test('takes reports to every platform of messages, and makes each provider once', async () => {
    for (const name of Object.keys(notification.providers)) {
      // By its own name, `http` evaluates.
      const load = slo.providers[name === 'http' ? 'http-message' : name]
      const made = await load?.()
      expect(made).toMatchObject({ kind: 'report', title: (await notification.providers[name]?.())?.title })
      expect(await load?.()).toBe(made)
    }
  })
})
