import { describe, expect, test } from '@jest/globals'
import type { Served } from '../../../infra/testing/loopback-server.ts'
import { keyOf } from '../../functions/helpers.ts'
import { testEach } from '../test-each.ts'
import type { JobFixture } from './fixture.ts'

/** Registers the tests of a start that succeeds at once. */
export function startTests<S extends Served>(fixture: JobFixture<S>): void {
  const { url: expectedUrl = '', stores, sends = [] } = fixture.options

  describe('a start', () => {
    test('starts one run and returns at once', async () => {
      const { outcome } = await fixture.start()
      const { id, url, state } = outcome.data
      const { current } = fixture
      expect(outcome).toMatchObject({ status: 'succeeded', data: { start: expect.any(String) } })
      if (current.id() !== 'current') expect(id).toBe(current.id())
      expect(state).toBe('started')
      expect(outcome.message).toMatch(/^Started /)
      expect(outcome.message).toContain(` ${id}`)
      expect(Object.values(outcome.links)).toEqual(url ? [url] : [])
      expect(String(url)).toContain(typeof expectedUrl === 'string' ? expectedUrl : expectedUrl(current.server))
      expect({ starts: fixture.starts().length, runs: current.runs() }).toEqual({ starts: 1, runs: 1 })
    })

    if (stores) {
      test(`is stored by the platform as ${JSON.stringify(stores.expected)}`, async () => {
        await fixture.start()
        expect({ stored: stores.read(fixture.current.server) }).toMatchObject({ stored: stores.expected })
      })
    }

    test('uses the default target of the connection', async () => {
      const { target, ...input } = fixture.input()
      await fixture.connected({ target }).start(input)
      expect(fixture.current.runs()).toBe(1)
    })

    test('of another event is another run', async () => {
      await fixture.startRun()
      await fixture.current.end()
      await fixture.start({ key: keyOf(2) })
      expect(fixture.current.runs()).toBe(2)
    })
  })

  testEach(
    sends,
    ({ name }) => `a start sends ${name}`,
    async ({ input, request, connection }) => {
      await fixture.unlimited(connection).start(fixture.input(input))
      expect(fixture.starts()).toMatchObject([request])
    },
  )
}
