import type { Served } from '../../../infra/testing/loopback-server.ts'
import type { EvaluationProvider } from '../../../shared/providers/evaluation/provider.ts'
import type { ReportProvider } from '../../../shared/providers/report.ts'
import { evaluationConformance } from '../../conformance/evaluation.ts'
import { reportConformance } from '../../conformance/report.ts'
import { clientOf, startEach } from '../helpers.ts'
import { type EvaluateOptions, evaluate, type ReportOptions, report } from './drive.ts'

interface Platform<S extends Served> {
  start(): Promise<S>
  connection(server: S): Record<string, unknown>
  input?: object
}
interface Played<S extends Served> {
  server: S
  connection: Record<string, unknown>
  input: object
}
interface Reports<S extends Served> {
  /** Returns how many reports a reader of the platform sees. */
  visible(server: S): number
  /** Returns what the platform shows for the result of the last report, for `results`. */
  result?(server: S): unknown
}
type Reported<S extends Served> = Played<S> & { visible: () => number }
type Conformance<T> = Omit<T, 'start'>
type EvaluationOptions<S extends Served> = Conformance<Parameters<typeof evaluationConformance<Played<S>>>[1]>
type ReportConformance<S extends Served> = Conformance<Parameters<typeof reportConformance<Reported<S>>>[1]>

/** The evaluated time, unless a test has another one. */
export const time = { start: '2025-11-24T10:00:00Z', end: '2025-11-24T10:05:00Z' }

/**
 * Starts a platform before each test.
 *
 * @returns the server, and functions that run the provider with the connection and the input of the platform. `fields` replaces
 * fields of the connection.
 */
export function play<S extends Served>(
  provider: EvaluationProvider | ReportProvider,
  { start, connection: connectionOf, input = {} }: Platform<S>,
) {
  const server = startEach(start)
  const connection = (fields: object = {}) => ({ ...connectionOf(server), ...fields })
  return {
    server,
    connection,
    ask: (more: object = {}, fields?: object, options?: EvaluateOptions) =>
      evaluate(provider, connection(fields), { ...input, ...more }, options),
    push: ({
      input: more,
      connection: fields,
      ...options
    }: ReportOptions & { input?: object; connection?: object } = {}) =>
      report(provider, connection(fields), { ...input, ...more }, options),
    check: async (fields?: object) =>
      provider.check(clientOf(provider, provider.connection.parse(connection(fields)) as never)),
  }
}

/** Changes the state of a fake platform. */
export const withState =
  (changes: object) =>
  ({ server }: { server: { state: object } }) =>
    Object.assign(server.state, changes)

/** Changes the first SLO of a fake platform. */
export const withSlo =
  (changes: object) =>
  ({ server }: { server: { state: { slos: object[] } } }) =>
    Object.assign(server.state.slos[0] ?? {}, changes)

/** Starts the platform of an evaluation provider before each test, and registers the tests that all such providers pass. */
export function playEvaluations<S extends Served>(
  provider: EvaluationProvider,
  { start, connection, input, ...conformance }: Platform<S> & EvaluationOptions<S>,
) {
  const platform = shared({ start, connection, input: { ...time, ...input } })
  const played = play(provider, platform)
  evaluationConformance<Played<S>>(provider, { ...conformance, start: platform.startPlayed })
  return played
}

/** Starts the platform of a report provider before each test, and registers the tests that all such providers pass. */
export function playReports<S extends Served>(
  provider: ReportProvider,
  { start, connection, input, visible, result, ...conformance }: Platform<S> & Reports<S> & ReportConformance<S>,
) {
  const platform = shared({ start, connection, input: input ?? {} })
  const played = play(provider, platform)
  reportConformance(provider, {
    ...conformance,
    async start() {
      const at = await platform.startPlayed()
      const shown = {
        visible: () => visible(at.server),
        ...(result && { result: () => result(at.server) }),
      }
      return { ...at, ...shown }
    },
  })
  return played
}

/** The conformance suite uses the server that was started before the test. */
function shared<S extends Served>(platform: Required<Platform<S>>) {
  let ready: S | undefined
  return {
    ...platform,
    async start() {
      ready = await platform.start()
      // Both close it.
      const close = ready.close.bind(ready)
      let closed: Promise<void> | undefined
      ready.close = () => (closed ??= close())
      return ready
    },
    async startPlayed(): Promise<Played<S>> {
      const server = ready ?? (await platform.start())
      ready = undefined
      return { server, connection: platform.connection(server), input: platform.input }
    },
  }
}
