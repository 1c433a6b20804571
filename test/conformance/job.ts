import { afterEach, describe } from '@jest/globals'
import type * as z from 'zod/mini'
import type { Served } from '../../infra/testing/loopback-server.ts'
import type { JobProvider } from '../../shared/providers/job.ts'
import { type ClientOptions, startEach } from '../functions/helpers.ts'
import { Job } from '../functions/job.ts'
import { awsError } from '../platforms/aws-json.ts'
import type { CommonSuite } from './common/options.ts'
import { commonTests } from './common.ts'
import { type JobActions, JobFixture } from './job/fixture.ts'
import { hostileInputTests } from './job/hostile-input.ts'
import { lostResponseTests } from './job/lost-responses.ts'
import type { JobOptions } from './job/options.ts'
import { refusalTests } from './job/refusals.ts'
import { repeatTests } from './job/repeats.ts'
import { runTests } from './job/runs.ts'
import { jobSecretTest } from './job/secrets.ts'
import { startTests } from './job/starts.ts'
import { stopTests } from './job/stops.ts'
import type { JobPlatform, PlayedJobs } from './job-platform.ts'

/**
 * Registers the tests that every job provider must pass: those of `commonTests`, a run is started once, every state has its
 * meaning, a run reports the times of the platform, and a stop ends the run.
 *
 * Starts the platform before each test of the file, also before those of the provider alone.
 *
 * @returns the server of the current test, and a function that connects to it, with other fields of the connection
 * @example
 * import { jobConformance } from 'cloud-automation-webhooks/testing'
 * import { actions } from './actions.ts'
 * import { acme } from './provider.ts'
 * import { jobRow } from './fake.ts'
 *
 * jobConformance(
 *   acme,
 *   { start: actions['start-job'], stop: actions['stop-job'] },
 *   // How a test starts Acme and controls its runs. `new-provider` writes it.
 *   jobRow,
 *   {
 *     states: {
 *       running: ['queued', 'running'],
 *       pass: ['succeeded'],
 *       warning: ['partial'],
 *       fail: ['failed'],
 *       errored: ['lost'],
 *       aborted: ['cancelled'],
 *     },
 *     invalidStarts: [{ name: 'a version', input: { ref: 'main' }, message: 'input.ref is not supported' }],
 *   },
 * )
 */
export function jobConformance<C extends z.ZodMiniObject, S extends Served>(
  provider: JobProvider<C>,
  actions: JobActions,
  platform: JobPlatform<S>,
  options: JobOptions<S>,
): { server: S; connected(fields?: object): Job<C> } {
  let first: PlayedJobs<S>
  let isNew = false
  const server = startEach(async () => {
    first = await platform.start()
    isNew = true
    return first.server
  })

  describe(`${options.name ?? provider.title}: conformance`, () => {
    const fixture: JobFixture<S> = new JobFixture({ provider, actions, platform, options }, () => current())
    afterEach(() => fixture.resetTime())
    const current: () => PlayedJobs<S> = commonTests(provider, {
      ...(provider.aws && { awsError: (type: string, message: string) => awsError(type, message) }),
      ...options,
      ...operationsOf(fixture),
      start() {
        fixture.resetTime()
        const isReady = isNew
        isNew = false
        return isReady ? Promise.resolve(first) : platform.start()
      },
    })
    jobSecretTest(fixture)
    hostileInputTests(fixture)
    startTests(fixture)
    repeatTests(fixture)
    lostResponseTests(fixture)
    refusalTests(fixture)
    runTests(fixture)
    stopTests(fixture)
  })
  const connected = (fields: object = {}) =>
    new Job(provider, actions, () => ({ ...first.connection, ...fields }) as z.input<C>)
  return { server, connected }
}

/** The operations whose requests `commonTests` lets fail. */
function operationsOf<S extends Served>(fixture: JobFixture<S>) {
  const { job, isStart } = fixture
  return {
    operations: {
      'a start': () => (options) => fixture.start(options),
      async 'a poll'(platform) {
        const started = await fixture.startRun()
        return (options) => job.poll(started, platform.input, options)
      },
      async 'the last poll'(platform) {
        const started = await fixture.startRun()
        await platform.end()
        return (options) => job.poll(started, platform.input, options)
      },
      ...(fixture.provider.stop !== undefined && {
        async 'a stop'(platform: PlayedJobs<S>) {
          await fixture.startRun()
          const id = platform.id()
          return (options?: ClientOptions) => job.stop({ id }, options)
        },
      }),
    },
    reads: ['a poll', 'the last poll'],
    creates: isStart,
    isUnknown: (operation) => operation === 'a start' && !fixture.isFindable && fixture.starts().length > 0,
  } satisfies Partial<CommonSuite<PlayedJobs<S>>>
}

/** Changes the state of a fake platform. */
export function withState(changes: object): (server: { state: object }) => unknown {
  return ({ state }) => Object.assign(state, changes)
}
