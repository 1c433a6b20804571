import { expect } from '@jest/globals'
import { Failure } from '../../../shared/errors.ts'
import { testEach } from '../test-each.ts'
import type { Fixture } from './fixture.ts'
import type { StartedPlatform } from './options.ts'
import { formsOf } from './requests.ts'

/** Ids that would change the path or the query of a request if they were not encoded. */
export const hostileIds = [
  'a/b',
  '..',
  '../x',
  'a/../../x',
  '/../../../../x?y=1#',
  '.',
  'a?b=c',
  'a#b',
  'a&b=c',
  '%2e%2e',
  '%2e%2e%2fx',
  'a%2Fb',
  'a\\b',
]

/** Registers the tests that hostile ids do not change requests. */
export function idTests<P extends StartedPlatform>(fixture: Fixture<P>): void {
  testEach(
    Object.entries(fixture.suite.ids ?? {}),
    ([name]) => `${name}: an id cannot change the path or the query of a request`,
    async ([, { valid, run }]) => {
      const requestsFor = async (id: string) => {
        const { calls } = fixture.current.server
        calls.length = 0
        await (async () => run(id, fixture.current))().catch(ignoreFailure)
        return formsOf(calls)
      }
      const expected = await requestsFor(valid)
      expect(expected).not.toEqual([])
      for (const id of hostileIds) {
        const sent = await requestsFor(id)
        expect({ id, sent }).toEqual({ id, sent: expected.slice(0, sent.length) })
      }
    },
  )
}

/** Ignores a failure, but not an error of our code. */
export function ignoreFailure(error: unknown): undefined {
  if (!(error instanceof Failure)) throw error
}
