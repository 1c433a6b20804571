import { describe, expect, test } from '@jest/globals'
import type { Call, Served } from '../../infra/testing/loopback-server.ts'
import type { Message, MessageProvider, PostedMessage } from '../../shared/providers/message.ts'
import { onceOf } from '../../shared/providers/once.ts'
import { postOnce } from '../../shared/providers/push-update.ts'
import { type ClientOptions, clientOf, failureOf, keyOf } from '../functions/helpers.ts'
import { decided, evaluation, hostile, question } from '../functions/notification/messages.ts'
import type { CommonOptions, CommonSuite } from './common/options.ts'
import { commonTests } from './common.ts'
import { testEach } from './test-each.ts'

export interface MessageOptions<S extends Served> extends CommonOptions<S> {
  start(): Promise<S>
  connection(server: S): Record<string, unknown>
  channel?: string
  /** Returns the number of messages that a reader of the platform sees. */
  visible(server: S): number
  /** The platform of the test lacks what `needs` of the provider's statement names. */
  lacksNeeds?: true
  /** Channels that the provider accepts and refuses before it sends anything, and a part of the message of the refusal. */
  channels?: { accepted: string[]; refused: string[]; message: string }
  /** Fails if a message mentions people, or lacks its links or buttons. */
  verify?(server: S, message: Message): void
}

interface Posting<S> {
  server: S
  connection: Record<string, unknown>
}

/** Posts messages to the platform of the current test. */
interface Posts<S> {
  provider: MessageProvider
  channel: string | undefined
  platform(): Posting<S>
  client(options?: ClientOptions): ReturnType<typeof clientOf>
  post(message: Message, options?: ClientOptions): Promise<PostedMessage>
  /** Returns the number of messages that a reader sees. */
  count(): number
}

/**
 * Registers the tests that every message provider must pass: those of `commonTests`, any text can be posted, and a retry shows
 * no second message.
 *
 * @example
 * import { messageConformance } from 'cloud-automation-webhooks/testing'
 * import { acme } from './provider.ts'
 * import { startAcme } from './fake.ts'
 *
 * messageConformance(acme, {
 *   start: startAcme,
 *   connection: ({ url, token }) => ({ baseUrl: url, token }),
 *   channel: 'releases',
 *   visible: ({ messages }) => messages.length,
 * })
 */
export function messageConformance<S extends Served>(provider: MessageProvider, options: MessageOptions<S>): void {
  const { start, connection, channel, visible } = options

  describe(`${provider.title}: message conformance`, () => {
    const clientAt = ({ connection }: Posting<S>, options?: ClientOptions) =>
      clientOf(provider, provider.connection.parse(connection), options)
    const platform = commonTests<Posting<S>>(provider, {
      ...options,
      async start() {
        const server = await start()
        return { server, connection: connection(server) }
      },
      operations: operationsOf(provider, channel, clientAt),
      reads: ['find'],
    })
    const client = (options?: ClientOptions) => clientAt(platform(), options)
    const posts: Posts<S> = {
      provider,
      channel,
      platform,
      client,
      post: (message, options) => provider.post(client(options), channel, message),
      count: () => visible(platform().server),
    }
    contentTests(posts, options)
    repeatTests(posts, options)
    channelTests(posts, options)
  })
}

/** The operations whose requests `commonTests` lets fail. */
function operationsOf<S extends Served>(
  provider: MessageProvider,
  channel: string | undefined,
  clientAt: (posting: Posting<S>, options?: ClientOptions) => ReturnType<typeof clientOf>,
): CommonSuite<Posting<S>>['operations'] {
  const { find, reply, replace } = provider
  /** Posts a message and returns it as a task stores it. */
  const posted = async (platform: Posting<S>): Promise<PostedMessage> =>
    JSON.parse(JSON.stringify(await provider.post(clientAt(platform), channel, question)))
  const reminder: Message = { ...evaluation, title: 'Still open' }
  return {
    post: (platform) => (options) => provider.post(clientAt(platform, options), channel, evaluation),
    ...(reply && {
      async reply(platform: Posting<S>) {
        const message = await posted(platform)
        return (options?: ClientOptions) => reply(clientAt(platform, options), message, reminder)
      },
    }),
    ...(replace && {
      async replace(platform: Posting<S>) {
        const message = await posted(platform)
        return (options?: ClientOptions) => replace(clientAt(platform, options), message, decided)
      },
    }),
    ...(find && {
      find: (platform: Posting<S>) => (options?: ClientOptions) =>
        find(clientAt(platform, { isRetry: true, ...options }), channel),
    }),
  }
}

function contentTests<S extends Served>(
  { provider, platform, client, post, count }: Posts<S>,
  { verify = () => undefined }: MessageOptions<S>,
): void {
  testEach(
    hostile,
    (text) => `posts ${JSON.stringify(text.slice(0, 40))} once, as text`,
    async (text) => {
      const table = { columns: [text], rows: [{ mood: 'good' as const, cells: [text, text] }] }
      const message = { ...question, title: text, text, fields: [{ name: text, value: text }], table }
      await post(message)
      expect(count()).toBe(1)
      verify(platform().server, message)
    },
  )

  test('posts any message and its update', async () => {
    // Loaded when used: the other suites do not need fast-check.
    const { default: fc } = await import('fast-check')
    const { anyMessage } = await import('../functions/notification/any-message.ts')
    await fc.assert(
      fc.asyncProperty(anyMessage, async (message) => {
        const sent = await post(message, { key: undefined })
        verify(platform().server, message)
        if (!provider.replace) return
        await provider.replace(client(), JSON.parse(JSON.stringify(sent)), message)
        verify(platform().server, message)
      }),
      { numRuns: 30 },
    )
  })
}

/** Newer messages of other calls, if the search has no limit: with the message, one page of most lists. */
const OTHERS = 99

function repeatTests<S extends Served>(
  { provider, channel, platform, client, post, count }: Posts<S>,
  { lacksNeeds }: MessageOptions<S>,
): void {
  const { by, newest, needs, keyLasts } = onceOf(provider, 'message')
  if (lacksNeeds && !needs) throw new Error(`${provider.title} states no needs.`)
  const repeats = by === 'nothing' || lacksNeeds
  test(`a retry after a lost response ${repeats ? 'posts again' : 'shows one message'}, and another event posts another`, async () => {
    platform().server.loseNext(({ method }) => method !== 'GET')
    expect(await failureOf(post(evaluation))).toMatchObject({ transient: true, mayHaveWritten: true })
    const isPost = ({ method }: Call) => method !== 'GET'
    const before = platform().server.calls.filter(isPost).length
    await postOnce(provider, client({ isRetry: true }), channel, evaluation)
    expect(count()).toBe(repeats ? 2 : 1)
    expect(platform().server.calls.filter(isPost).length > before).toBe(by !== 'look-up')
    await post(evaluation, { key: keyOf(2) })
    expect(count()).toBe(repeats ? 3 : 2)
  })

  if (by === 'look-up') {
    const limit = typeof newest === 'number' ? newest : undefined
    const others = limit === undefined ? OTHERS : limit - 1
    const end = limit === undefined ? '' : `, and ${keyLasts ? 'needs its key' : 'posts again'} behind one more`

    test(`a retry after a lost response shows one message behind ${others} others${end}`, async () => {
      const retry = () => postOnce(provider, client({ isRetry: true }), channel, evaluation)
      platform().server.loseNext(({ method }) => method !== 'GET')
      await failureOf(post(evaluation))
      for (let other = 0; other < others; other++) await post(evaluation, { key: keyOf(other + 2) })
      await retry()
      expect(count()).toBe(others + 1)
      if (limit === undefined) return
      await post(evaluation, { key: keyOf(others + 2) })
      await retry()
      expect(count()).toBe(others + (keyLasts ? 2 : 3))
    })
  }

  test('posts each message without an idempotency key, and stores no marker', async () => {
    for (let call = 0; call < 2; call++) await post(evaluation, { key: undefined })
    expect(count()).toBe(2)
    for (const { text } of platform().server.calls) expect(text).not.toMatch(/undefined|cloud_automation_webhooks/)
  })
}

function channelTests<S extends Served>({ provider, platform }: Posts<S>, { channels }: MessageOptions<S>): void {
  const check = (channel: string) => () =>
    provider.checkMessage?.({ channel, needsApproval: false }, provider.connection.parse(platform().connection))
  testEach(
    channels?.accepted ?? [],
    (channel) => `accepts the channel ${channel}`,
    (channel) => expect(check(channel)).not.toThrow(),
  )
  testEach(
    channels?.refused ?? [],
    (channel) => `refuses the channel ${JSON.stringify(channel)}`,
    (channel) => expect(check(channel)).toThrow(channels?.message),
  )
}
