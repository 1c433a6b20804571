import { expect } from '@jest/globals'
import type { Served } from '../../../infra/testing/loopback-server.ts'
import type { flagDriver } from '../../functions/feature-flags/drive.ts'
import { expectFailure } from '../../functions/helpers.ts'
import { testEach } from '../test-each.ts'
import type { FlagOptions } from './options.ts'

/** Registers the tests of inputs that are special to a provider. */
export function inputTests<S extends Served>(
  server: S,
  { set }: ReturnType<typeof flagDriver>,
  { invalidInputs = [], refused = [], sets = [] }: FlagOptions<S>,
): void {
  testEach(
    invalidInputs,
    ({ input, message }) => `the input ${JSON.stringify(input)} is invalid: ${message}`,
    async ({ input, message }) => {
      await expectFailure(set({ state: 'on', ...input }), { kind: 'invalid', status: 400 }, message)
      expect(server.calls).toEqual([])
    },
  )

  testEach(
    refused,
    ({ input, reason }) => `shows why ${JSON.stringify(input)} is refused, and changes nothing: ${reason}`,
    async ({ input, reason, change, connection = {} }) => {
      await change?.(server)
      const stateOf = () => JSON.stringify(Reflect.get(server, 'state'))
      const before = stateOf()
      const fields = typeof connection === 'function' ? connection(server) : connection
      await expectFailure(set(input, {}, fields), { kind: 'refused', status: 422, mayHaveWritten: false }, reason)
      expect(stateOf()).toBe(before)
    },
  )

  testEach(
    sets,
    ({ input }) => `sets ${JSON.stringify(input)}`,
    async ({ input, outcome, change, connection }) => {
      await change?.(server)
      expect(await set(input, {}, connection)).toMatchObject(outcome)
    },
  )
}
