import { describe, expect, it } from '@jest/globals'
import type { Call } from '../../infra/sandbox/platforms/loopback-server.ts'
import { triggered } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'
import { withPauses } from './runner.ts'

const { lifecycle, platform } = useLifecycle()

const target = 'ask-approval?connection=chat'
/** Requests an approval, and does something when the task waits for a person. */
const ask = (onWait?: (name: string) => Promise<void>, query = '') =>
  lifecycle.call(`${target}${query}`, {}, { onWait })
/** Sends the form of the approval page, and returns the status of the response. */
const decide = async (decision: 'approve' | 'reject', name = 'Jane Doe') =>
  (await lifecycle.decide(platform.messages[0]?.page, { decision, name })).statusCode
const showPage = async () => (await lifecycle.request('GET', platform.messages[0]?.page ?? '')).statusCode
const isWrite =
  (method: string, path: RegExp) =>
  (call: Call): boolean =>
    call.method === method && path.test(call.path)

describe('An approval', () => {
  it('that is granted passes, and its message shows who decided', async () => {
    const { outcome, sent, operations } = await ask(async () => {
      expect(await decide('approve')).toBe(200)
    })
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'pass', data: { decision: 'approved' } })
    expect(sent).toEqual(['started', 'finished'])
    expect(platform.messages).toMatchObject([
      { replies: [], texts: [expect.any(String), 'Approved by link: Jane Doe'] },
    ])
    expect(operations.map((operation) => operation.replace(' SUCCEEDED', ''))).toEqual([
      'send-started',
      'decision',
      'save-approval',
      'start',
      'close-approval',
      'send-finished',
    ])
  })

  it('that is rejected fails', async () => {
    const { outcome, events } = await ask(async () => {
      await decide('reject')
    })
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'fail', data: { decision: 'rejected' } })
    expect(events.at(-1)?.data).toMatchObject({ result: 'fail', message: 'Rejected by link: Jane Doe' })
  })

  it('reminds people, and accepts a decision after the reminder', async () => {
    const { outcome } = await ask(async (name) => {
      if (name === 'decision-after-reminder') expect(await decide('approve')).toBe(200)
    })
    expect(outcome).toMatchObject({ result: 'pass' })
    expect(platform.messages).toMatchObject([
      { replies: ['Still open: Approve check of checkout in shop/production?'] },
    ])
  })

  it.each([
    [{ stage: 'default', service: 'podinfo' }, 'Approve podinfo in default?'],
    [{}, 'Approve this?'],
  ])('of a call without a task asks about the service: %j', async (data, title) => {
    const event = { data, input: {} }
    await lifecycle.post(`ask-approval?mode=gate&connection=chat&key=${title}`, event, { caller: 'poll' })
    expect(lifecycle.newest().input).toMatchObject({ message: { title } })
  })

  it('that no one decides fails at its deadline, and its page says that it has ended', async () => {
    const startedAt = Date.now()
    const { outcome, sent } = await ask(undefined, '&deadline=P2D')
    const days = (Date.now() - startedAt) / 86_400_000
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'fail', data: { decision: 'expired' } })
    expect(sent).toEqual(['started', 'finished'])
    expect(Math.round(days)).toBe(2)
    expect([await decide('approve'), await showPage()]).toEqual([410, 410])
    expect(platform.messages).toMatchObject([
      { texts: [expect.any(String), 'Expired: no one decided in time'], replies: [expect.any(String)] },
    ])
  })

  it('has no reminder if its deadline is minutes away', async () => {
    const { operations } = await ask(undefined, '&deadline=PT5M')
    expect(operations.join()).not.toContain('decision-after-reminder')
    expect(platform.messages).toMatchObject([{ replies: [] }])
  })

  it('is decided once if two people respond at the same time', async () => {
    let statuses: number[] = []
    const { outcome } = await ask(async () => {
      statuses = await withPauses(() => Promise.all([decide('approve', 'Ann'), decide('reject', 'Ben')]))
    })
    expect(statuses.toSorted()).toEqual([200, 409])
    expect(outcome).toMatchObject({ result: statuses[0] === 200 ? 'pass' : 'fail' })
  })

  it('that has been decided refuses another decision, also after its task has ended', async () => {
    await ask(async () => {
      expect([await decide('approve'), await decide('reject')]).toEqual([200, 409])
    })
    expect([await decide('reject'), await showPage()]).toEqual([409, 200])
  })

  it('stays open if the decision could not be delivered', async () => {
    let statuses: number[] = []
    const { outcome } = await ask(async () => {
      const isDelivery = ({ path }: Call) => path.endsWith('/succeed')
      lifecycle.aws.failNext(500, { message: 'oops' }, { on: isDelivery, times: 3 })
      statuses = [await decide('reject'), await decide('approve')]
    })
    expect(statuses).toEqual([503, 200])
    expect(outcome).toMatchObject({ result: 'pass' })
  })

  it('is posted once if the response of the platform was lost', async () => {
    platform.loseNext('POST')
    await ask(async () => {
      await decide('approve')
    })
    expect(platform.messages).toHaveLength(1)
  })

  it('that the platform refuses ends with its reason, and no one is asked', async () => {
    platform.failNext(403, { message: 'no access to this channel' }, { on: 'POST' })
    const { outcome, sent } = await ask()
    expect(outcome).toMatchObject({ status: 'errored', message: expect.stringContaining('no access to this channel') })
    expect(sent).toEqual(['started', 'finished'])
  })

  it.each([
    ['the reminder', isWrite('POST', /replies$/)],
    ['the closed message', isWrite('PUT', /^.messages/)],
  ])('does not depend on %s', async (_name, on) => {
    platform.failNext(500, { message: 'oops' }, { on, times: 100 })
    const { outcome } = await ask(async (name) => {
      if (name === 'decision-after-reminder') await decide('approve')
    })
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'pass' })
  })

  it('posts nothing in a dry run', async () => {
    const { status, body } = await lifecycle.post(`${target}&dryRun=true`, triggered())
    expect({ status, body }).toMatchObject({ status: 200, body: { message: expect.stringContaining('Dry run') } })
    expect(platform.messages).toEqual([])
  })
})
