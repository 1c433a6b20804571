import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions as notificationActions } from '../../../functions/notification/actions.ts'
import { notification } from '../../../functions/notification/index.ts'
import { ntfy } from '../../../functions/notification/providers/ntfy.ts'
import { slack } from '../../../functions/notification/providers/slack.ts'
import { slo } from '../../../functions/slo/index.ts'
import { messageReport } from '../../../functions/slo/message-report.ts'
import { type NtfyServer, startNtfy } from '../../../infra/platforms/ntfy.ts'
import { type SlackServer, slackServer } from '../../../infra/platforms/slack/server.ts'
import { parseEvent } from '../../../shared/orchestrators/event.ts'
import { clientOf, expectFailure, failureOf, keyOf } from '../helpers.ts'
import { hostile } from '../notification/messages.ts'
import { evaluated, report } from './drive.ts'

type Options = Parameters<typeof report>[3]

const bridge = 'https://keptn.example.com/bridge/project/shop/sequence/0f4a9d0e'
const title = 'Evaluation of checkout in shop/production ended with a warning (score 75)'

let slackApp: SlackServer
let ntfyApp: NtfyServer
beforeEach(async () => {
  slackApp = await slackServer()
  ntfyApp = await startNtfy()
})
afterEach(() => Promise.all([slackApp.close(), ntfyApp.close()]))

const slackReport = messageReport(slack)
const ntfyReport = messageReport(ntfy)
const slackFields = () => ({ baseUrl: slackApp.url, token: slackApp.token, channel: 'C0RELEASES' })
const ntfyFields = () => ({ baseUrl: ntfyApp.url, token: ntfyApp.token, channel: 'deploys' })
const pushToSlack = (input: object = {}, options: Options = {}) => report(slackReport, slackFields(), input, options)
const pushToNtfy = (input: object = {}, options: Options = {}) => report(ntfyReport, ntfyFields(), input, options)

describe('push-report to a message provider', () => {
  test('posts to the channel of the connection and returns the link', async () => {
    const outcome = await pushToSlack()
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

  test('posts to the channel of the input', async () => {
    await pushToNtfy({ channel: 'approvals' })
    expect(ntfyApp.messages).toMatchObject([{ topic: 'approvals', sequence_id: keyOf(1), title }])
  })

  test('posts the same message as push-update', async () => {
    await pushToNtfy()
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
    const [reported, pushed] = ntfyApp.messages.map(({ id: _, time: __, ...message }) => message)
    expect(reported).toEqual(pushed)
    expect(reported?.message).toContain('Response time p95 (key)')
  })

  test('posts once after a lost response if the platform can be searched', async () => {
    slackApp.loseNext('POST')
    expect(await failureOf(pushToSlack())).toMatchObject({ transient: true, mayHaveWritten: true })
    expect(await pushToSlack({}, { isRetry: true })).toMatchObject({ data: { id: slackApp.posts[0]?.ts } })
    expect(slackApp.posts).toHaveLength(1)
  })

  test('shows one message after a lost response if the platform deduplicates', async () => {
    ntfyApp.loseNext('POST')
    expect(await failureOf(pushToNtfy())).toMatchObject({ transient: true })
    await pushToNtfy({}, { isRetry: true })
    expect(ntfyApp.shown('deploys')).toHaveLength(1)
  })

  test.each(hostile.filter((text) => text.length < 2_000).map((text) => [text.slice(0, 40), text]))(
    'does not mention people: %j',
    async (_short, text) => {
      const [objective] = evaluated.indicatorResults
      const indicatorResults = [{ ...objective, displayName: text }]
      const data = { message: text, labels: { note: text }, evaluation: { ...evaluated, indicatorResults } }
      await pushToSlack({}, { data })
      expect(slackApp.mentions).toEqual([])
      expect(slackApp.posts).toHaveLength(1)
    },
  )

  test.each([
    [{ id: '7' }, 'input.id is'],
    [{ project: 'shop' }, 'input.project is'],
    [{ fields: { text: 'x' } }, 'input.fields is'],
  ])('refuses %j', async (input, message) => {
    await expectFailure(pushToSlack(input), 'invalid', message)
    expect(slackApp.calls).toEqual([])
  })

  test('refuses a report without a channel before anything is sent', async () => {
    const { channel: _, ...fields } = slackFields()
    await expectFailure(report(slackReport, fields, {}), 'invalid', 'input.channel is required')
    expect(slackApp.calls).toEqual([])
  })

  test('fails as a message does, and does not show the token', async () => {
    slackApp.failNext(200, { ok: false, error: 'channel_not_found', note: slackApp.token }, { on: 'POST' })
    const refused = await failureOf(pushToSlack())
    expect(refused).toMatchObject({ kind: 'refused', message: expect.stringContaining('channel_not_found') })
    expect(refused.message).not.toContain(slackApp.token)
    ntfyApp.down()
    expect(await failureOf(pushToNtfy())).toMatchObject({ kind: 'platform' })
  })
})

describe('the category slo', () => {
  test('has a report provider for every message provider and creates each once', async () => {
    for (const name of Object.keys(notification.providers)) {
      // In this category, `http` evaluates.
      const load = slo.providers[name === 'http' ? 'http-message' : name]
      const provider = await load?.()
      expect(provider).toMatchObject({ kind: 'report', title: (await notification.providers[name]?.())?.title })
      expect(await load?.()).toBe(provider)
    }
  })
})
