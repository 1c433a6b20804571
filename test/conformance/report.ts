import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Served } from '../../infra/platforms/loopback-server.ts'
import { secretsIn } from '../../shared/fields.ts'
import type { ReportDestination, ReportProvider } from '../../shared/providers/report.ts'
import { clientOf, failureOf } from '../functions/helpers.ts'
import { type ReportOptions, report } from '../functions/slo/drive.ts'
import { credentialsIn, INVALID_CREDENTIAL } from './credentials.ts'

interface ReportPlatform {
  server: Served
  connection: Record<string, unknown>
  /** The input of a report that the platform accepts. */
  input?: object
  /** Returns how many reports a reader of the platform sees. Absent if a retry may add another one. */
  visible?: () => number
}

interface Options extends ReportOptions {
  start: () => Promise<ReportPlatform>
  /** The inputs that the platform supports. Every other one must be refused. */
  inputs?: readonly (keyof ReportDestination)[]
  /** Returns the body of a 400 response that gives a reason, as the platform sends it. */
  refusal?: (reason: string) => object
}

const destinationFields: readonly (keyof ReportDestination)[] = ['channel', 'id', 'project', 'ref', 'fields']

/**
 * Registers the tests that every report provider must pass: credentials stay secret, inputs that the platform does not support
 * are refused, a retry adds no second report, and temporary failures can be retried.
 *
 * @example reportConformance(githubStatus, { start: async () => ({ server, connection, input: { project, ref } }) })
 */
export function reportConformance(
  provider: ReportProvider,
  { start, inputs = [], refusal = (reason) => ({ message: reason }), ...options }: Options,
): void {
  describe(`${provider.title}: report conformance`, () => {
    let platform: ReportPlatform
    beforeEach(async () => {
      platform = await start()
    })
    afterEach(() => platform.server.close())

    const valuesOf = (connection: object) => provider.connection.parse(connection)
    const push = (more: ReportOptions = {}, input: object = {}) =>
      report(provider, platform.connection, { ...platform.input, ...input }, { ...options, ...more })

    test('reports an evaluation', async () => {
      expect(await push()).toMatchObject({
        status: 'succeeded',
        result: 'pass',
        message: expect.stringContaining(`to ${provider.title}: `),
      })
    })

    test('declares its credentials as secrets', () => {
      const credentials = credentialsIn(platform.connection).map(({ value }) => value)
      expect(secretsIn(provider.connection, valuesOf(platform.connection)).sort()).toEqual(credentials.sort())
    })

    test('the connection test accepts valid credentials and writes nothing', async () => {
      await provider.check(clientOf(provider, valuesOf(platform.connection)))
      expect(platform.server.calls.length).toBeGreaterThan(0)
      expect(platform.visible?.() ?? 0).toBe(0)
    })

    test('reports invalid credentials without showing them', async () => {
      for (const { name } of credentialsIn(platform.connection)) {
        platform.connection[name] = INVALID_CREDENTIAL
        const failure = await failureOf(push())
        expect(failure.kind).toBe('credentials')
        expect(failure.message).not.toContain(INVALID_CREDENTIAL)
      }
    })

    const unsupported = destinationFields.filter((field) => !inputs.includes(field))
    test.each(unsupported)('refuses input.%s before it sends anything', async (field: string) => {
      const failure = await failureOf(push({}, { [field]: field === 'fields' ? { a: 'x' } : 'x' }))
      expect(failure).toMatchObject({ kind: 'invalid', errors: [{ path: `input.${field}` }] })
      expect(platform.server.calls).toEqual([])
    })

    test('a retry after a lost response adds no second report', async () => {
      platform.server.loseNext('POST')
      expect(await failureOf(push())).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
      expect(await push({ isRetry: true })).toMatchObject({ status: 'succeeded', result: 'pass' })
      if (platform.visible) expect(platform.visible()).toBe(1)
    })

    test('shows the reason of a refusal, with masked credentials', async () => {
      const secrets = credentialsIn(platform.connection).map(({ value }) => value)
      platform.server.failNext(400, refusal(`no ${['such thing', ...secrets].join(' ')}`))
      const { kind, message } = await failureOf(push())
      expect(kind).toBe('refused')
      expect(message).toContain(`no ${['such thing', ...secrets.map(() => '***')].join(' ')}`)
    })

    test.each([
      ['a 500 response', () => platform.server.failNext(500, '<html><title>Error</title></html>')],
      ['a 503 response', () => platform.server.failNext(503, '<html><title>Unavailable</title></html>')],
      ['a broken connection', () => platform.server.down()],
      ['a 200 response from something else', () => platform.server.failNext(200, '<html>Log in</html>')],
    ])('can be retried after %s', async (_what, fail) => {
      fail()
      expect(await failureOf(push())).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
    })

    test('reports how long to wait after a 429 response', async () => {
      platform.server.failNext(429, refusal('Slow down'), { headers: { 'retry-after': '7' } })
      expect(await failureOf(push())).toMatchObject({ kind: 'platform', transient: true, retryAfter: 7 })
    })

    test('fails at the deadline if the platform does not respond', async () => {
      platform.server.hang()
      expect(await failureOf(push({ deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
    })
  })
}
