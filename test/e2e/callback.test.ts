import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/local/credentials.ts'
import { type Receiver, SIGNING_KEY, startReceiver } from '../shared/orchestrators/callback/receiver.ts'
import { Service, until } from './service.ts'

const token = 'token-of-a-workflow'
const SECRET_PART = 'f3b1c0ffee5ec2e7a9d8'
let service: Service
let receiver: Receiver
beforeEach(async () => {
  receiver = await startReceiver()
  const secrets = {
    'cloud-automation-webhooks/callers': {
      workflow: { tokens: [tokenHash(token)], categories: ['*'], orchestrator: 'workflow' },
    },
    'cloud-automation-webhooks/orchestrators/workflow': {
      ...{ type: 'callback', allow: [`${receiver.url}/wait/`], signingKey: SIGNING_KEY },
    },
  }
  service = await new Service({ timeScale: 20, secrets }).start()
})
afterEach(async () => {
  await service.end()
  await receiver.close()
})

const event = () => ({
  id: 'run-42',
  callback: { url: `${receiver.url}/wait/${SECRET_PART}` },
  input: { title: 'Checkout is slow' },
})
const call = () => service.call('/v1/issue-ticketing/open-issue?mode=interactive', event(), { token })
const waitFor = (condition: () => boolean, what: string) =>
  until(
    async () => condition(),
    30,
    () => `${what}\n${service.output.slice(-4_000)}`,
  )

describe('The URL that a call brings', () => {
  it('gets one signed answer, and appears in no log, history or status', async () => {
    const { status, body } = await call()
    expect(status).toBe(202)
    await waitFor(() => receiver.accepted.length > 0, 'the answer')
    expect(receiver.accepted).toMatchObject([
      { id: `${body.taskId}-finished`, body: { type: 'task.finished', data: { id: 'run-42', verdict: 'pass' } } },
    ])
    const read = await service.call(new URL(body.statusUrl).pathname, undefined, { method: 'GET', token })
    expect(`${service.output}${JSON.stringify(read.body)}`).not.toContain(SECRET_PART)
  })

  it('gets the same message again if the process is killed before the response, and one issue is opened', async () => {
    receiver.holdNext('POST')
    const first = await call()
    await waitFor(() => receiver.accepted.length > 0, 'the answer')
    await service.kill()
    await service.start()
    await waitFor(() => receiver.duplicates.length > 0, 'the repeated answer')
    expect((await call()).body).toEqual({ ...first.body, duplicate: true })
    expect(receiver.accepted).toHaveLength(1)
    expect(new Set(receiver.calls.map(({ text }) => text)).size).toBe(1)
    expect(await service.issues()).toHaveLength(1)
  })

  it('that takes no answer any longer ends the attempts, and the status says so', async () => {
    receiver.failNext(410)
    const { body } = await call()
    const path = new URL(body.statusUrl).pathname
    const read = () => service.call(path, undefined, { method: 'GET', token })
    await until(
      async () => (await read()).body.state === 'finished',
      30,
      () => service.output.slice(-4_000),
    )
    expect((await read()).body).toMatchObject({ verdict: 'pass', unanswered: 'unwanted' })
    expect((await service.call(`${path}/answer`, undefined, { token })).status).toBe(202)
    await waitFor(() => receiver.accepted.length > 0, 'the answer that was sent again')
  })
})
