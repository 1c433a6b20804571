import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type Served, serve } from '../../infra/platforms/loopback-server.ts'
import { type SlackServer, slackServer } from '../../infra/platforms/slack/server.ts'
import { Service, triggered, until } from './service.ts'

/** How long a webhook may take, in seconds: so that a call which is never answered ends soon. */
const timeout = 5

let slack: SlackServer
let jobs: Served
let service: Service
beforeEach(async () => {
  slack = await slackServer()
  jobs = await serve(() => ({ status: 201, body: { id: '7', status: 'running' } }))
  const connections = {
    'notification/chat': { provider: 'slack', baseUrl: slack.url, token: slack.token, channel: 'C0RELEASES' },
    'optimization/no-lookup': {
      ...{ provider: 'http', baseUrl: jobs.url, token: 'a-token', target: 'tune' },
      ...{ start: { path: 'runs', body: '{ref: key}' }, look: { path: 'runs/{input.id}' } },
      ...{ run: { id: 'response.id', state: 'response.status' }, states: { running: 'running', done: 'pass' } },
    },
  }
  const secrets = Object.fromEntries(
    Object.entries(connections).map(([name, secret]) => [`cloud-automation-webhooks/connections/${name}`, secret]),
  )
  service = await new Service({ webhookTimeout: timeout, secrets }).start()
})
afterEach(async () => {
  await service.end()
  await slack.close()
  await jobs.close()
})

const push = (event: object) => service.call('/v1/notification/push-update?connection=chat', event)
const start = (event: object) => service.call('/v1/optimization/start-model?connection=no-lookup', event)
const event = (more: object = {}) => triggered({ type: 'sh.keptn.event.notify.triggered', ...more })
/** Repeats the call until the first one is no longer running. */
async function again(send: () => ReturnType<typeof push>) {
  let answer = await send()
  await until(
    async () => {
      if (answer.status === 409) answer = await send()
      return answer.status !== 409
    },
    timeout + 10,
    () => 'another answer than 409',
  )
  return answer
}

describe('A silent message', () => {
  it('is found, not sent again, if the function crashed after sending it', async () => {
    slack.holdNext('POST')
    const notify = event()
    const lost = push(notify).catch(() => 'no answer')
    await until(
      async () => slack.posts.length > 0,
      10,
      () => 'the message',
    )
    await service.kill()
    expect(await lost).toBe('no answer')
    await service.start()
    expect(await again(() => push(notify))).toMatchObject({ status: 200, body: { result: 'pass' } })
    expect(slack.posts).toHaveLength(1)
  })

  it('is found if its response never arrived', async () => {
    slack.holdNext('POST')
    const notify = event()
    expect((await push(notify)).status).toBe(504)
    expect(await push(notify)).toMatchObject({ status: 200, body: { result: 'pass' } })
    expect(slack.posts).toHaveLength(1)
  })

  it('is sent again without a lookup if it was rejected', async () => {
    slack.failNext(200, { ok: false, error: 'restricted_action' })
    const notify = event()
    expect((await push(notify)).status).toBe(422)
    slack.calls.length = 0
    expect(await push(notify)).toMatchObject({ status: 200 })
    expect(slack.calls.map(({ path }) => path)).not.toContain('/api/conversations.history')
    expect(slack.posts).toHaveLength(1)
  })

  it('has an unknown outcome while it cannot be looked up', async () => {
    slack.holdNext('POST')
    const notify = event()
    await push(notify)
    slack.down()
    expect((await push(notify)).status).toBe(502)
    slack.down(false)
    expect((await push(notify)).status).toBe(200)
    expect(slack.posts).toHaveLength(1)
  })
})

describe('A silent start on a platform that cannot look up runs', () => {
  it('is not repeated if the first outcome is unknown, and the response says so', async () => {
    jobs.holdNext('POST')
    const tuning = event()
    expect((await start(tuning)).status).toBeGreaterThanOrEqual(500)
    const repeat = await start(tuning)
    expect(repeat).toMatchObject({ body: { detail: expect.stringContaining('was not retried') } })
    expect(repeat.status).toBeGreaterThanOrEqual(400)
    expect(jobs.calls.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })
})

describe('A start whose response cannot be used', () => {
  const unusable = ['<html>A gateway</html>', '', { started: 'yes' }]

  it('is not repeated by a silent call, nor when the same event comes again', async () => {
    for (const body of unusable) {
      jobs.calls.length = 0
      jobs.failNext(200, body, { on: 'POST' })
      const tuning = event()
      for (let deliveries = 0; deliveries < 2; deliveries++) {
        expect(await start(tuning)).toMatchObject({
          status: 502,
          body: {
            title: 'Outcome unknown',
            detail: expect.stringContaining('before you repeat'),
          },
        })
      }
      expect(jobs.calls.filter(({ method }) => method === 'POST')).toHaveLength(1)
    }
  })

  it('is not repeated by a task, which ends once and reports the response', async () => {
    for (const body of unusable) {
      jobs.calls.length = 0
      jobs.failNext(200, body, { on: 'POST' })
      const tuning = event()
      const query = '?connection=no-lookup&mode=interactive&deadline=PT60S'
      expect(await service.call(`/v1/optimization/start-model${query}`, tuning)).toMatchObject({ status: 202 })
      expect((await service.finishedOf(tuning.id)).finished).toMatchObject([
        { status: 'errored', message: expect.stringMatching(/The response was 200.*before you repeat the call/) },
      ])
      expect(jobs.calls.filter(({ method }) => method === 'POST')).toHaveLength(1)
    }
  })
})
