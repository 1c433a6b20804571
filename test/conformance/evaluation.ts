import { describe, expect, test } from '@jest/globals'
import type { Served } from '../../infra/testing/loopback-server.ts'
import type { EvaluationProvider } from '../../shared/providers/evaluation/provider.ts'
import { onceOf } from '../../shared/providers/once.ts'
import { registerSecret } from '../../shared/redact.ts'
import { type ClientOptions, failureOf } from '../functions/helpers.ts'
import { type EvaluateOptions, evaluate } from '../functions/slo/drive.ts'
import type { CommonOptions } from './common/options.ts'
import { commonTests } from './common.ts'
import { testEach } from './test-each.ts'

interface EvaluationPlatform {
  server: Served
  connection: Record<string, unknown>
  /** The input of an evaluation that succeeds. */
  input: object
}

type Arrange<P> = (platform: P) => unknown

interface EvaluationOptions<P extends EvaluationPlatform> extends CommonOptions<P['server']> {
  start: () => Promise<P>
  /** How the platform is called, such as by an interactive call. */
  call?: EvaluateOptions
  /** By the state of the platform: the result that it must lead to, with the value of the objective. */
  verdicts?: Record<string, { arrange: Arrange<P>; result: string; value?: number }>
  /** By the reason: a state in which the platform has no complete data, and a part of the message about it. */
  gaps?: Record<string, { arrange: Arrange<P>; message: string }>
  /** Makes the platform return a text as the reason for missing data. */
  reason?: (platform: P, text: string) => unknown
  /** SLOs that are refused, and a part of the refusal, which names the query. */
  unknown?: Record<string, { slo: string; message: string; change?: Arrange<P> }>
}

/** Evaluates at the platform of the current test. */
interface Evaluations<P extends EvaluationPlatform> {
  platform(): P
  run(options?: EvaluateOptions, input?: object, connection?: object): ReturnType<typeof evaluate>
}

const secret = 'cut-in-the-middle-0123456789'

/**
 * Registers the tests that every evaluation provider must pass: those of `commonTests`, each verdict is returned, and missing data
 * never passes.
 *
 * @example
 * import { evaluationConformance } from 'cloud-automation-webhooks/testing'
 * import { acme } from './provider.ts'
 * import { startAcme } from './fake.ts'
 *
 * evaluationConformance(acme, {
 *   async start() {
 *     const server = await startAcme()
 *     return {
 *       server,
 *       connection: { baseUrl: server.url, token: server.token },
 *       input: {
 *         start: '2026-11-24T10:00:00Z',
 *         end: '2026-11-24T10:05:00Z',
 *         queries: { p95: 'checkout-p95' },
 *         thresholds: [{ metric: 'p95', op: '<', value: 400 }],
 *       },
 *     }
 *   },
 *   verdicts: {
 *     'a value beyond its limit': {
 *       arrange: ({ server }) => Object.assign(server.values, { 'checkout-p95': 700 }),
 *       result: 'fail',
 *     },
 *   },
 * })
 */
export function evaluationConformance<P extends EvaluationPlatform>(
  provider: EvaluationProvider,
  options: EvaluationOptions<P>,
): void {
  const { call } = options
  const writes = onceOf(provider, 'evaluation').by !== 'reads'
  describe(`${provider.title}: evaluation conformance`, () => {
    const runAt = (platform: P, more: EvaluateOptions = {}, input: object = {}, connection: object = {}) =>
      evaluate(
        provider,
        { ...platform.connection, ...connection },
        { ...platform.input, ...input },
        { ...call, ...more },
      )
    const platform = commonTests<P>(provider, {
      ...options,
      operations: { evaluation: (platform) => (more?: ClientOptions) => runAt(platform, more) },
      reads: writes ? [] : ['evaluation'],
    })
    const evaluations: Evaluations<P> = { platform, run: (...more) => runAt(platform(), ...more) }
    verdictTests(evaluations, options)
    // Without an SLO, the platform has no verdict. One that writes evaluates itself.
    if ('slo' in provider.connection.shape && !writes) objectiveTests(evaluations)
    gapTests(evaluations, options)
    unknownTests(evaluations, options)
  })
}

function verdictTests<P extends EvaluationPlatform>(
  { platform, run }: Evaluations<P>,
  { verdicts = {} }: EvaluationOptions<P>,
): void {
  test('evaluates the requested objectives', async () => {
    expect(await run()).toMatchObject({ status: 'succeeded', data: { score: expect.any(Number) } })
  })

  testEach(
    Object.entries(verdicts),
    ([state]) => `${state} has the matching result`,
    async ([, { arrange, result, value }]) => {
      await arrange(platform())
      const outcome = await run()
      expect(outcome).toMatchObject({ status: 'succeeded', result, data: { result } })
      if (value === undefined) return
      const indicator = { status: result, value: { value, success: true } }
      expect(outcome.data['indicatorResults']).toMatchObject([indicator])
    },
  )
}

function objectiveTests<P extends EvaluationPlatform>({ platform, run }: Evaluations<P>): void {
  const sloOf = ({ connection, input }: P) => ('slo' in input ? input.slo : connection['slo'])

  test('compares the value with the thresholds of the caller instead of the verdict', async () => {
    const thresholds = [{ metric: 'the value', op: '>=', value: 1e9 }]
    const outcome = await run({}, { slo: undefined, queries: { 'the value': sloOf(platform()) }, thresholds })
    const message = expect.stringMatching(/the value is [\d.]+, not >=1000000000/)
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'fail', message })
  })

  test('evaluates several objectives in their order', async () => {
    const names = Array.from({ length: 12 }, (_, number) => `objective ${number}`)
    const queries = Object.fromEntries(names.map((name) => [name, sloOf(platform())]))
    const { data } = await run({}, { slo: undefined, queries })
    expect(data['indicatorResults']).toMatchObject(names.map((displayName) => ({ displayName, score: 1 })))
  })
}

function gapTests<P extends EvaluationPlatform>(
  { platform, run }: Evaluations<P>,
  { gaps = {}, reason }: EvaluationOptions<P>,
): void {
  testEach(
    Object.entries(gaps),
    ([name]) => `does not pass with ${name}, and is a warning if the connection allows it`,
    async ([, { arrange, message }]) => {
      await arrange(platform())
      const errored = await run()
      expect(errored).toMatchObject({ status: 'errored', result: 'fail', message: expect.stringContaining(message) })
      await arrange(platform())
      const warned = await run({}, {}, { noData: 'warning' })
      expect(warned).toMatchObject({ status: 'succeeded', result: 'warning' })
    },
  )

  if (!reason) return
  test('shows no part of a secret if the reason is clipped', async () => {
    registerSecret(secret)
    await reason(platform(), `${'x'.repeat(285)} ${secret}`)
    const { message } = await run()
    expect(message).toContain('xxx')
    expect(message).not.toContain(secret.slice(0, 6))
  })
}

function unknownTests<P extends EvaluationPlatform>(
  { platform, run }: Evaluations<P>,
  { unknown = {} }: EvaluationOptions<P>,
): void {
  testEach(
    Object.entries(unknown),
    ([name]) => `is refused for ${name}`,
    async ([, { slo, message, change }]) => {
      await change?.(platform())
      const failure = await failureOf(run({ interactive: false }, { slo }))
      expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining(message) })
      expect(failure.message).toContain(`The query of ${slo}: `)
      const paths = platform().server.calls.map(({ encodedPath }) => encodedPath)
      for (const path of paths) expect(path).not.toMatch(/\.\.|%2e|\/\//i)
    },
  )
}
