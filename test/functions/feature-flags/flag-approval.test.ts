import { describe, expect, test } from '@jest/globals'
import { setFlag } from '../../../shared/providers/set-flags.ts'
import { failureOf, skipPauses } from '../helpers.ts'
import { page, startAcmeFlags } from './acme-flags.ts'

skipPauses()

describe('flag change that needs an approval', () => {
  const asked = { flag: 'a', state: 'on' }
  const links = { 'acme-flags approval request r-a': page('r-a') }
  const applied = { state: 'applied', ended: true } as const
  const hint = 'Use mode=interactive to wait for it'

  test('is a warning at first, waits for the decision, and passes after it is applied', async () => {
    const played = startAcmeFlags({ a: 'waits' })
    const { outcome, poll } = await played.start(asked)
    const pending = [{ id: 'r-a', noun: 'approval request', url: page('r-a') }]
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'warning',
      links,
      data: { changed: false, after: { state: 'off' }, pending },
      message: `Not changed yet: waiting for approval request r-a for a. ${hint}`,
    })
    expect(await poll()).toEqual({ status: 'pending (approval request r-a)' })
    played.statuses['r-a'] = applied
    played.flags['a'] = { on: true, percentage: 25 }
    const data = { before: { state: 'off' }, after: { state: 'on' }, changed: true }
    const message = 'a in production is on (25 %), and was off (25 %)'
    expect(await poll()).toMatchObject({ outcome: { result: 'pass', message, data, links } })
  })

  test('fails if it is reported as applied but the flag is unchanged', async () => {
    const played = startAcmeFlags({ a: 'waits' })
    const { poll } = await played.start(asked)
    played.statuses['r-a'] = applied
    const message = expect.stringContaining('a in production was not set to on (25 %): ')
    const outcome = { status: 'succeeded', result: 'fail', message, data: { changed: false } }
    expect(await poll()).toMatchObject({ outcome })
  })

  test('does not block the other flags of the call', async () => {
    const played = startAcmeFlags({ a: 'waits', b: 'refuses' })
    const { outcome, poll } = await played.start({ flags: ['a', { flag: 'b', state: 'off' }, 'c'], state: 'on' })
    expect(outcome).toMatchObject({
      result: 'fail',
      data: { changed: ['c'], failed: ['b'], pending: [{ id: 'r-a' }] },
      message: [
        `Not changed yet: waiting for approval request r-a for a. ${hint}`,
        'b in production was not set to off (100 %): b is locked',
        'c in production is on, and was off',
      ].join('; '),
    })
    played.statuses['r-a'] = applied
    played.flags['a'] = { on: true, percentage: 25 }
    expect(await poll()).toMatchObject({ outcome: { result: 'fail', data: { changed: ['a', 'c'], failed: ['b'] } } })
  })

  test('is polled together with the others', async () => {
    const played = startAcmeFlags({ a: 'waits', c: 'waits' })
    const { poll } = await played.start({ flags: 'a,c', state: 'on' })
    const pending = 'pending (approval request r-a)'
    expect(await poll()).toEqual({ status: `${pending}; pending (approval request r-c)` })
    played.statuses['r-c'] = applied
    played.calls.length = 0
    expect(await poll()).toEqual({ status: pending })
    expect(played.calls).toEqual(['status r-a', 'status r-c'])
  })

  test('can cover several flags', async () => {
    const { provider, start, statuses } = startAcmeFlags({ a: 'waits', c: 'waits' })
    const { set } = provider
    provider.set = async (...call) => {
      const waits = await set(...call)
      return waits && { ...waits, id: 'r-1' }
    }
    const { outcome, poll } = await start({ flags: 'a,c', state: 'on' })
    expect(outcome.message).toContain('waiting for approval request r-1 for a, c')
    statuses['r-1'] = { state: 'declined', ended: true, declined: '' }
    expect(await poll()).toMatchObject({ outcome: { data: { failed: ['a', 'c'] } } })
  })

  test('is not reported as changed if another flag fails', async () => {
    const failure = await failureOf(startAcmeFlags({ a: 'waits', c: 'breaks' }).outcome({ flags: 'a,c', state: 'on' }))
    expect(failure.message).toBe('c is unavailable')
  })

  test('stays open when the deadline passes, and cannot be stopped', async () => {
    const { provider, prepare } = startAcmeFlags()
    const { client, completed } = prepare(asked)
    expect(setFlag.job?.onDeadline(completed as never)).toBe('leave')
    expect(await setFlag.job?.stop(provider, client, completed as never, undefined)).toBe(false)
  })
})
