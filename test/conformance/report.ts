import { describe, expect, test } from '@jest/globals'
import type { Served } from '../../infra/sandbox/platforms/loopback-server.ts'
import type { ReportDestination, ReportProvider } from '../../shared/providers/report.ts'
import { type ClientOptions, failureOf, keyOf } from '../functions/helpers.ts'
import { evaluated, type ReportOptions, report } from '../functions/slo/drive.ts'
import { type CommonOptions, commonTests, isWrite, requestOf } from './common.ts'

interface ReportPlatform {
  server: Served
  connection: Record<string, unknown>
  /** The input of a report that the platform accepts. */
  input?: object
  /** Returns how many reports a reader of the platform sees. Absent if a retry may add another one. */
  visible?: () => number
  /** Returns what the platform shows for the result of the last report, for `results`. */
  result?: () => unknown
}

interface Options<P extends ReportPlatform> extends CommonOptions<P['server']> {
  start: () => Promise<P>
  /** The inputs that the platform supports. Every other one must be refused. */
  inputs?: readonly (keyof ReportDestination)[]
  /** By result and status: the value that the platform shows. */
  results?: readonly (readonly [result: string, status: string, shown: unknown])[]
  /** A report replaces the previous one of the same service. */
  replaces?: true
  /** Inputs that are refused before anything is sent, and the words of the refusal. Undefined removes a field. */
  refused?: readonly (readonly [input: object, words: string])[]
}

const destinationFields: readonly (keyof ReportDestination)[] = ['channel', 'id', 'project', 'ref', 'fields']

/**
 * Registers the tests that every report provider must pass: those of `commonTests`, inputs that the platform does not support
 * are refused, each result is shown, and a retry adds no second report.
 *
 * @example reportConformance(githubStatus, { start: async () => ({ server, connection, input: { project, ref } }) })
 */
export function reportConformance<P extends ReportPlatform>(
  provider: ReportProvider,
  { start, inputs = [], results = [], replaces, refused = [], ...common }: Options<P>,
): void {
  describe(`${provider.title}: report conformance`, () => {
    const pushAt = (at: ReportPlatform, more: ReportOptions = {}, input: object = {}) =>
      report(provider, at.connection, { ...at.input, ...input }, more)
    const at = commonTests<P>(provider, {
      ...common,
      start,
      operations: { report: (at) => (more?: ClientOptions) => pushAt(at, more) },
    })
    const push = (more?: ReportOptions, input?: object) => pushAt(at(), more, input)

    test('reports an evaluation', async () => {
      expect(await push()).toMatchObject({
        status: 'succeeded',
        result: 'pass',
        message: expect.stringContaining(`to ${provider.title}: `),
      })
    })

    const unsupported = destinationFields.filter((field) => !inputs.includes(field))
    test.each([
      ...unsupported.map((field) => [{ [field]: field === 'fields' ? { a: 'x' } : 'x' }, `input.${field} is`] as const),
      ...refused,
    ])('refuses %j before it sends anything', async (input, words) => {
      const failure = await failureOf(push({}, input))
      expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining(words) })
      expect(at().server.calls).toEqual([])
    })

    test('a retry after a lost response adds no second report, and another event adds another', async () => {
      at().server.loseNext(isWrite)
      expect(await failureOf(push())).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
      expect(await push({ isRetry: true })).toMatchObject({ status: 'succeeded', result: 'pass' })
      const { visible } = at()
      if (!visible) return
      expect(visible()).toBe(1)
      await push({ key: keyOf(2) })
      expect(visible()).toBe(replaces ? 1 : 2)
    })

    test('a retry creates the report if the first attempt did not, next to those of other calls', async () => {
      await push({ key: keyOf(2) })
      expect(await push({ isRetry: true })).toMatchObject({ status: 'succeeded', result: 'pass' })
      const { visible } = at()
      if (visible) expect(visible()).toBe(replaces ? 1 : 2)
    })

    test('needs no idempotency key, and neither stores a marker nor searches for one without it', async () => {
      await push({ key: undefined })
      const { calls } = at().server
      const sent = calls.splice(0).map(requestOf)
      await push({ key: undefined, isRetry: true })
      expect(calls.map(requestOf)).toEqual(sent)
      for (const { query, text } of calls) expect(`${query} ${text}`).not.toMatch(/undefined/)
    })

    if (results.length > 0) {
      test.each(results)('shows the result %s with the status %s as %j', async (result, status, shown) => {
        await push({ data: { result, status, evaluation: { ...evaluated, result } } })
        expect(at().result?.()).toEqual(shown)
      })
    }
  })
}
