import { expect, test } from '@jest/globals'
import { requestLine, type Served } from '../../../infra/testing/loopback-server.ts'
import { testEach } from '../test-each.ts'
import type { OrchestratorFixture } from './fixture.ts'

/** Registers the tests of the settings and of the connection test. */
export function orchestratorConnectionTests<S extends Served>(fixture: OrchestratorFixture<S>): void {
  const { sends, check, failedChecks = [], invalidSettings = [] } = fixture.subject

  if (sends.length === 0) {
    test('the connection test passes, because there is no connection', async () => {
      await expect(fixture.connect().check()).resolves.toBeUndefined()
    })
    return
  }

  test('the connection test sends no answer', async () => {
    await fixture.connect().check()
    expect(fixture.received()).toEqual([])
    if (check) expect(fixture.calls.map(requestLine)).toEqual(check)
  })

  if (check?.length !== 0) {
    test('the connection test fails if the engine is down', async () => {
      fixture.server.down()
      await expect(fixture.connect().check()).rejects.toMatchObject({ kind: 'platform' })
    })
  }

  testEach(
    failedChecks,
    ({ settings }, index) => `the connection test fails with the settings ${JSON.stringify(settings)} (${index})`,
    async ({ settings, failure, change }) => {
      await change?.(fixture.server)
      await expect(fixture.connect(settings).check()).rejects.toMatchObject(failure)
    },
  )

  testEach(
    invalidSettings,
    ({ settings }) => `the settings ${JSON.stringify(settings)} are not valid`,
    ({ settings, problem }) => {
      expect(fixture.problemsOf(settings)).toEqual([expect.stringContaining(problem)])
    },
  )
}
