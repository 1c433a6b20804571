import { describe, expect, test } from '@jest/globals'
import type { Served } from '../../../infra/sandbox/platforms/loopback-server.ts'
import { expectFailure, failureOf } from '../../functions/helpers.ts'
import { ignoreFailure } from '../common/ids.ts'
import { testEach } from '../test-each.ts'
import { unexpectedBodies } from '../unexpected-bodies.ts'
import type { JobFixture } from './fixture.ts'

/** Registers the tests of a start whose response is lost or cannot be read. */
export function lostResponseTests<S extends Served>(fixture: JobFixture<S>): void {
  const { platform, isStart } = fixture
  const { found = [], lost = [] } = fixture.options

  describe('a start', () => {
    if (fixture.isFindable) findableTest(fixture)
    else unknownOutcomeTest(fixture)

    testEach(
      found,
      ({ name }) => `that is retried after a lost response finds the run ${name}`,
      async ({ change, connection }) => {
        const { current } = fixture
        await change(current.server)
        const job = fixture.connected(connection)
        current.server.loseNext(isStart)
        await failureOf(job.start(current.input))
        const { outcome } = await job.start(current.input, { isRetry: true })
        expect(outcome.data['id']).toBe(current.id())
        expect(current.runs()).toBe(1)
      },
    )

    test.each(Object.entries(unexpectedBodies))('is one run if the response is %s', async (_name, body) => {
      const { current } = fixture
      current.server.replaceNext(isStart, body)
      await fixture.start().catch(ignoreFailure)
      await current.hasStarted()
      const id = await fixture.start({ isRetry: true }).then(({ outcome }) => outcome.data['id'], ignoreFailure)
      if (id !== undefined && current.id() !== 'current') expect(id).toBe(current.id())
      expect(current.runs()).toBe(1)
      if (platform.known !== 'token') expect(fixture.starts()).toHaveLength(1)
    })
  })

  testEach(
    lost,
    ({ name }) => `a retry of a start has an unknown outcome ${name}`,
    async ({ change, input, connection }) => {
      const { server } = fixture.current
      const job = fixture.connected(connection)
      server.loseNext(isStart)
      await failureOf(job.start(fixture.input(input)))
      await change(server)
      const retry = job.start(fixture.input(input), { isRetry: true })
      await expectFailure(retry, { kind: 'unconfirmed', transient: false })
      expect(fixture.starts()).toHaveLength(1)
    },
  )
}

function findableTest<S extends Served>(fixture: JobFixture<S>): void {
  test('that is retried after a lost response is the same run', async () => {
    const { current } = fixture
    current.server.loseNext(fixture.isStart)
    expect(await failureOf(fixture.start())).toMatchObject({ transient: true, mayHaveWritten: true })
    await current.hasStarted()
    expect((await fixture.start({ isRetry: true })).outcome.data['id']).toBe(current.id())
    expect(current.runs()).toBe(1)
  })
}

function unknownOutcomeTest<S extends Served>(fixture: JobFixture<S>): void {
  test('is not repeated after a lost response, because the run cannot be found', async () => {
    const { current } = fixture
    current.server.loseNext(fixture.isStart)
    const lost = await failureOf(fixture.start())
    expect(lost.kind === 'unconfirmed' || lost.mayHaveWritten).toBe(true)
    await current.hasStarted()
    const failure = await failureOf(fixture.start({ isRetry: true }))
    expect(failure).toMatchObject({ kind: 'unconfirmed', transient: false })
    expect(failure.message).toContain(`Check ${fixture.provider.title} before you repeat the call`)
    expect({ starts: fixture.starts().length, runs: current.runs() }).toEqual({ starts: 1, runs: 1 })
  })
}
