import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Served } from '../../infra/platforms/loopback-server.ts'
import { secretsIn } from '../../shared/fields.ts'
import type { EvaluationProvider } from '../../shared/providers/evaluation/provider.ts'
import { clientOf, failureOf } from '../functions/helpers.ts'
import { type EvaluateOptions, evaluate } from '../functions/slo/drive.ts'
import { credentialsIn, INVALID_CREDENTIAL } from './credentials.ts'

interface EvaluationPlatform {
  server: Served
  connection: Record<string, unknown>
  /** The input of an evaluation that succeeds. */
  input: object
}

interface EvaluationOptions extends EvaluateOptions {
  start: () => Promise<EvaluationPlatform>
  /** Returns the body of a 400 response that gives a reason, as the platform sends it. */
  refusal?: (reason: string) => object
}

/**
 * Registers the tests that every evaluation provider must pass: credentials stay secret, the reason of a refusal reaches the
 * caller, and temporary failures can be retried and never count as a verdict.
 *
 * @example evaluationConformance(datadog, { start: async () => ({ server, connection, input: { slo: 'Checkout' } }) })
 */
export function evaluationConformance(
  provider: EvaluationProvider,
  { start, refusal = (reason) => ({ message: reason }), ...options }: EvaluationOptions,
): void {
  describe(`${provider.title}: evaluation conformance`, () => {
    let platform: EvaluationPlatform
    beforeEach(async () => {
      platform = await start()
    })
    afterEach(() => platform.server.close())

    const valuesOf = (connection: object) => provider.connection.parse(connection)
    const run = (more: EvaluateOptions = {}) =>
      evaluate(provider, platform.connection, platform.input, { ...options, ...more })

    test('evaluates the requested objectives', async () => {
      expect(await run()).toMatchObject({ status: 'succeeded', data: { score: expect.any(Number) } })
    })

    test('declares its credentials as secrets', () => {
      const credentials = credentialsIn(platform.connection).map(({ value }) => value)
      expect(secretsIn(provider.connection, valuesOf(platform.connection)).sort()).toEqual(credentials.sort())
    })

    test('the connection test accepts valid credentials', async () => {
      await provider.check(clientOf(provider, valuesOf(platform.connection)))
      expect(platform.server.calls.length).toBeGreaterThan(0)
    })

    test('the connection test reports invalid credentials without showing them', async () => {
      for (const { name } of credentialsIn(platform.connection)) {
        const values = valuesOf({ ...platform.connection, [name]: INVALID_CREDENTIAL })
        const failure = await failureOf(Promise.resolve(provider.check(clientOf(provider, values))))
        expect(failure.kind).toBe('credentials')
        expect(failure.message).not.toContain(INVALID_CREDENTIAL)
      }
    })

    test('shows the reason of a refusal, with masked credentials', async () => {
      const secrets = credentialsIn(platform.connection).map(({ value }) => value)
      platform.server.failNext(400, refusal(`no ${['such thing', ...secrets].join(' ')}`), { times: 5 })
      const { kind, message } = await failureOf(run())
      expect(kind).toBe('refused')
      expect(message).toContain(`no ${['such thing', ...secrets.map(() => '***')].join(' ')}`)
    })

    test.each([
      ['a 500 response', () => platform.server.failNext(500, '<html><title>Error</title></html>', { times: 5 })],
      ['a 503 response', () => platform.server.failNext(503, '<html><title>Unavailable</title></html>', { times: 5 })],
      ['a broken connection', () => platform.server.down()],
      ['a 200 response from something else', () => platform.server.failNext(200, '<html>Log in</html>', { times: 5 })],
      ['a 200 response of another type', () => platform.server.failNext(200, '"welcome"', { times: 5 })],
    ])('can be retried after %s', async (_what, fail) => {
      fail()
      expect(await failureOf(run())).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
    })

    test('reports how long to wait after a 429 response', async () => {
      const headers = { 'retry-after': '7', 'x-amzn-errortype': 'ThrottlingException' }
      platform.server.failNext(429, refusal('Slow down'), { headers })
      expect(await failureOf(run())).toMatchObject({ kind: 'platform', transient: true, retryAfter: 7 })
    })

    test('fails at the deadline if the platform does not respond', async () => {
      platform.server.hang()
      expect(await failureOf(run({ deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
    })
  })
}
