import { describe, expect, test } from '@jest/globals'
import { notification } from '../../../functions/notification/index.ts'
import { ntfy } from '../../../functions/notification/ntfy/ntfy.ts'
import { slack } from '../../../functions/notification/slack/slack.ts'
import { slo } from '../../../functions/slo/index.ts'
import { messageReport } from '../../../functions/slo/message-report.ts'
import { expectFailure, keyOf } from '../helpers.ts'
import { startNtfy } from '../notification/ntfy/fake.ts'
import { slackServer } from '../notification/slack/fake.ts'
import { playReports } from './play.ts'

const title = 'Evaluation of checkout in shop/production ended with a warning (score 75)'

// Slack can be searched for the first message, and ntfy deduplicates.
const { server: slackApp, push: pushToSlack } = playReports(messageReport(slack), {
  inputs: ['channel'],
  refused: [{ input: { channel: '' }, message: 'input.channel' }],
  start: slackServer,
  connection: ({ url, token }) => ({ baseUrl: url, token, channel: 'C0RELEASES' }),
  visible: ({ posts }) => posts.length,
  refusal: (reason) => ({ ok: false, error: reason }),
  ignored: /chat\.getPermalink$/,
})
const { server: ntfyApp, push: pushToNtfy } = playReports(messageReport(ntfy), {
  inputs: ['channel'],
  refused: [{ input: { channel: '../x' }, message: 'input.channel must be a topic' }],
  start: startNtfy,
  connection: ({ url, token }) => ({ baseUrl: url, token, channel: 'deploys' }),
  visible: (server) => server.shown('deploys').length,
  refusal: (reason) => ({ error: reason }),
})

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
    await pushToNtfy({ input: { channel: 'approvals' } })
    expect(ntfyApp.messages).toMatchObject([
      { topic: 'approvals', sequence_id: keyOf(1), title, message: expect.stringContaining('Response time p95 (key)') },
    ])
  })

  test('refuses a report without a channel before anything is sent', async () => {
    await expectFailure(pushToSlack({ connection: { channel: undefined } }), 'invalid', 'input.channel is required')
    expect(slackApp.calls).toEqual([])
  })
})

// A change of ServiceNow is not a message.
test.each(Object.keys(notification.providers).filter((name) => name !== 'servicenow-change'))(
  'the category slo reports to %s and creates the provider once',
  async (name) => {
    // In this category, `http` evaluates.
    const load = slo.providers[name === 'http' ? 'http-message' : name]
    const { title } = (await notification.providers[name]?.()) ?? {}
    expect(await load?.()).toMatchObject({ kind: 'report', title })
    expect(await load?.()).toBe(await load?.())
  },
)
