import { describe, expect, test } from '@jest/globals'
import type { Served } from '../../infra/sandbox/platforms/loopback-server.ts'
import type { EvaluationProvider } from '../../shared/providers/evaluation/provider.ts'
import { registerSecret } from '../../shared/redact.ts'
import { type ClientOptions, failureOf } from '../functions/helpers.ts'
import { type EvaluateOptions, evaluate } from '../functions/slo/drive.ts'
import { type CommonOptions, commonTests } from './common.ts'

interface EvaluationPlatform {
  server: Served
  connection: Record<string, unknown>
  /** The input of an evaluation that succeeds. */
  input: object
}

interface EvaluationOptions<P extends EvaluationPlatform> extends CommonOptions<P['server']> {
  start: () => Promise<P>
  /** How the platform is called, such as by an interactive call. */
  call?: EvaluateOptions
  /** The evaluation starts something at the platform instead of reading values. */
  writes?: true
  /** By the state of the platform: the result that it must lead to, with the value of the objective. */
  verdicts?: Record<string, [arrange: (at: P) => unknown, result: string, value?: number]>
  /** By the reason: a state in which the platform has no complete data, and the words that describe it. */
  gaps?: Record<string, [arrange: (at: P) => unknown, words: string]>
  /** Makes the platform return a text as the reason for missing data. */
  reason?: (at: P, text: string) => unknown
  /** SLOs that are refused, the words of the refusal, which names the query, and a change of the platform. */
  unknown?: Record<string, [slo: string, words: string, change?: (at: P) => unknown]>
}

const secret = 'cut-in-the-middle-0123456789'

/**
 * Registers the tests that every evaluation provider must pass: those of `commonTests`, each verdict is returned, and missing data
 * never passes.
 *
 * @example evaluationConformance(datadog, { start: async () => ({ server, connection, input: { slo: 'Checkout' } }) })
 */
export function evaluationConformance<P extends EvaluationPlatform>(
  provider: EvaluationProvider,
  { start, call, writes, verdicts = {}, gaps = {}, unknown = {}, reason, ...common }: EvaluationOptions<P>,
): void {
  describe(`${provider.title}: evaluation conformance`, () => {
    const runAt = (at: P, more: EvaluateOptions = {}, input: object = {}, connection: object = {}) =>
      evaluate(provider, { ...at.connection, ...connection }, { ...at.input, ...input }, { ...call, ...more })
    const at = commonTests<P>(provider, {
      ...common,
      start,
      operations: { evaluation: (at) => (more?: ClientOptions) => runAt(at, more) },
      reads: writes ? [] : ['evaluation'],
    })

    test('evaluates the requested objectives', async () => {
      expect(await runAt(at())).toMatchObject({ status: 'succeeded', data: { score: expect.any(Number) } })
    })

    if (Object.keys(verdicts).length > 0) {
      test.each(Object.entries(verdicts))('%s has the matching result', async (_state, [arrange, result, value]) => {
        await arrange(at())
        const outcome = await runAt(at())
        expect(outcome).toMatchObject({ status: 'succeeded', result, data: { result } })
        if (value === undefined) return
        const indicator = { status: result, value: { value, success: true } }
        expect(outcome.data['indicatorResults']).toMatchObject([indicator])
      })
    }

    // Without an SLO, the platform has no verdict. One that writes evaluates itself.
    if ('slo' in provider.connection.shape && !writes) {
      test('compares the value with the thresholds of the caller instead of the verdict', async () => {
        const { slo = at().connection['slo'] } = at().input as { slo?: string }
        const thresholds = [{ metric: 'the value', op: '>=', value: 1e9 }]
        const outcome = await runAt(at(), {}, { slo: undefined, queries: { 'the value': slo }, thresholds })
        const message = expect.stringMatching(/the value is [\d.]+, not >=1000000000/)
        expect(outcome).toMatchObject({ status: 'succeeded', result: 'fail', message })
      })

      test('evaluates several objectives in their order', async () => {
        const { slo = at().connection['slo'] } = at().input as { slo?: string }
        const names = Array.from({ length: 12 }, (_, number) => `objective ${number}`)
        const queries = Object.fromEntries(names.map((name) => [name, slo]))
        const { data } = await runAt(at(), {}, { slo: undefined, queries })
        expect(data['indicatorResults']).toMatchObject(names.map((displayName) => ({ displayName, score: 1 })))
      })
    }

    if (Object.keys(gaps).length > 0) {
      test.each(Object.entries(gaps))(
        'does not pass with %s, and is a warning if the connection allows it',
        async (_reason, [arrange, words]) => {
          await arrange(at())
          const errored = await runAt(at())
          expect(errored).toMatchObject({ status: 'errored', result: 'fail', message: expect.stringContaining(words) })
          await arrange(at())
          const warned = await runAt(at(), {}, {}, { noData: 'warning' })
          expect(warned).toMatchObject({ status: 'succeeded', result: 'warning' })
        },
      )
    }

    if (reason) {
      test('shows no part of a secret if the reason is clipped', async () => {
        registerSecret(secret)
        await reason(at(), `${'x'.repeat(285)} ${secret}`)
        const { message } = await runAt(at())
        expect(message).toContain('xxx')
        expect(message).not.toContain(secret.slice(0, 6))
      })
    }

    if (Object.keys(unknown).length > 0) {
      test.each(Object.entries(unknown))('is refused for %s', async (_what, [slo, words, change]) => {
        await change?.(at())
        const failure = await failureOf(runAt(at(), { interactive: false }, { slo }))
        expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining(words) })
        expect(failure.message).toContain(`The query of ${slo}: `)
        const paths = at().server.calls.map(({ encodedPath }) => encodedPath)
        for (const path of paths) expect(path).not.toMatch(/\.\.|%2e|\/\//i)
      })
    }
  })
}
