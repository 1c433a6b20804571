import { describe, expect, test } from '@jest/globals'
import type { Served } from '../../infra/sandbox/platforms/loopback-server.ts'
import type { Message, MessageProvider, PostedMessage } from '../../shared/providers/message.ts'
import { postOnce } from '../../shared/providers/push-update.ts'
import { type ClientOptions, clientOf, failureOf, keyOf } from '../functions/helpers.ts'
import { decided, evaluation, hostile, question } from '../functions/notification/messages.ts'
import { type CommonOptions, commonTests } from './common.ts'

interface MessageOptions<S extends Served> extends CommonOptions<S> {
  start(): Promise<S>
  connection(server: S): Record<string, unknown>
  channel?: string
  /** Returns the number of messages that a reader of the platform sees. */
  visible(server: S): number
  /** A retry after a lost response posts again, because the platform has no search and does not deduplicate. */
  repeats?: true
  /** Channels that the provider accepts and refuses before it sends anything, and the words of the refusal. */
  channels?: { accepted: string[]; refused: string[]; words: string }
  /** Fails if a message mentions people, or lacks its links or buttons. */
  verify?(server: S, message: Message): void
}

/**
 * Registers the tests that every message provider must pass: those of `commonTests`, any text can be posted, and a retry shows
 * no second message.
 *
 * @example messageConformance(ntfy, { start: startNtfy, connection: ({ url, token }) => ({ baseUrl: url, token }), .. })
 */
export function messageConformance<S extends Served>(
  provider: MessageProvider,
  { start, connection, channel, visible, repeats, channels, verify = () => undefined, ...options }: MessageOptions<S>,
): void {
  describe(`${provider.title}: message conformance`, () => {
    interface Posting {
      server: S
      connection: Record<string, unknown>
    }
    const clientAt = ({ connection }: Posting, options?: ClientOptions) =>
      clientOf(provider, provider.connection.parse(connection), options)
    const postAt = (at: Posting, message: Message, options?: ClientOptions) =>
      provider.post(clientAt(at, options), channel, message)
    /** Posts a message and returns it as a task stores it. */
    const posted = async (at: Posting): Promise<PostedMessage> => JSON.parse(JSON.stringify(await postAt(at, question)))
    const { find, reply, replace } = provider

    const at = commonTests<Posting>(provider, {
      ...options,
      async start() {
        const server = await start()
        return { server, connection: connection(server) }
      },
      operations: {
        post: (at) => (options) => postAt(at, evaluation, options),
        ...(reply
          ? {
              async reply(at) {
                const message = await posted(at)
                return (options) => reply(clientAt(at, options), message, { ...evaluation, title: 'Still open' })
              },
            }
          : {}),
        ...(replace
          ? {
              async replace(at) {
                const message = await posted(at)
                return (options) => replace(clientAt(at, options), message, decided)
              },
            }
          : {}),
        ...(find ? { find: (at) => (options) => find(clientAt(at, { isRetry: true, ...options }), channel) } : {}),
      },
      reads: ['find'],
    })
    const post = (message: Message, options?: ClientOptions) => postAt(at(), message, options)
    const count = () => visible(at().server)

    test.each(hostile.map((text) => [text.slice(0, 40), text]))('posts %j once, as text', async (_short, text) => {
      const table = { columns: [text], rows: [{ mood: 'good' as const, cells: [text, text] }] }
      const message = { ...question, title: text, text, fields: [{ name: text, value: text }], table }
      await post(message)
      expect(count()).toBe(1)
      verify(at().server, message)
    })

    test('posts any message and its update', async () => {
      // Loaded when used: the other suites do not need fast-check.
      const { default: fc } = await import('fast-check')
      const { anyMessage } = await import('../functions/notification/any-message.ts')
      await fc.assert(
        fc.asyncProperty(anyMessage, async (message) => {
          const sent = await post(message, { key: undefined })
          verify(at().server, message)
          if (!replace) return
          await replace(clientAt(at()), JSON.parse(JSON.stringify(sent)), message)
          verify(at().server, message)
        }),
        { numRuns: 100 },
      )
    })

    test(`a retry after a lost response ${repeats ? 'posts again' : 'shows one message'}, and another event posts another`, async () => {
      at().server.loseNext(({ method }) => method !== 'GET')
      expect(await failureOf(post(evaluation))).toMatchObject({ transient: true, mayHaveWritten: true })
      await postOnce(provider, clientAt(at(), { isRetry: true }), channel, evaluation)
      expect(count()).toBe(repeats ? 2 : 1)
      await post(evaluation, { key: keyOf(2) })
      expect(count()).toBe(repeats ? 3 : 2)
    })

    test('posts each message without an idempotency key, and stores no marker', async () => {
      for (let call = 0; call < 2; call++) await post(evaluation, { key: undefined })
      expect(count()).toBe(2)
      for (const { text } of at().server.calls) expect(text).not.toMatch(/undefined|cloud_automation_webhooks/)
    })

    if (channels) {
      const check = (channel: string) => () =>
        provider.checkMessage?.({ channel, needsApproval: false }, provider.connection.parse(at().connection))
      test.each(channels.accepted)('accepts the channel %s', (channel) => expect(check(channel)).not.toThrow())
      test.each(channels.refused)('refuses the channel %j', (channel) => expect(check(channel)).toThrow(channels.words))
    }
  })
}
