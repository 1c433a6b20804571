import { describe, expect, test } from '@jest/globals'
import type { Served } from '../../../infra/testing/loopback-server.ts'
import { failureOf, keyOf } from '../../functions/helpers.ts'
import type { JobFixture } from './fixture.ts'

/** Registers the tests of a start that is repeated. */
export function repeatTests<S extends Served>(fixture: JobFixture<S>): void {
  const { isFindable, once, provider } = fixture
  const showsNewestOnly = once.newest === 1

  describe('a start', () => {
    if (isFindable) {
      test('that is repeated is one run', async () => {
        const first = await fixture.startRun()
        const again = await fixture.start({ isRetry: true })
        expect(again.outcome.data['id']).toBe(fixture.idOf(first))
        expect(fixture.current.runs()).toBe(1)
      })
    }

    if (fixture.hasPlatformKey) {
      test('that is sent twice at the same time is one run', async () => {
        const [first, second] = await Promise.all([fixture.start(), fixture.start()])
        expect(second.outcome.data['id']).toBe(first.outcome.data['id'])
        expect(fixture.current.runs()).toBe(1)
      })
    }

    if (provider.requiresTask) return

    test('finds the run of the same event after it has ended', async () => {
      const first = await fixture.startRun()
      await fixture.current.end()
      const again = fixture.start({ isRetry: !isFindable })
      if (isFindable) expect((await again).outcome.data['id']).toBe(fixture.idOf(first))
      else expect(await failureOf(again)).toMatchObject({ kind: 'unconfirmed' })
      expect(fixture.current.runs()).toBe(1)
    })

    test('without an idempotency key is a run of its own', async () => {
      for (const runs of [1, 2]) {
        await fixture.startRun({ key: undefined })
        await fixture.current.end()
        expect(fixture.current.runs()).toBe(runs)
      }
      for (const { text } of fixture.starts()) expect(text).not.toContain('undefined')
    })

    if (isFindable) {
      test('that is retried starts a run only if no other run can be its own', async () => {
        await fixture.startRun({ key: keyOf(2) })
        const { current } = fixture
        await current.end()
        current.server.failNext(502, '<html><title>Bad gateway</title></html>', { on: fixture.isStart })
        await failureOf(fixture.start())
        const sent = fixture.starts().length
        const retry = fixture.start({ isRetry: true })
        if (showsNewestOnly) expect(await failureOf(retry)).toMatchObject({ kind: 'unconfirmed' })
        else expect((await retry).outcome.data['id']).toBe(current.id())
        expect(fixture.starts().length - sent).toBe(showsNewestOnly ? 0 : 1)
      })
    }
  })
}
