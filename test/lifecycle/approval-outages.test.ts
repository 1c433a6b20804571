import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Call } from '../../infra/testing/loopback-server.ts'
import type { Task } from '../../shared/core/call.ts'
import { saveDecision } from '../../shared/state/approvals.ts'
import { PLATFORM_TOKEN } from './platform.ts'
import { passTime } from './runner.ts'
import { onPage, useApprovals } from './waiting.ts'

const { lifecycle, platform, deploy, run } = useApprovals()

const ALWAYS = 10_000
const approve = ({ id }: Task) => lifecycle.decide(platform.messages.find(({ key }) => key === id)?.page)
const isPost = ({ method, path }: Call) => method === 'POST' && path === '/messages'
const failed = (rule: string, reason: string) =>
  `Nothing was started: the rule "${rule}" requires an approval, but the request for it failed. ${reason}`

let table: string | undefined
beforeAll(() => {
  table = process.env['AWS_ENDPOINT_URL_DYNAMODB']
})
/** Refuses all requests to the table, or accepts them again. */
const useTable = (isReadable: boolean) => {
  process.env['AWS_ENDPOINT_URL_DYNAMODB'] = isReadable ? table : lifecycle.aws.url
}
afterEach(() => useTable(true))

describe('A task that waits for people', () => {
  it.each([
    [503, { message: 'maintenance' }, {}],
    [429, { message: 'slow down' }, { 'retry-after': '30' }],
  ])('asks them once when the chat answers again after %s', async (status, body, headers) => {
    deploy([onPage])
    platform.failNext(status, body, { on: isPost, times: 5, headers })
    const { outcome, asked } = await run({ people: approve })
    expect([outcome?.result, asked.length, platform.messages.length, platform.runs.length]).toEqual(['pass', 1, 1, 1])
  })

  it('asks them when the secret of the chat can be read again', async () => {
    deploy([onPage])
    // Not from a cache.
    lifecycle.replace('connections/notification/chat', {
      provider: 'chat',
      baseUrl: platform.url,
      token: PLATFORM_TOKEN,
    })
    const isSecret = ({ body }: Call) => Object(body).SecretId?.endsWith('notification/chat') === true
    lifecycle.aws.failNext(500, { __type: 'InternalServiceError' }, { on: isSecret, times: 12 })
    const { outcome } = await run({ people: approve })
    expect([outcome?.result, platform.runs.length]).toEqual(['pass', 1])
  })

  it('starts nothing and says why if the chat is down until the end', async () => {
    deploy([onPage])
    platform.failNext(503, { message: 'maintenance' }, { on: isPost, times: ALWAYS })
    const { outcome } = await run()
    const reason = 'Fake answered 503 to POST /messages: maintenance. Gave up at the deadline'
    expect(outcome?.message).toContain(failed('one person', reason))
    expect([outcome?.result, platform.runs]).toEqual(['fail', []])
  })
})

describe('People are not asked, and nothing starts', () => {
  const discord = {
    baseUrl: 'http://127.0.0.1:1',
    token: 'token-of-a-bot',
    publicKey: '0'.repeat(64),
    channel: '4177198342',
  }
  const ntfy = { baseUrl: 'http://127.0.0.1:1', token: 'tk_0123456789abcdefghijklmnopqrs', channel: 'deploys' }
  const needsPeople = 'needs a platform that identifies people, and ntfy does not: use a connection of Slack'

  it.each([
    [
      'the connection does not exist',
      { connection: 'missing' },
      'Unknown connection "missing" for notification. Store it',
    ],
    ['the channel does not exist', { connection: 'ops', channel: 'C0NOWHERE' }, 'channel_not_found: check the id'],
    [
      'the platform cannot verify a person',
      { connection: 'discord', by: ['jane@example.com'] },
      'by must be ids of users or roles',
    ],
    ['the platform does not identify people, and two have to approve', { connection: 'ntfy', count: 2 }, needsPeople],
    ['the platform does not identify people, and some may decide', { connection: 'ntfy', by: ['jane'] }, needsPeople],
  ])('if %s', async (_case, rule, reason) => {
    lifecycle.connect('discord', { provider: 'discord', ...discord })
    lifecycle.connect('ntfy', { provider: 'ntfy', ...ntfy })
    deploy([{ name: 'production', approve: rule }])
    const startedAt = Date.now()
    const { outcome } = await run()
    expect((Date.now() - startedAt) / 1_000).toBeLessThan(300)
    expect([outcome?.result, platform.runs]).toEqual(['fail', []])
    expect(outcome?.message).toContain(failed('production', ''))
    expect(outcome?.message).toContain(reason)
  })

  it('if notification is not deployed', async () => {
    const name = process.env['WEBHOOKS_ASKING_FUNCTION']
    delete process.env['WEBHOOKS_ASKING_FUNCTION']
    deploy([onPage])
    const { outcome } = await run()
    process.env['WEBHOOKS_ASKING_FUNCTION'] = name
    const reason = 'Approvals are asked by the category notification, which is not deployed.'
    expect(outcome).toMatchObject({ status: 'errored', message: failed('one person', reason) })
    expect(platform.runs).toEqual([])
  })

  it('if Lambda does not answer, and a request that was started anyway is closed', async () => {
    deploy([onPage])
    const isAsking = ({ path }: Call) => path.includes(':asking')
    lifecycle.aws.failNext(500, { message: 'oops' }, { on: isAsking, times: ALWAYS, done: true })
    const { outcome, asked, late } = await run()
    lifecycle.aws.recover()
    expect([outcome?.status, outcome?.message]).toEqual(['errored', expect.stringContaining(failed('one person', ''))])
    expect([asked.length, late, platform.messages, platform.runs]).toEqual([1, 0, [], []])
    expect(asked[0]?.outcome?.message).toContain('Canceled by its task: the rule "one person" requires an approval')
  })
})

describe('A table that cannot be read', () => {
  /** Runs a task whose table cannot be read for some checks, from the time at which people have decided. */
  async function runWithout(checks: number, people: (asking: Task) => Promise<unknown>) {
    let left = checks
    deploy([onPage])
    return run({
      async people(asking) {
        await people(asking)
        useTable(false)
        return 'open'
      },
      async onCheckpoint(name) {
        if (name.includes('require-wait') && name.includes('RETRY') && left-- === 0) useTable(true)
      },
    })
  }
  /** Decides just before the end. The function dies before it wakes the tasks. */
  const decideLast = async ({ id, approvalOf }: Task) => {
    passTime(((approvalOf?.until ?? 0) - Date.now()) / 1_000 - 2)
    await saveDecision(id, { decision: 'approve', by: 'Jane', at: new Date().toISOString() })
  }

  it('delays the start of the action after the decision', async () => {
    const { outcome } = await runWithout(4, approve)
    expect([outcome?.result, platform.runs.length]).toEqual(['pass', 1])
  })

  it('at the end does not hide the last decision', async () => {
    const { outcome } = await runWithout(20, decideLast)
    expect([outcome?.result, platform.runs.length]).toEqual(['pass', 1])
  })

  it('for an hour after the end starts nothing', async () => {
    const { outcome } = await runWithout(ALWAYS, decideLast)
    const unknown = 'Nothing was started: It is not known whether people have decided.'
    expect(outcome).toMatchObject({ result: 'fail', message: expect.stringContaining(unknown) })
    expect(platform.runs).toEqual([])
  })
})
