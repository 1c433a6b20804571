import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { secretsIn } from '../../shared/fields.ts'
import type { StartedJob } from '../../shared/providers/action.ts'
import type { JobProvider } from '../../shared/providers/job.ts'
import type { JobPlatform, PlayedJobs } from '../e2e/job-platforms.ts'
import { clientOf, failureOf, keyOf } from '../functions/helpers.ts'
import { Job } from '../functions/job.ts'
import { credentialsIn, INVALID_CREDENTIAL } from './credentials.ts'

interface JobOptions {
  /** Returns the body of a 400 response that gives a reason, as the platform sends it. */
  refusal?: (reason: string) => object
}

/**
 * Registers the tests that every job provider must pass: credentials stay secret, a repeated start is one run, and temporary
 * failures can be retried.
 *
 * @example jobConformance(awx, { start: actions['run-runbook'], stop: actions['stop-runbook'] }, jobPlatforms['awx'])
 */
export function jobConformance(
  provider: JobProvider,
  actions: ConstructorParameters<typeof Job>[1],
  platform: JobPlatform | undefined,
  { refusal = (reason) => ({ message: reason }) }: JobOptions = {},
): void {
  if (!platform) throw new Error(`No fake platform for ${provider.title}`)

  describe(`${provider.title}: job conformance`, () => {
    let played: PlayedJobs
    let job: Job<JobProvider['connection']>
    beforeEach(async () => {
      played = await platform.start()
      job = new Job(provider, actions, () => played.connection)
    })
    afterEach(() => played.server.close())

    type Options = Parameters<typeof job.start>[1]
    const valuesOf = (connection: object) => provider.connection.parse(connection)
    const start = (options?: Options) => job.start(played.input, options)
    const startRun = async (): Promise<StartedJob> => {
      const started = await start()
      played.hasStarted()
      return started
    }
    const operations: Record<string, () => Promise<() => Promise<unknown>>> = {
      'a start': async () => () => start(),
      async 'a poll'() {
        const started = await startRun()
        return () => job.poll(started, played.input)
      },
      async 'a stop'() {
        await startRun()
        return () => job.stop({ id: played.id() })
      },
    }

    test('declares its credentials as secrets', () => {
      const credentials = credentialsIn(played.connection).map(({ value }) => value)
      expect(secretsIn(provider.connection, valuesOf(played.connection)).sort()).toEqual(credentials.sort())
    })

    test('the connection test accepts valid credentials and starts nothing', async () => {
      await provider.check(clientOf(provider, valuesOf(played.connection)))
      expect(played.server.calls.length).toBeGreaterThan(0)
      expect(played.runs()).toBe(0)
    })

    test('reports invalid credentials without showing them', async () => {
      for (const { name } of credentialsIn(played.connection)) {
        const values = valuesOf({ ...played.connection, [name]: INVALID_CREDENTIAL })
        const failure = await failureOf(Promise.resolve(provider.check(clientOf(provider, values))))
        expect(failure.kind).toBe('credentials')
        expect(failure.message).not.toContain(INVALID_CREDENTIAL)
      }
    })

    test('a repeated start is one run, and another event starts another', async () => {
      const first = await start()
      const again = await start({ isRetry: true })
      expect(again.outcome.data['id']).toBe(first.outcome.data['id'])
      expect(played.runs()).toBe(1)
      await start({ key: keyOf(2) })
      expect(played.runs()).toBe(2)
    })

    test('a retry after a lost response is the same run', async () => {
      played.server.loseNext(played.startedBy ?? 'POST')
      expect(await failureOf(start())).toMatchObject({ transient: true, mayHaveWritten: true })
      expect((await start({ isRetry: true })).outcome.data['id']).toBe(played.id())
      expect(played.runs()).toBe(1)
    })

    test('polls a run until it ends', async () => {
      const started = await startRun()
      expect(await job.poll(started, played.input)).toMatchObject({ status: expect.any(String) })
      played.end()
      expect(await job.end(started, played.input)).toMatchObject({ status: 'succeeded', result: 'pass' })
    })

    describe.each(Object.entries(operations))('%s', (_name, prepare) => {
      test.each([
        ['a 503 response', () => played.server.failNext(503, '<html><title>Unavailable</title></html>', { times: 9 })],
        ['a 200 response from something else', () => played.server.failNext(200, '<html>Log in</html>', { times: 9 })],
        ['a broken connection', () => played.server.down()],
      ])('can be retried after %s', async (_what, fail) => {
        const run = await prepare()
        fail()
        expect(await failureOf(run())).toMatchObject({ kind: 'platform', transient: true })
      })

      test('can be retried after a 429 response', async () => {
        const run = await prepare()
        const options = { headers: { 'retry-after': '30' }, times: 9 }
        played.server.failNext(429, refusal('Slow down'), options)
        const retryAfter = provider.aws ? {} : { retryAfter: 30 }
        expect(await failureOf(run())).toMatchObject({ kind: 'platform', transient: true, ...retryAfter })
      })

      test('shows the reason of a refusal, with masked credentials', async () => {
        const run = await prepare()
        const secrets = credentialsIn(played.connection).map(({ value }) => value)
        played.server.failNext(400, refusal(`no ${['such thing', ...secrets].join(' ')}`), { times: 9 })
        const { kind, message } = await failureOf(run())
        expect(kind).toBe('refused')
        expect(message).toContain(`no ${['such thing', ...secrets.map(() => '***')].join(' ')}`)
      })
    })

    test('a start fails at the deadline if the platform does not respond', async () => {
      played.server.hang()
      expect(await failureOf(start({ deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
    })
  })
}
