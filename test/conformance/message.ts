import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Served } from '../../infra/platforms/loopback-server.ts'
import { secretsIn } from '../../shared/fields.ts'
import type { Message, MessageProvider } from '../../shared/providers/message.ts'
import { clientOf, failureOf } from '../functions/helpers.ts'
import { credentialsIn, INVALID_CREDENTIAL } from './credentials.ts'

interface MessageOptions<S extends Served> {
  start(): Promise<S>
  connection(server: S): Record<string, unknown>
  channel?: string
  /** Defaults to true. */
  hasToken?: boolean
  /** Returns the body of a 400 response that gives a reason, as the platform sends it. */
  refusal?: (reason: string) => object | string
}

type Options = Parameters<typeof clientOf>[2]

const message: Message = { mood: 'good', title: 'Deployed checkout', fields: [], links: [] }

/**
 * Registers the tests that every message provider must pass: credentials stay secret, and temporary failures can be retried.
 *
 * @example messageConformance(ntfy, { start: startNtfy, connection: ({ url, token }) => ({ baseUrl: url, token }) })
 */
export function messageConformance<S extends Served>(
  provider: MessageProvider,
  { start, connection, channel, hasToken = true, refusal = (reason) => ({ message: reason }) }: MessageOptions<S>,
): void {
  describe(`${provider.title}: message conformance`, () => {
    let server: S
    beforeEach(async () => {
      server = await start()
    })
    afterEach(() => server.close())

    const values = (more: object = {}) => provider.connection.parse({ ...connection(server), ...more })
    const post = (options?: Options) => provider.post(clientOf(provider, values(), options), channel, message)

    test('declares its credentials as secrets', () => {
      const credentials = credentialsIn(connection(server)).map(({ value }) => value)
      expect(secretsIn(provider.connection, values())).toEqual(expect.arrayContaining(credentials))
    })

    if (hasToken) {
      test('the connection test reports an invalid token without showing it', async () => {
        const client = clientOf(provider, values({ token: INVALID_CREDENTIAL }))
        const failure = await failureOf(Promise.resolve(provider.check(client)))
        expect(failure.kind).toBe('credentials')
        expect(failure.message).not.toContain(INVALID_CREDENTIAL)
      })
    }

    test('a post can be retried after a 5xx response', async () => {
      server.failNext(503, '<html><title>503 Service Unavailable</title></html>', { times: 5 })
      expect(await failureOf(post())).toMatchObject({ kind: 'platform', transient: true })
    })

    test('a post can be retried after a broken connection', async () => {
      server.down()
      expect(await failureOf(post())).toMatchObject({ kind: 'platform', transient: true })
    })

    test('a post fails at the deadline if the platform does not respond', async () => {
      server.hang()
      expect(await failureOf(post({ deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
    })

    test('a post reports how long to wait after a 429 response', async () => {
      server.failNext(429, refusal('Slow down'), { headers: { 'retry-after': '7' } })
      expect(await failureOf(post())).toMatchObject({ kind: 'platform', transient: true, retryAfter: 7 })
    })

    test('masks credentials in the message of a refusal', async () => {
      for (const { value } of credentialsIn(connection(server))) {
        server.failNext(400, refusal(`no ${value}`))
        const failure = await failureOf(post())
        expect(failure.message).toContain('no ***')
        expect(failure.message).not.toContain(value)
      }
    })
  })
}
