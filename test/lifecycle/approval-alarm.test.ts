import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { notification } from '../../functions/notification/index.ts'
import { startOnce } from '../functions/helpers.ts'
import { startServiceNowChange } from '../functions/notification/servicenow-change/fake.ts'
import { withLogLines } from '../log-lines.ts'
import { Lifecycle } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'

beforeAll(() => {
  process.env['WEBHOOKS_APPROVAL_ALARM'] = 'PT1H'
})
afterAll(() => {
  delete process.env['WEBHOOKS_APPROVAL_ALARM']
})

/** Returns how many seconds after the start each line for the alarm was written, rounded to minutes. */
function waitsIn(lines: readonly string[], startedAt: number): number[] {
  return lines
    .filter((line) => line.includes('"approvalWaits":true'))
    .map((line) => Math.round((Date.parse(JSON.parse(line).timestamp) - startedAt) / 60_000))
}

describe('An approval that waits longer than the setting', () => {
  const { lifecycle, platform } = useLifecycle()
  const decide = () => lifecycle.decide(platform.messages[0]?.page, { decision: 'approve', name: 'Jane Doe' })
  const ask = async (query: string, onWait?: (name: string) => Promise<void>) => {
    const startedAt = Date.now()
    const call = () => lifecycle.call(`ask-approval?connection=chat${query}`, {}, { onWait })
    const { result, lines } = await withLogLines(call)
    return { ...result, waits: waitsIn(lines, startedAt) }
  }

  it('is logged once for the alarm, and people are reminded later, at the usual time', async () => {
    const { outcome, waits } = await ask('&deadline=PT20H', async (name) => {
      if (name === 'decision-wake-1') expect(platform.messages).toMatchObject([{ replies: [] }])
      if (name !== 'decision-wake-2') return
      expect(platform.messages).toMatchObject([{ replies: [expect.stringContaining('Still open')] }])
      await decide()
    })
    expect(outcome).toMatchObject({ result: 'pass' })
    expect(waits).toEqual([60])
  })

  it('is logged once if no one ever decides', async () => {
    const { outcome, waits } = await ask('&deadline=PT20H')
    expect(outcome).toMatchObject({ result: 'fail', data: { decision: 'expired' } })
    expect(waits).toEqual([60])
  })

  it.each([
    ['is decided before', '&deadline=PT20H'],
    ['has a shorter deadline', '&deadline=PT30M'],
  ])('is not logged if it %s', async (name, query) => {
    const { waits } = await ask(query, async () => void (name === 'is decided before' && (await decide())))
    expect(waits).toEqual([])
  })
})

describe('An approval by a process of the platform', () => {
  const lifecycle = new Lifecycle(notification)
  const server = startOnce(startServiceNowChange)
  startOnce(() => lifecycle.start())
  beforeAll(() => {
    lifecycle.connect('changes', { provider: 'servicenow-change', baseUrl: server.url, token: server.token })
  })
  beforeEach(() => server.recover())

  it('is logged once, by the next poll', async () => {
    const startedAt = Date.now()
    const call = () => lifecycle.call('ask-approval?connection=changes&deadline=PT4H', {})
    const { result, lines } = await withLogLines(call)
    expect(result.outcome).toMatchObject({ result: 'fail' })
    const [minutes = 0, ...others] = waitsIn(lines, startedAt)
    expect(others).toEqual([])
    expect(minutes).toBeGreaterThanOrEqual(60)
    expect(minutes).toBeLessThan(80)
  })
})
