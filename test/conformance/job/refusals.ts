import { describe, expect, test } from '@jest/globals'
import type { Served } from '../../../infra/testing/loopback-server.ts'
import { expectFailure, keyOf } from '../../functions/helpers.ts'
import { testEach } from '../test-each.ts'
import type { JobFixture } from './fixture.ts'
import type { JobOptions, RefusedInput } from './options.ts'

/** Registers the tests of starts and polls that are refused, or have to wait. */
export function refusalTests<S extends Served>(fixture: JobFixture<S>): void {
  const { invalidStarts = [], forbidden = [], unsupported = [] } = fixture.options

  if ('allow' in fixture.provider.connection.shape) {
    test.each([[undefined], [[]], ['']])('requires the connection to limit what may run: allow is %j', (allow) => {
      const { success } = fixture.provider.connection.safeParse({ ...fixture.current.connection, allow })
      expect(success).toBe(false)
    })
  }

  describe('a start', () => {
    testEach(
      [...unsupported.map(unsupportedStart), ...invalidStarts],
      ({ name }) => `rejects ${name} before the call is accepted`,
      async ({ input, message, connection }) => {
        const check = async () => fixture.unlimited(connection).check(fixture.input(input))
        await expectFailure(check(), { kind: 'invalid', status: 400 }, message)
        expect(fixture.current.server.calls).toEqual([])
      },
    )

    testEach(
      forbidden,
      ({ name }) => `rejects ${name}, which the connection does not allow`,
      async ({ input, message, connection }) => {
        const check = async () => fixture.connected(connection).check(fixture.input(input))
        await expectFailure(check(), { kind: 'refused', status: 422 }, message)
        expect(fixture.current.server.calls).toEqual([])
      },
    )
  })

  platformRefusalTests(fixture)
}

function platformRefusalTests<S extends Served>(fixture: JobFixture<S>): void {
  const { refused = [], waits = [], refusedPolls = [] } = fixture.options

  testEach(
    refused,
    ({ name }) => `a start shows the reason of the platform for ${name}`,
    async ({ change, reason, input, connection, kind = 'refused' }) => {
      await change?.(fixture.current.server)
      const start = fixture.unlimited(connection).start(fixture.input(input))
      const expected = { kind, ...(kind === 'refused' && { status: 422 }), mayHaveWritten: false }
      await expectFailure(start, expected, reason)
      expect(fixture.current.runs()).toBe(0)
    },
  )

  testEach(
    waits,
    ({ name }) => `a start waits for ${name}`,
    async ({ change, reason, input }) => {
      if (change === 'running') await fixture.startRun()
      else await change(fixture.current.server)
      const before = fixture.current.runs()
      const start = fixture.job.start(fixture.input(input), { key: keyOf(2) })
      await expectFailure(start, { kind: 'platform', transient: true, mayHaveWritten: false }, reason)
      expect(fixture.current.runs()).toBe(before)
    },
  )

  testEach(
    refusedPolls,
    (_poll, index) => `a poll shows the reason of the platform: ${index}`,
    async ({ change, reason }) => {
      const started = await fixture.startRun()
      await change(fixture.current.server)
      await expectFailure(fixture.job.poll(started, fixture.input()), 'refused', reason)
    },
  )
}

function unsupportedStart(field: NonNullable<JobOptions<Served>['unsupported']>[number]): RefusedInput {
  return {
    name: `input.${field}`,
    input: { [field]: field === 'parameters' ? { users: 5 } : 'x' },
    message: `input.${field} is not supported`,
  }
}
