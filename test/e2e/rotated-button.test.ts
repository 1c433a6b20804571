import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { slackServer } from '../functions/notification/slack/fake.ts'
import { Service, triggered } from './service.ts'

const slack = await slackServer()
const connection = (token: string) => ({
  'cloud-automation-webhooks/connections/notification/slack': {
    provider: 'slack',
    baseUrl: slack.url,
    token,
    signingSecret: slack.signingSecret,
    channel: 'C0RELEASES',
  },
})
// One environment for all requests, so that it has the old token in its cache.
const service = new Service({ cacheSecrets: true, concurrency: 1, secrets: connection('xoxb-of-yesterday') })
beforeAll(() => service.start())
afterAll(async () => {
  await service.end()
  await slack.close()
})

it('A button works although the webhook has cached a token that was changed since', async () => {
  const event = triggered({ type: 'sh.keptn.event.sign-off.triggered', input: { approvers: ['jane@example.com'] } })
  const ask = (query: string) => service.call(`/v1/notification/ask-approval?connection=slack&${query}`, event)
  expect(await ask('dryRun=true')).toMatchObject({ status: 200 })
  service.rotate(connection(slack.token))
  expect(await ask('mode=interactive')).toMatchObject({ status: 202 })
  await service.until(() => slack.posts.length > 0, 'the message')
  const [post] = slack.posts
  if (!post) throw new Error('There is no message.')
  const { headers, body } = slack.pressButton(post, 'approve')
  const response = await fetch(`${service.url}/v1/notification/slack`, { method: 'POST', headers, body })
  expect(response.status).toBe(200)
  expect((await service.finishedOf(event.id)).finished).toMatchObject([{ result: 'pass' }])
})
