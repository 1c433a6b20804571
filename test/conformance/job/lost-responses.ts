import { describe, expect, test } from '@jest/globals'
import type { Exchange, Served } from '../../../infra/testing/loopback-server.ts'
import { MAX_TASK_MS } from '../../../shared/providers/search-window.ts'
import { expectFailure, failureOf } from '../../functions/helpers.ts'
import { ignoreFailure } from '../common/ids.ts'
import { loseResponse, respondAsBefore, retryWithBody } from '../common/lost-response.ts'
import { testEach } from '../test-each.ts'
import { unexpectedBodies } from '../unexpected-bodies.ts'
import type { JobFixture } from './fixture.ts'

/** Registers the tests of a start whose response is lost or cannot be read. */
export function lostResponseTests<S extends Served>(fixture: JobFixture<S>): void {
  const { once, isStart } = fixture
  const { found = [], lost = [] } = fixture.options

  describe('a start', () => {
    if (fixture.isFindable) findableTest(fixture)
    else unknownOutcomeTest(fixture)
    if (once.by === 'look-up' && once.newest !== 'none' && !fixture.hasPlatformKey) lookUpTests(fixture)

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
      await current.letStart()
      const id = await fixture.start({ isRetry: true }).then(({ outcome }) => outcome.data['id'], ignoreFailure)
      if (id !== undefined && current.id() !== 'current') expect(id).toBe(current.id())
      expect(current.runs()).toBe(1)
      if (!fixture.hasPlatformKey) expect(fixture.starts()).toHaveLength(1)
    })
  })

  const { text, without } = once.needs ?? {}
  const needed = without ? [{ name: `without ${text}`, change: () => undefined, connection: without }] : []
  testEach(
    [...needed, ...lost],
    ({ name }) => `a retry of a start has an unknown outcome ${name}`,
    async ({ change, input, connection }: NonNullable<typeof lost>[number]) => {
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
    await current.letStart()
    expect((await fixture.start({ isRetry: true })).outcome.data['id']).toBe(current.id())
    expect(current.runs()).toBe(1)
    if (!fixture.hasPlatformKey) expect(fixture.starts()).toHaveLength(1)
  })
}

/** Newer runs of other calls, if the search has no limit. */
const OTHERS = 100

/** Registers the tests of a retry that searches the lists of the platform, as far as the provider states. */
function lookUpTests<S extends Served>(fixture: JobFixture<S>): void {
  const { newest, delaysMs } = fixture.once
  const retry = () => fixture.start({ isRetry: true })

  if (delaysMs) {
    test('that is retried after a lost response finds the run with the second search', async () => {
      const { current } = fixture
      const before = await loseStart(fixture)
      const id = await endRun(fixture)
      respondAsBefore(current.server, before)
      expect({ id: (await retry()).outcome.data['id'], runs: current.runs() }).toEqual({ id, runs: 1 })
    })
  }

  test.each(Object.entries(unexpectedBodies))('is one run if the response to a search is %s', async (_name, body) => {
    const { current } = fixture
    const before = await loseStart(fixture)
    await current.letStart()
    await retryWithBody(current.server, before, body, retry)
    expect({ starts: fixture.starts().length, runs: current.runs() }).toEqual({ starts: 1, runs: 1 })
  })

  if (fixture.provider.requiresTask) return

  test('that is retried as late as a task can run finds the run', async () => {
    await loseStart(fixture)
    const id = await endRun(fixture)
    fixture.advance(MAX_TASK_MS / 1_000 - 60)
    expect({ id: (await retry()).outcome.data['id'], runs: fixture.current.runs() }).toEqual({ id, runs: 1 })
  })

  const others = typeof newest === 'number' ? newest - 1 : OTHERS
  test(`that is retried after a lost response finds the run behind ${others} others`, async () => {
    await loseStart(fixture)
    const id = await endRun(fixture)
    await startOthers(fixture, others)
    const { outcome } = await retry()
    expect({ id: outcome.data['id'], runs: fixture.current.runs() }).toEqual({ id, runs: others + 1 })
  })

  if (typeof newest !== 'number') return

  test('has an unknown outcome if a retry cannot search all newer runs', async () => {
    await loseStart(fixture)
    await endRun(fixture)
    await startOthers(fixture, newest)
    const starts = fixture.starts().length
    await expectFailure(retry(), { kind: 'unconfirmed', transient: false })
    expect(fixture.starts()).toHaveLength(starts)
  })
}

function loseStart<S extends Served>(fixture: JobFixture<S>): Promise<Exchange[]> {
  return loseResponse(fixture.current.server, fixture.isStart, () => fixture.start())
}

/** Lets the newest run start and end, and returns its id. */
async function endRun<S extends Served>({ current }: JobFixture<S>): Promise<string> {
  await current.letStart()
  await current.end()
  return current.id()
}

/** Starts and ends runs of other calls. */
async function startOthers<S extends Served>(fixture: JobFixture<S>, count: number): Promise<void> {
  for (let other = 0; other < count; other++) {
    await fixture.start({ key: undefined })
    await endRun(fixture)
  }
}

function unknownOutcomeTest<S extends Served>(fixture: JobFixture<S>): void {
  test('is not repeated after a lost response, because the run cannot be found', async () => {
    const { current } = fixture
    current.server.loseNext(fixture.isStart)
    const lost = await failureOf(fixture.start())
    expect(lost.kind === 'unconfirmed' || lost.mayHaveWritten).toBe(true)
    await current.letStart()
    const failure = await failureOf(fixture.start({ isRetry: true }))
    expect(failure).toMatchObject({ kind: 'unconfirmed', transient: false })
    expect(failure.message).toContain(`Check ${fixture.provider.title} before you repeat the call`)
    expect({ starts: fixture.starts().length, runs: current.runs() }).toEqual({ starts: 1, runs: 1 })
  })
}
