import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { requestLine, type Served } from '../../infra/platforms/loopback-server.ts'
import { Failure } from '../../shared/errors.ts'
import { secretsIn } from '../../shared/fields.ts'
import type { StartedJob } from '../../shared/providers/action.ts'
import type { JobProvider, Verdict } from '../../shared/providers/job.ts'
import { clientOf, failureOf, keyOf } from '../functions/helpers.ts'
import { Job } from '../functions/job.ts'
import { credentialsIn, INVALID_CREDENTIAL } from './credentials.ts'
import type { JobPlatform, PlayedJobs } from './job-platforms/platform.ts'
import { unexpectedBodies } from './unexpected-bodies.ts'

type Change<S> = (server: S) => unknown

interface JobOptions<S extends Served> {
  /** Every state that the platform documents, by its meaning. */
  states: Partial<Record<Verdict, string[]>>
  /** States that take more than `enter` of the fake platform. The tests of the provider reach them. */
  otherStates?: string[]
  /** States that the provider does not know. */
  unknownStates?: string[]
  /** Starts that are invalid: what is wrong, changes of the input, a part of the message, changes of the connection. */
  invalid?: [what: string, input: object, message: string, connection?: object][]
  /** Starts that the connection does not allow, in the same form. */
  forbidden?: [what: string, input: object, message: string, connection?: object][]
  /** Starts that the platform refuses: what is wrong, a change of the platform or of the input, and a part of the reason. */
  refused?: [what: string, change: Change<S> | Record<string, unknown>, reason: string][]
  /** Ends a run, whose thresholds can use these metrics. They are also its data, if no other data is given. */
  measures?: [end: Change<S>, metrics: Record<string, number>, data?: object]
  /** The state of a run after a stop, and the change of the platform that lets it continue, if it needs one. */
  slowStop?: [state: string, change?: Change<S>]
  /** Stops that the platform refuses: a change of the platform or another id, and a part of the reason. */
  refusedStops?: [change: Change<S> | string, reason: string][]
  /** The requests of the connection test: `GET /me`. */
  check?: string[]
  /** Ids that do not look like those of the platform, and a part of the message about them. */
  invalidIds?: [ids: string[], message: string]
  /** Returns the body of a 400 response that gives a reason, as the platform sends it. */
  refusal?: (reason: string) => object | string
  /** The kind of the failure after a web page instead of a response. Defaults to `platform`, which can be retried. */
  webPage?: Failure['kind']
  /** Distinguishes two suites of one provider. */
  name?: string
}

const ENDS: Record<Exclude<Verdict, 'running'>, object> = {
  pass: { status: 'succeeded', result: 'pass' },
  warning: { status: 'succeeded', result: 'warning' },
  fail: { status: 'succeeded', result: 'fail' },
  errored: { status: 'errored', result: 'fail' },
  aborted: { status: 'aborted', result: 'fail' },
}
/** Leads to another path, with a query, if it is not encoded. */
const ESCAPE = '/../../../../injected?injected=1#'

/**
 * Registers the tests that every job provider must pass: a run is started once, credentials stay secret, temporary failures can
 * be retried, every state has its meaning, and a stop ends the run.
 *
 * @example
 * jobConformance(awx, { start: actions['run-runbook'], stop: actions['stop-runbook'] }, remediationPlatforms.awx, {
 *   states: { running: ['new', 'running'], pass: ['successful'], fail: ['failed'], aborted: ['canceled'] },
 *   invalidIds: [['7'], 'such as job/7'],
 * })
 */
export function jobConformance<S extends Served>(
  provider: JobProvider,
  actions: ConstructorParameters<typeof Job>[1],
  platform: JobPlatform<S>,
  {
    states,
    otherStates = [],
    unknownStates = ['unheard-of', 'constructor'],
    invalid = [],
    forbidden = [],
    refused = [],
    measures,
    slowStop,
    refusedStops = [],
    check,
    invalidIds: [invalidIds, idMessage] = [[], ''],
    refusal = (reason) => ({ message: reason }),
    webPage = 'platform',
    name = provider.title,
  }: JobOptions<S>,
): void {
  describe(`${name}: conformance`, () => {
    let played: PlayedJobs<S>
    let job: Job<JobProvider['connection']>
    const { now } = Date
    beforeEach(async () => {
      played = await platform.start()
      job = connected()
    })
    afterEach(async () => {
      Date.now = now
      await played.server.close()
    })

    type Options = Parameters<typeof job.start>[1]
    const connected = (fields: object = {}) => new Job(provider, actions, () => ({ ...played.connection, ...fields }))
    const unlimited = () => ('allow' in played.connection ? { allow: '*' } : {})
    const valuesOf = (connection: object) => provider.connection.parse(connection)
    const start = (options?: Options) => job.start(played.input, options)
    const startRun = async (options?: Options): Promise<StartedJob> => {
      const started = await start(options)
      played.hasStarted()
      const { reliableAfter = 0 } = platform
      if (reliableAfter > 0) {
        const later = now() + reliableAfter * 1_000
        Date.now = () => later
      }
      return started
    }
    const isStart = (call: Parameters<typeof requestLine>[0]) => platform.starts.test(requestLine(call))
    const starts = () => played.server.calls.filter(isStart)
    const secrets = () => credentialsIn(played.connection).map(({ value }) => value)
    const isKnown = platform.known !== 'neither'
    const idOf = ({ outcome }: StartedJob) => (platform.changesId ? played.id() : outcome.data['id'])

    test('declares its credentials as secrets', () => {
      expect(secretsIn(provider.connection, valuesOf(played.connection)).sort()).toEqual(secrets().sort())
    })

    test('the connection test accepts valid credentials and starts nothing', async () => {
      await provider.check(clientOf(provider, valuesOf(played.connection)))
      const sent = played.server.calls.map(requestLine)
      if (check) expect(sent).toEqual(check)
      else expect(sent).not.toEqual([])
      expect(played.runs()).toBe(0)
    })

    if ('allow' in provider.connection.shape) {
      test.each([[undefined], [[]], ['']])('requires the connection to limit what may run: allow is %j', (allow) => {
        const { success } = provider.connection.safeParse({ ...played.connection, allow })
        expect(success).toBe(false)
      })
    }

    test('reports invalid credentials without showing them', async () => {
      for (const { name } of credentialsIn(played.connection)) {
        const values = valuesOf({ ...played.connection, [name]: INVALID_CREDENTIAL })
        const failure = await failureOf(Promise.resolve(provider.check(clientOf(provider, values))))
        expect(failure.kind).toBe('credentials')
        expect(failure.message).not.toContain(INVALID_CREDENTIAL)
      }
    })

    describe('a start', () => {
      test('starts one run and returns at once', async () => {
        const { outcome } = await start()
        const { id, url, state } = outcome.data
        expect(outcome).toMatchObject({ status: 'succeeded', data: { start: expect.any(String) } })
        if (played.id() !== 'current') expect(id).toBe(played.id())
        expect(state).toBe('started')
        expect(outcome.message).toMatch(/^Started /)
        expect(outcome.message).toContain(` ${id}`)
        expect(Object.values(outcome.links)).toEqual(url ? [url] : [])
        expect({ starts: starts().length, runs: played.runs() }).toEqual({ starts: 1, runs: 1 })
      })

      test('uses the default target of the connection', async () => {
        const { target, ...input } = played.input
        await connected({ target }).start(input)
        expect(played.runs()).toBe(1)
      })

      test('of another event is another run', async () => {
        await startRun()
        played.end()
        await start({ key: keyOf(2) })
        expect(played.runs()).toBe(2)
      })

      if (isKnown) {
        test('that is repeated is one run', async () => {
          const first = await startRun()
          const again = await start({ isRetry: true })
          expect(again.outcome.data['id']).toBe(idOf(first))
          expect(played.runs()).toBe(1)
        })

        test('that is retried after a lost response is the same run', async () => {
          played.server.loseNext(isStart)
          expect(await failureOf(start())).toMatchObject({ transient: true, mayHaveWritten: true })
          played.hasStarted()
          expect((await start({ isRetry: true })).outcome.data['id']).toBe(played.id())
          expect(played.runs()).toBe(1)
        })
      } else {
        test('is not repeated after a lost response, because the run cannot be found', async () => {
          played.server.loseNext(isStart)
          const lost = await failureOf(start())
          expect(lost.kind === 'doubtful' || lost.mayHaveWritten).toBe(true)
          played.hasStarted()
          const failure = await failureOf(start({ isRetry: true }))
          expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
          expect(failure.message).toContain(`Check ${provider.title} before you repeat the call`)
          expect({ starts: starts().length, runs: played.runs() }).toEqual({ starts: 1, runs: 1 })
        })
      }

      if (platform.known === 'token') {
        test('that is sent twice at the same time is one run', async () => {
          const [one, other] = await Promise.all([start(), start()])
          expect(other.outcome.data['id']).toBe(one.outcome.data['id'])
          expect(played.runs()).toBe(1)
        })
      }

      if (isKnown && !provider.requiresTask) {
        test('that is retried starts a run only if no other run can be its own', async () => {
          await startRun({ key: keyOf(2) })
          played.end()
          played.server.failNext(502, '<html><title>Bad gateway</title></html>', { on: isStart })
          await failureOf(start())
          const sent = starts().length
          const retry = start({ isRetry: true })
          if (platform.showsNewestOnly) expect(await failureOf(retry)).toMatchObject({ kind: 'doubtful' })
          else expect((await retry).outcome.data['id']).toBe(played.id())
          expect(starts().length - sent).toBe(platform.showsNewestOnly ? 0 : 1)
        })
      }

      if (!provider.requiresTask) {
        test('finds the run of the same event after it has ended', async () => {
          const first = await startRun()
          played.end()
          const again = start({ isRetry: !isKnown })
          if (isKnown) expect((await again).outcome.data['id']).toBe(idOf(first))
          else expect(await failureOf(again)).toMatchObject({ kind: 'doubtful' })
          expect(played.runs()).toBe(1)
        })

        test('without an idempotency key is a run of its own', async () => {
          for (const runs of [1, 2]) {
            await startRun({ key: undefined })
            played.end()
            expect(played.runs()).toBe(runs)
          }
        })
      }

      test.each(Object.entries(unexpectedBodies))('is one run if the response is %s', async (_what, body) => {
        played.server.replaceNext(isStart, body)
        await start().catch(ignoreFailure)
        played.hasStarted()
        const id = await start({ isRetry: true }).then(({ outcome }) => outcome.data['id'], ignoreFailure)
        if (id !== undefined && played.id() !== 'current') expect(id).toBe(played.id())
        expect(played.runs()).toBe(1)
        if (platform.known !== 'token') expect(starts()).toHaveLength(1)
      })

      test('fails at the deadline if the platform does not respond', async () => {
        played.server.hang()
        const failure = await failureOf(start({ deadline: 500 }))
        expect(failure).toMatchObject(starts().length > 0 && !isKnown ? { kind: 'doubtful' } : { kind: 'timeout' })
      })

      test('that is a dry run sends nothing that writes', async () => {
        await expect(start({ key: undefined, intercept: rejectWrite })).rejects.toThrow('A dry run must not write.')
        expect({ starts: starts().length, runs: played.runs() }).toEqual({ starts: 0, runs: 0 })
      })

      test.each(Object.keys({ target: '', project: '', ref: '' }))(
        'does not leave the path by input.%s',
        async (field) => {
          for (const value of [ESCAPE, `x${ESCAPE}`, `${played.input[field] ?? 'x'}${ESCAPE}`]) {
            await connected(unlimited())
              .start({ ...played.input, [field]: value })
              .catch(ignoreFailure)
          }
          expect(strayRequests()).toEqual([])
        },
      )

      if (invalid.length > 0) {
        test.each(invalid)('rejects %s before sending a request', async (_what, input, message, fields = {}) => {
          const failure = await failureOf(connected({ ...unlimited(), ...fields }).start({ ...played.input, ...input }))
          expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
          expect(failure.message).toContain(message)
          expect(played.server.calls).toEqual([])
        })
      }

      if (forbidden.length > 0) {
        test.each(forbidden)(
          'rejects %s, which the connection does not allow',
          async (_what, input, message, fields = {}) => {
            const failure = await failureOf(connected(fields).start({ ...played.input, ...input }))
            expect(failure).toMatchObject({ kind: 'refused', status: 422 })
            expect(failure.message).toContain(message)
            expect(played.server.calls).toEqual([])
          },
        )
      }
    })

    if (refused.length > 0) {
      test.each(refused)('a start shows the reason of the platform for %s', async (_what, change, reason) => {
        const input = typeof change === 'function' ? {} : change
        if (typeof change === 'function') await change(played.server)
        const failure = await failureOf(connected(unlimited()).start({ ...played.input, ...input }))
        expect(failure).toMatchObject({ kind: 'refused', status: 422, mayHaveWritten: false })
        expect(failure.message).toContain(reason)
        expect(played.runs()).toBe(0)
      })
    }

    describe('a run', () => {
      test('has a meaning for every documented state', () => {
        const listed = [...Object.values(states).flat(), ...otherStates]
        expect(Object.keys(provider.states).filter((state) => !listed.includes(state))).toEqual([])
      })

      const table = Object.entries(states).flatMap(([verdict, names]) =>
        names.map((state) => [state, verdict] as const),
      )
      const ends = table.filter(([, verdict]) => verdict !== 'running')
      const running = table.filter(([, verdict]) => verdict === 'running')

      if (running.length > 0) {
        test.each(running)('in the state %s is %s', async (state) => {
          const started = await startRun()
          played.enter(state)
          expect(await job.poll(started, played.input)).toMatchObject({ status: state })
        })
      }

      if (ends.length > 0) {
        test.each(ends)('in the state %s ends with %s', async (state, verdict) => {
          const started = await startRun()
          played.enter(state)
          const outcome = await job.end(started, played.input)
          expect(outcome).toMatchObject(ENDS[verdict as keyof typeof ENDS])
          expect(outcome.data).toMatchObject({ id: idOf(started), state, end: expect.any(String) })
          expect(outcome.message).toContain(` ended as ${state}`)
          const { url } = outcome.data
          if (url) expect(Object.values(outcome.links)).toContain(url)
        })
      }

      if (unknownStates.length > 0) {
        test.each(unknownStates)('in the unknown state %s is running', async (state) => {
          const started = await startRun()
          played.enter(state)
          expect(await job.poll(started, played.input)).toMatchObject({ status: `${state} (unknown state)` })
        })
      }

      test('is polled until it ends', async () => {
        const started = await startRun()
        expect(await job.poll(started, played.input)).toMatchObject({ status: expect.any(String) })
        played.end()
        const end = platform.ends ? { status: platform.ends } : { status: 'succeeded', result: 'pass' }
        expect(await job.end(started, played.input)).toMatchObject(end)
      })
    })

    if (measures) {
      const [end, metrics, data = metrics] = measures
      test('a run reports its measurements, which thresholds can use', async () => {
        const thresholds = Object.entries(metrics).map(([metric, value]) => ({ metric, op: '<', value }))
        const input = { ...played.input, thresholds }
        const started = await job.start(input)
        await end(played.server)
        const outcome = await job.end(started, input)
        expect(outcome).toMatchObject({ status: 'succeeded', result: 'fail', data })
        for (const [metric, value] of Object.entries(metrics))
          expect(outcome.message).toContain(`${metric} is ${value}, not < ${value}`)
      })
    }

    describeIf(provider.stop, 'a stop', () => {
      const stopped = { status: platform.stops ?? 'aborted' }

      test('ends the run with an id, and its task ends', async () => {
        const started = await startRun()
        const id = played.id()
        await job.stop({ id })
        expect(played.hasStopped()).toBe(true)
        expect(await job.end(started, played.input)).toMatchObject(stopped)
        expect((await job.stop({ id })).message).toContain('had ended already')
      })

      test('ends the run at the deadline', async () => {
        const started = await startRun()
        expect(await job.stopAtDeadline(started, played.input)).toBe(true)
        expect(played.hasStopped()).toBe(true)
        expect(await job.end(started, played.input)).toMatchObject(stopped)
      })

      test('passes for a run that has ended, or ends in the meantime', async () => {
        const started = await startRun()
        const id = played.id()
        played.end()
        expect(await job.stop({ id })).toMatchObject({ result: 'pass', message: expect.stringContaining('had ended') })
        const late = job.stopAtDeadline(started, played.input)
        if (platform.refusesLateStop) expect(await failureOf(late)).toMatchObject({ kind: 'refused' })
        else await late
      })

      if (slowStop) {
        const [state, change] = slowStop
        test('waits for a run that is still running', async () => {
          await startRun()
          await change?.(played.server)
          expect((await job.stop({ id: played.id() })).message).toBe(`still ${state}`)
        })
      }

      if (refusedStops.length > 0) {
        test.each(refusedStops)('shows the reason of the platform: %#', async (change, reason) => {
          await startRun()
          const id = typeof change === 'string' ? change : played.id()
          if (typeof change === 'function') await change(played.server)
          const failure = await failureOf(job.stop({ id }))
          expect(failure.kind).toBe('refused')
          expect(failure.message).toContain(reason)
        })
      }

      test('that is a dry run stops nothing', async () => {
        await startRun()
        const before = starts().length
        await expect(job.stop({ id: played.id() }, { intercept: rejectWrite })).rejects.toThrow('must not write')
        expect(played.hasStopped()).toBe(false)
        expect(starts()).toHaveLength(before)
      })

      test('does not leave the path by its id', async () => {
        await startRun()
        for (const id of [ESCAPE, `x${ESCAPE}`, `${played.id()}${ESCAPE}`, `..${ESCAPE}${played.id()}`])
          for (const project of [undefined, `x${ESCAPE}`]) await job.stop({ id, project }).catch(ignoreFailure)
        expect(strayRequests()).toEqual([])
      })

      if (invalidIds.length > 0) {
        test.each(invalidIds)('rejects the id %j before sending a request', async (id) => {
          const failure = await failureOf(job.stop({ id }))
          expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
          expect(failure.message).toContain(idMessage)
          expect(played.server.calls).toEqual([])
        })
      }
    })

    const operations: Record<string, () => Promise<() => Promise<unknown>>> = {
      'a start': async () => () => start(),
      async 'a poll'() {
        const started = await startRun()
        return () => job.poll(started, played.input)
      },
      async 'a stop'() {
        await startRun()
        const id = played.id()
        return () => job.stop({ id })
      },
    }
    if (!provider.stop) delete operations['a stop']

    describe.each(Object.entries(operations))('%s', (name, prepare) => {
      test.each([
        ['a 500 response', () => played.server.failNext(500, '<html><title>Oops</title></html>', { times: 9 })],
        ['a 503 response', () => played.server.failNext(503, '<html><title>Unavailable</title></html>', { times: 9 })],
        ['a broken connection', () => played.server.down()],
      ])('can be retried after %s', async (_what, fail) => {
        const run = await prepare()
        fail()
        const failure = await failureOf(run())
        // A start that may have arrived is not retried if the run could not be found.
        if (name === 'a start' && !isKnown && starts().length > 0) expect(failure.kind).toBe('doubtful')
        else expect(failure).toMatchObject({ kind: 'platform', transient: true })
      })

      test('expects no success behind a web page', async () => {
        const run = await prepare()
        played.server.failNext(200, '<html>Log in</html>', { times: 9 })
        const { kind } = await failureOf(run())
        expect(kind).toBe(name === 'a start' && !isKnown && starts().length > 0 ? 'doubtful' : webPage)
      })

      test('can be retried after a 429 response', async () => {
        const run = await prepare()
        const options = { headers: { 'retry-after': '30' }, times: 9 }
        played.server.failNext(429, refusal('Slow down'), options)
        const retryAfter = provider.aws ? {} : { retryAfter: provider.retryAfterUnit ? 1 : 30 }
        expect(await failureOf(run())).toMatchObject({ kind: 'platform', transient: true, ...retryAfter })
      })

      test('shows the reason of a refusal, with masked credentials', async () => {
        const run = await prepare()
        played.server.failNext(400, refusal(`no ${['such thing', ...secrets()].join(' ')}`), { times: 9 })
        const { kind, message } = await failureOf(run())
        expect(kind).toBe('refused')
        expect(message).toContain(`no ${['such thing', ...secrets().map(() => '***')].join(' ')}`)
      })
    })

    test('saves no credential in the result of a step', async () => {
      const started = await startRun()
      const polled = await job.poll(started, played.input)
      played.end()
      const results: unknown[] = [started, polled, await job.end(started, played.input)]
      if (provider.stop) results.push(await job.stop({ id: played.id() }))
      const sent = played.server.calls.map(({ headers }) => String(headers['authorization']).split(' ').at(-1))
      const saved = JSON.stringify(results)
      for (const secret of [...secrets(), ...sent.filter((text) => text !== undefined)])
        expect(saved).not.toContain(secret)
    })

    /** Requests whose path or query was changed by an input. */
    function strayRequests(): string[] {
      return played.server.calls
        .filter(({ encodedPath, query }) => encodedPath.split('/').includes('injected') || query.has('injected'))
        .map(requestLine)
    }
  })
}

function describeIf(condition: unknown, name: string, tests: () => void): void {
  if (condition) describe(name, tests)
}

function rejectWrite(): never {
  throw new Error('A dry run must not write.')
}

function ignoreFailure(error: unknown): undefined {
  if (!(error instanceof Failure)) throw error
}

/** Changes the state of a fake platform. */
export function withState(changes: object): (server: { state: object }) => unknown {
  return ({ state }) => Object.assign(state, changes)
}
