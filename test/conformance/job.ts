import { afterEach, describe, expect, test } from '@jest/globals'
import type * as z from 'zod/mini'
import { type Call, requestLine, type Served } from '../../infra/sandbox/platforms/loopback-server.ts'
import { Failure } from '../../shared/errors.ts'
import { secretsIn } from '../../shared/fields.ts'
import type { SentRequest } from '../../shared/http/exchange.ts'
import type { StartedJob } from '../../shared/providers/action.ts'
import type { JobProvider, Verdict } from '../../shared/providers/job.ts'
import { isRecord } from '../../shared/record.ts'
import { type ClientOptions, expectFailure, failureOf, keyOf, startEach } from '../functions/helpers.ts'
import { Job } from '../functions/job.ts'
import { awsError } from '../platforms/aws-json.ts'
import { type CommonOptions, commonTests, formOf, hostileIds } from './common.ts'
import { credentialsIn } from './credentials.ts'
import type { JobPlatform, PlayedJobs } from './job-platforms/platform.ts'
import { testEach } from './test-each.ts'
import { unexpectedBodies } from './unexpected-bodies.ts'

type Change<S> = (server: S) => unknown

interface JobOptions<S extends Served> extends CommonOptions<S> {
  /** Every state that the platform documents, by its meaning. */
  states: Partial<Record<Verdict, string[]>>
  /** States that take more than `enter` of the fake platform. The tests of the provider reach them. */
  otherStates?: string[]
  /** States that the provider does not know. */
  unknownStates?: string[]
  /** Fields of the input that the provider does not support. */
  unsupported?: ('project' | 'ref' | 'parameters')[]
  /** Starts that are invalid: what is wrong, changes of the input, a part of the message, changes of the connection. */
  invalidStarts?: [what: string, input: object, message: string, connection?: object][]
  /** Starts that the connection does not allow, in the same form. */
  forbidden?: [what: string, input: object, message: string, connection?: object][]
  /** Starts by what they send: changes of the input, a part of the request that starts the run, changes of the connection. */
  sends?: [what: string, input: object, request: object, connection?: object][]
  /**
   * Starts that the platform refuses: what is wrong, a change of the platform or of the input, a part of the reason, changes
   * of the input and of the connection, and the kind of failure.
   */
  refused?: [
    what: string,
    change: Change<S> | Record<string, unknown>,
    reason: string,
    input?: object,
    connection?: object,
    kind?: Failure['kind'],
  ][]
  /**
   * Runs by what they report: a change of the platform after the start, a part of the outcome or of the progress, and changes of the
   * input and of the connection.
   */
  reports?: [what: string, change: Change<S>, reported: object, input?: object, connection?: object][]
  /** Starts that have to wait: what they wait for, a change of the platform or `running` for another run, and a part of the reason. */
  waits?: [what: string, change: Change<S> | 'running', reason: string, input?: object][]
  /** Changes of the platform after which a retry cannot find the run of an attempt whose response was lost. */
  lost?: [what: string, change: Change<S>, input?: object, connection?: object][]
  /** Changes of the platform after which a retry finds the run of a start whose response was lost, and changes of the connection. */
  found?: [what: string, change: Change<S>, connection?: object][]
  /** Polls that the platform refuses: a change of the platform, and a part of the reason. */
  refusedPolls?: [change: Change<S>, reason: string][]
  /** A part of the URL of the first run. */
  url?: string | ((server: S) => string)
  /** Returns what the platform has stored for the first run, and a part of that, such as the idempotency key. */
  stores?: [stored: (server: S) => unknown, expected: unknown]
  /** Ends a run, whose thresholds can use these metrics. They are also its data, if no other data is given. */
  measures?: [end: Change<S>, metrics: Record<string, number>, data?: object]
  /** The state of a run after a stop, and the change of the platform that lets it continue, if it needs one. */
  slowStop?: [state: string, change?: Change<S>]
  /** Another form of the input that stops the first run. */
  stopsBy?: { id: string | number; project?: string }
  /** Stops that the platform refuses: a change of the platform or another id, a part of the reason, and the kind of failure. */
  refusedStops?: [change: Change<S> | string, reason: string, kind?: Failure['kind']][]
  /** Ids that do not look like those of the platform, and a part of the message about them. */
  invalidIds?: [ids: string[], message: string]
  /** A target or an id may be a path, so that `/` adds a segment to a request. */
  hasPaths?: true
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
/**
 * Registers the tests that every job provider must pass: those of `commonTests`, a run is started once, every state has its
 * meaning, and a stop ends the run.
 *
 * Starts the platform before each test of the file, also before those of the provider alone.
 *
 * @returns the server of the current test, and a function that connects to it, with other fields of the connection
 * @example
 * jobConformance(awx, { start: actions['run-runbook'], stop: actions['stop-runbook'] }, remediationPlatforms.awx, {
 *   states: { running: ['new', 'running'], pass: ['successful'], fail: ['failed'], aborted: ['canceled'] },
 *   invalidIds: [['7'], 'such as job/7'],
 * })
 */
export function jobConformance<C extends z.ZodMiniObject, S extends Served>(
  provider: JobProvider<C>,
  actions: ConstructorParameters<typeof Job>[1],
  platform: JobPlatform<S>,
  {
    states,
    otherStates = [],
    unknownStates = ['unheard-of', 'constructor'],
    unsupported = [],
    invalidStarts = [],
    forbidden = [],
    sends = [],
    refused = [],
    reports = [],
    waits = [],
    lost = [],
    found = [],
    stopsBy,
    refusedPolls = [],
    url: expectedUrl = '',
    stores,
    measures,
    slowStop,
    refusedStops = [],
    invalidIds: [invalidIds, idMessage] = [[], ''],
    hasPaths,
    name = provider.title,
    ...options
  }: JobOptions<S>,
): { server: S; connected(fields?: object): Job<C> } {
  let first: PlayedJobs<S>
  let isNew = false
  const server = startEach(async () => {
    first = await platform.start()
    isNew = true
    return first.server
  })
  const connectedTo =
    (played: () => PlayedJobs<S>) =>
    (fields: object = {}): Job<C> =>
      new Job(provider, actions, () => ({ ...played().connection, ...fields }) as z.input<C>)

  describe(`${name}: conformance`, () => {
    const { now } = Date
    afterEach(() => {
      Date.now = now
    })

    const connected = connectedTo(() => at())
    const job = connected()
    const unlimited = () => ('allow' in at().connection ? { allow: '*' } : {})
    const start = (options?: ClientOptions): Promise<StartedJob> => job.start(at().input, options)
    const startRun = async (options?: ClientOptions): Promise<StartedJob> => {
      const started = await start(options)
      at().hasStarted()
      const { reliableAfter = 0 } = platform
      if (reliableAfter > 0) {
        const later = now() + reliableAfter * 1_000
        Date.now = () => later
      }
      return started
    }
    const isStart = (call: Call) => platform.starts.test(requestLine(call))
    const starts = () => at().server.calls.filter(isStart)
    const isKnown = platform.known !== 'neither'
    const idOf = ({ outcome }: StartedJob) => (platform.changesId ? at().id() : outcome.data['id'])
    const startWith = (input: object, options?: ClientOptions) =>
      connected(unlimited()).start({ ...at().input, ...input }, options)
    const at: () => PlayedJobs<S> = commonTests(provider, {
      ...(provider.aws ? { awsError: (type: string, message: string) => awsError(type, message) } : {}),
      ...options,
      start() {
        Date.now = now
        const isReady = isNew
        isNew = false
        return isReady ? Promise.resolve(first) : platform.start()
      },
      operations: {
        'a start': () => start,
        async 'a poll'(played) {
          const started = await startRun()
          return (options) => job.poll(started, played.input, options)
        },
        async 'the last poll'(played) {
          const started = await startRun()
          played.end()
          return (options) => job.poll(started, played.input, options)
        },
        ...(provider.stop && {
          async 'a stop'(played: PlayedJobs<S>) {
            await startRun()
            const id = played.id()
            return (options?: ClientOptions) => job.stop({ id }, options)
          },
        }),
      },
      reads: ['a poll', 'the last poll'],
      creates: isStart,
      isUnknown: (name) => name === 'a start' && !isKnown && starts().length > 0,
    })

    const idOfStop = (id: string, options: ClientOptions) => job.stop({ id }, options)
    const attacks: Record<string, (value: string, options: ClientOptions) => Promise<unknown>> = {
      'input.target of a start': (target, options) => startWith({ target }, options),
      'the end of input.target of a start': (end, options) =>
        startWith({ target: `${at().input['target']}${end}` }, options),
      'input.project of a start': (project, options) => startWith({ project }, options),
      'input.ref of a start': (ref, options) => startWith({ ref }, options),
      ...(provider.stop && {
        'input.id of a stop': idOfStop,
        'the end of input.id of a stop': (end: string, options: ClientOptions) =>
          idOfStop(`${at().id()}${end}`, options),
        'input.project of a stop': (project: string, options: ClientOptions) =>
          job.stop({ id: at().id(), project }, options),
      }),
    }
    test.each(Object.entries(attacks))('%s cannot change the path or the query of a request', async (name, run) => {
      if (name.endsWith('stop')) await startRun()
      const formsOf = async (send: (options: ClientOptions) => Promise<unknown>) => {
        const { calls } = at().server
        calls.length = 0
        const writes: string[] = []
        const intercept = ({ method, url }: SentRequest) => {
          const { pathname = '', searchParams = new URLSearchParams() } = URL.parse(url) ?? {}
          writes.push(formOf(method, pathname, searchParams))
          throw new Failure('refused', 'A dry run must not write.')
        }
        await send({ intercept }).catch(ignoreFailure)
        return [...calls.map(({ method, encodedPath, query }) => formOf(method, encodedPath, query)), ...writes]
      }
      const usual = await formsOf(name.endsWith('stop') ? (options) => idOfStop(at().id(), options) : start)
      for (const value of hostileIds) {
        const harmless = value.replace(hasPaths ? /[^\w/]/g : /\W/g, 'x')
        const sent = await formsOf((options) => run(value, options))
        const others = sent.filter((form) => !usual.includes(form))
        const expected = others.length > 0 ? await formsOf((options) => run(harmless, options)) : []
        expect({ value, changed: others.filter((form) => !expected.includes(form)) }).toEqual({ value, changed: [] })
      }
    })

    test('declares nothing but its credentials as secrets', () => {
      const { connection } = at()
      const secrets = secretsIn(provider.connection, provider.connection.parse(connection))
      const credentials = credentialsIn(connection).map(({ value }) => value)
      const headers = Object.values(connection).flatMap((field) => (isRecord(field) ? Object.values(field) : []))
      expect([...credentials, ...headers]).toEqual(expect.arrayContaining(secrets))
    })

    if ('allow' in provider.connection.shape) {
      test.each([[undefined], [[]], ['']])('requires the connection to limit what may run: allow is %j', (allow) => {
        const { success } = provider.connection.safeParse({ ...at().connection, allow })
        expect(success).toBe(false)
      })
    }

    describe('a start', () => {
      test('starts one run and returns at once', async () => {
        const { outcome } = await start()
        const { id, url, state } = outcome.data
        expect(outcome).toMatchObject({ status: 'succeeded', data: { start: expect.any(String) } })
        if (at().id() !== 'current') expect(id).toBe(at().id())
        expect(state).toBe('started')
        expect(outcome.message).toMatch(/^Started /)
        expect(outcome.message).toContain(` ${id}`)
        expect(Object.values(outcome.links)).toEqual(url ? [url] : [])
        expect(String(url)).toContain(typeof expectedUrl === 'string' ? expectedUrl : expectedUrl(at().server))
        expect({ starts: starts().length, runs: at().runs() }).toEqual({ starts: 1, runs: 1 })
      })

      if (stores) {
        const [read, expected] = stores
        test(`is stored by the platform as ${JSON.stringify(expected)}`, async () => {
          await start()
          expect({ stored: read(at().server) }).toMatchObject({ stored: expected })
        })
      }

      test('uses the default target of the connection', async () => {
        const { target, ...input } = at().input
        await connected({ target }).start(input)
        expect(at().runs()).toBe(1)
      })

      test('of another event is another run', async () => {
        await startRun()
        at().end()
        await start({ key: keyOf(2) })
        expect(at().runs()).toBe(2)
      })

      if (isKnown) {
        test('that is repeated is one run', async () => {
          const first = await startRun()
          const again = await start({ isRetry: true })
          expect(again.outcome.data['id']).toBe(idOf(first))
          expect(at().runs()).toBe(1)
        })

        test('that is retried after a lost response is the same run', async () => {
          at().server.loseNext(isStart)
          expect(await failureOf(start())).toMatchObject({ transient: true, mayHaveWritten: true })
          at().hasStarted()
          expect((await start({ isRetry: true })).outcome.data['id']).toBe(at().id())
          expect(at().runs()).toBe(1)
        })
      } else {
        test('is not repeated after a lost response, because the run cannot be found', async () => {
          at().server.loseNext(isStart)
          const lost = await failureOf(start())
          expect(lost.kind === 'unconfirmed' || lost.mayHaveWritten).toBe(true)
          at().hasStarted()
          const failure = await failureOf(start({ isRetry: true }))
          expect(failure).toMatchObject({ kind: 'unconfirmed', transient: false })
          expect(failure.message).toContain(`Check ${provider.title} before you repeat the call`)
          expect({ starts: starts().length, runs: at().runs() }).toEqual({ starts: 1, runs: 1 })
        })
      }

      testEach(found, 'that is retried after a lost response finds the run %s', async (_what, change, fields = {}) => {
        await change(at().server)
        const given = connected(fields)
        at().server.loseNext(isStart)
        await failureOf(given.start(at().input))
        const { outcome } = await given.start(at().input, { isRetry: true })
        expect(outcome.data['id']).toBe(at().id())
        expect(at().runs()).toBe(1)
      })

      if (platform.known === 'token') {
        test('that is sent twice at the same time is one run', async () => {
          const [one, other] = await Promise.all([start(), start()])
          expect(other.outcome.data['id']).toBe(one.outcome.data['id'])
          expect(at().runs()).toBe(1)
        })
      }

      if (isKnown && !provider.requiresTask) {
        test('that is retried starts a run only if no other run can be its own', async () => {
          await startRun({ key: keyOf(2) })
          at().end()
          at().server.failNext(502, '<html><title>Bad gateway</title></html>', { on: isStart })
          await failureOf(start())
          const sent = starts().length
          const retry = start({ isRetry: true })
          if (platform.showsNewestOnly) expect(await failureOf(retry)).toMatchObject({ kind: 'unconfirmed' })
          else expect((await retry).outcome.data['id']).toBe(at().id())
          expect(starts().length - sent).toBe(platform.showsNewestOnly ? 0 : 1)
        })
      }

      if (!provider.requiresTask) {
        test('finds the run of the same event after it has ended', async () => {
          const first = await startRun()
          at().end()
          const again = start({ isRetry: !isKnown })
          if (isKnown) expect((await again).outcome.data['id']).toBe(idOf(first))
          else expect(await failureOf(again)).toMatchObject({ kind: 'unconfirmed' })
          expect(at().runs()).toBe(1)
        })

        test('without an idempotency key is a run of its own', async () => {
          for (const runs of [1, 2]) {
            await startRun({ key: undefined })
            at().end()
            expect(at().runs()).toBe(runs)
          }
          for (const { text } of starts()) expect(text).not.toContain('undefined')
        })
      }

      test.each(Object.entries(unexpectedBodies))('is one run if the response is %s', async (_what, body) => {
        at().server.replaceNext(isStart, body)
        await start().catch(ignoreFailure)
        at().hasStarted()
        const id = await start({ isRetry: true }).then(({ outcome }) => outcome.data['id'], ignoreFailure)
        if (id !== undefined && at().id() !== 'current') expect(id).toBe(at().id())
        expect(at().runs()).toBe(1)
        if (platform.known !== 'token') expect(starts()).toHaveLength(1)
      })

      const notSupported: typeof invalidStarts = unsupported.map((field) => [
        `input.${field}`,
        { [field]: field === 'parameters' ? { users: 5 } : 'x' },
        `input.${field} is not supported`,
      ])
      const all = [...notSupported, ...invalidStarts]
      testEach(all, 'rejects %s before sending a request', async (_what, input, message, fields = {}) => {
        const start = connected({ ...unlimited(), ...fields }).start({ ...at().input, ...input })
        await expectFailure(start, { kind: 'invalid', status: 400 }, message)
        expect(at().server.calls).toEqual([])
      })

      testEach(
        forbidden,
        'rejects %s, which the connection does not allow',
        async (_what, input, message, fields = {}) => {
          const start = connected(fields).start({ ...at().input, ...input })
          await expectFailure(start, { kind: 'refused', status: 422 }, message)
          expect(at().server.calls).toEqual([])
        },
      )
    })

    testEach(sends, 'a start sends %s', async (_what, input, request, fields = {}) => {
      await connected({ ...unlimited(), ...fields }).start({ ...at().input, ...input })
      expect(starts()).toMatchObject([request])
    })

    testEach(
      refused,
      'a start shows the reason of the platform for %s',
      async (_what, change, reason, input = {}, fields = {}, kind = 'refused') => {
        const more = typeof change === 'function' ? input : change
        if (typeof change === 'function') await change(at().server)
        const start = connected({ ...unlimited(), ...fields }).start({ ...at().input, ...more })
        await expectFailure(start, { kind, ...(kind === 'refused' && { status: 422 }), mayHaveWritten: false }, reason)
        expect(at().runs()).toBe(0)
      },
    )

    testEach(waits, 'a start waits for %s', async (_what, change, reason, input = {}) => {
      if (change === 'running') await startRun()
      else await change(at().server)
      const before = at().runs()
      const start = job.start({ ...at().input, ...input }, { key: keyOf(2) })
      await expectFailure(start, { kind: 'platform', transient: true, mayHaveWritten: false }, reason)
      expect(at().runs()).toBe(before)
    })

    testEach(lost, 'a retry of a start has an unknown outcome %s', async (_what, change, input = {}, fields = {}) => {
      const retried = { ...at().input, ...input }
      const given = connected(fields)
      at().server.loseNext(isStart)
      await failureOf(given.start(retried))
      await change(at().server)
      await expectFailure(given.start(retried, { isRetry: true }), { kind: 'unconfirmed', transient: false })
      expect(starts()).toHaveLength(1)
    })

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

      testEach(running, 'in the state %s is %s', async (state) => {
        const started = await startRun()
        at().enter(state)
        expect(await job.poll(started, at().input)).toMatchObject({ status: state })
      })

      testEach(ends, 'in the state %s ends with %s', async (state, verdict) => {
        const started = await startRun()
        at().enter(state)
        const outcome = await job.end(started, at().input)
        expect(outcome).toMatchObject(ENDS[verdict as keyof typeof ENDS])
        expect(outcome.data).toMatchObject({ id: idOf(started), state, end: expect.any(String) })
        expect(outcome.message).toContain(` ended as ${state}`)
        const { url } = outcome.data
        if (url) expect(Object.values(outcome.links)).toContain(url)
      })

      testEach(unknownStates, 'in the unknown state %s is running', async (state) => {
        const started = await startRun()
        at().enter(state)
        expect(await job.poll(started, at().input)).toMatchObject({ status: `${state} (unknown state)` })
      })

      test('is polled until it ends', async () => {
        const started = await startRun()
        expect(await job.poll(started, at().input)).toMatchObject({ status: expect.any(String) })
        at().end()
        const end = platform.ends ? { status: platform.ends } : { status: 'succeeded', result: 'pass' }
        expect(await job.end(started, at().input)).toMatchObject(end)
      })
    })

    testEach(reports, 'a run reports %s', async (_what, change, reported, more = {}, fields = {}) => {
      const given = connected({ ...unlimited(), ...fields })
      const input = { ...at().input, ...more }
      const started = await given.start(input)
      at().hasStarted()
      await change(at().server)
      const result = await given.poll(started, input)
      expect('outcome' in result ? result.outcome : result).toMatchObject(reported)
    })

    testEach(refusedPolls, 'a poll shows the reason of the platform: %#', async (change, reason) => {
      const started = await startRun()
      await change(at().server)
      await expectFailure(job.poll(started, at().input), 'refused', reason)
    })

    if (measures) {
      const [end, metrics, data = metrics] = measures
      test('a run reports its measurements, which thresholds can use', async () => {
        const thresholds = Object.entries(metrics).map(([metric, value]) => ({ metric, op: '<', value }))
        const input = { ...at().input, thresholds }
        const started = await job.start(input)
        await end(at().server)
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
        const id = at().id()
        await job.stop({ id })
        expect(at().hasStopped()).toBe(true)
        expect(await job.end(started, at().input)).toMatchObject(stopped)
        expect((await job.stop({ id })).message).toContain('had ended already')
      })

      if (stopsBy) {
        test(`accepts ${JSON.stringify(stopsBy)}`, async () => {
          await startRun()
          await job.stop(stopsBy)
          expect(at().hasStopped()).toBe(true)
        })
      }

      test('ends the run at the deadline', async () => {
        const started = await startRun()
        expect(await job.stopAtDeadline(started, at().input)).toBe(true)
        expect(at().hasStopped()).toBe(true)
        expect(await job.end(started, at().input)).toMatchObject(stopped)
      })

      test('passes for a run that has ended, or ends in the meantime', async () => {
        const started = await startRun()
        const id = at().id()
        at().end()
        expect(await job.stop({ id })).toMatchObject({ result: 'pass', message: expect.stringContaining('had ended') })
        const late = job.stopAtDeadline(started, at().input)
        if (platform.refusesLateStop) expect(await failureOf(late)).toMatchObject({ kind: 'refused' })
        else await late
      })

      if (slowStop) {
        const [state, change] = slowStop
        test('waits for a run that is still running', async () => {
          await startRun()
          await change?.(at().server)
          expect((await job.stop({ id: at().id() })).message).toBe(`still ${state}`)
        })
      }

      testEach(refusedStops, 'shows the reason of the platform: %#', async (change, reason, kind = 'refused') => {
        await startRun()
        const id = typeof change === 'string' ? change : at().id()
        if (typeof change === 'function') await change(at().server)
        await expectFailure(job.stop({ id }), { kind, transient: kind === 'platform' }, reason)
      })

      testEach(invalidIds, 'rejects the id %j before sending a request', async (id) => {
        await expectFailure(job.stop({ id }), { kind: 'invalid', status: 400 }, idMessage)
        expect(at().server.calls).toEqual([])
      })
    })
  })
  return { server, connected: connectedTo(() => first) }
}

function describeIf(condition: unknown, name: string, tests: () => void): void {
  if (condition) describe(name, tests)
}

function ignoreFailure(error: unknown): undefined {
  if (!(error instanceof Failure)) throw error
}

/** Changes the state of a fake platform. */
export function withState(changes: object): (server: { state: object }) => unknown {
  return ({ state }) => Object.assign(state, changes)
}
