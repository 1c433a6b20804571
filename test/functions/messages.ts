import { describe, expect, test } from '@jest/globals'
import type * as z from 'zod/mini'
import type { Served } from '../../infra/testing/loopback-server.ts'
import type { Failure } from '../../shared/errors.ts'
import type { Message, MessageProvider, PostedMessage } from '../../shared/providers/message.ts'
import { messageConformance } from '../conformance/message.ts'
import { testEach } from '../conformance/test-each.ts'
import { type ClientOptions, clientOf, expectFailure, startEach } from './helpers.ts'
import { decided, evaluation, question } from './notification/messages.ts'

type Conformance<S extends Served> = Parameters<typeof messageConformance<S>>[1]

export interface MessageTests<S extends Served> extends Conformance<S> {
  /** Returns the newest message of the platform. */
  newest(server: S): unknown
  /** Returns the result of a post, or a part of it. */
  posted?(server: S): object
  /** How the platform shows an evaluation, an open approval, a decided one, and a reminder. */
  shows: { evaluation: object; question: object; decided?: object; reminder?: object }
  /** How the platform shows other messages. */
  posts?: ShownMessage[]
  /** Posts that the platform refuses. */
  refused?: {
    /** Names the mistake. */
    name: string
    /** Changes the platform before the post. */
    change?: (server: S) => unknown
    /** Another channel. */
    channel?: string
    /** A part of the reason. */
    reason: string
    /** Defaults to `refused`. */
    kind?: Failure['kind']
  }[]
  /** The field of the connection that approvals need, and a part of the message without it. */
  approvalsNeed?: { field: string; message: string }
}

interface ShownMessage {
  name: string
  /** The title defaults to "Deployed". */
  message: Partial<Message>
  shown: object
}

/** Options of a call. `connection` changes fields of the connection. */
export type MessageOptions = ClientOptions & { connection?: object; channel?: string | undefined }

const plain: Message = { mood: 'neutral', title: 'Deployed', fields: [], links: [] }
export const reminder: Message = { ...plain, mood: 'waiting', title: 'Still open' }

/** How a platform shows each mood, in the order of good, warning, bad, neutral and waiting. */
export function moods(...shown: object[]): ShownMessage[] {
  const all = ['good', 'warning', 'bad', 'neutral', 'waiting'] as const
  return all.map((mood, index) => ({ name: `the mood ${mood}`, message: { mood }, shown: shown[index] ?? {} }))
}
export const MOOD_TITLES = ['✅', '⚠️', '❌', 'ℹ️', '⏳'].map((icon) => `${icon} Deployed`)

/**
 * Registers the conformance suite and the tests of a table for a message provider, and starts its platform before each test.
 *
 * @returns the platform, and functions that call the provider as the framework does
 */
export function testMessages<S extends Served, C extends z.ZodMiniObject>(
  provider: MessageProvider<C>,
  suite: MessageTests<S>,
) {
  const { newest, posted, shows, posts, refused, approvalsNeed, ...conformance } = suite
  const server = startEach(conformance.start)
  const connection = (more: object = {}) =>
    provider.connection.parse({ ...conformance.connection(server), ...more }) as z.output<C>
  const client = ({ connection: more, channel: _, ...options }: MessageOptions = {}) =>
    clientOf(provider, connection(more), options)
  const post = (message: Message, options: MessageOptions = {}): Promise<PostedMessage> =>
    provider.post(client(options), 'channel' in options ? options.channel : conformance.channel, message)
  /** Posts a message and returns it as a task stores it. */
  const save = async (message: Message): Promise<PostedMessage> => JSON.parse(JSON.stringify(await post(message)))

  const tests: MessageFunctions<S> = { server, client, post, save }
  describe(`${provider.title}: messages`, () => {
    if (posted) {
      test('a post returns the id and the link of the message', async () => {
        expect(await post(evaluation)).toMatchObject(posted(server))
      })
    }
    contentTests(tests, suite)
    updateTests(tests, suite, provider)
    refusedPostTests(tests, suite)
    if (approvalsNeed) {
      const { field, message } = approvalsNeed
      test(`approvals need ${field} in the connection`, () => {
        const check = (needsApproval: boolean) => () =>
          provider.checkMessage?.({ channel: conformance.channel, needsApproval }, connection({ [field]: undefined }))
        expect(check(false)).not.toThrow()
        expect(check(true)).toThrow(message)
      })
    }
  })

  messageConformance<S>(provider, conformance)
  return { server, connection, client, post, save }
}

interface MessageFunctions<S> {
  server: S
  client(options?: MessageOptions): ReturnType<typeof clientOf>
  post(message: Message, options?: MessageOptions): Promise<PostedMessage>
  save(message: Message): Promise<PostedMessage>
}

function contentTests<S extends Served>(
  { server, post }: MessageFunctions<S>,
  { newest, shows, posts = [] }: MessageTests<S>,
): void {
  const table: ShownMessage[] = [
    { name: 'an evaluation', message: evaluation, shown: shows.evaluation },
    { name: 'an open approval', message: question, shown: shows.question },
    ...posts,
  ]
  testEach(
    table,
    ({ name }) => `shows ${name}`,
    async ({ message, shown }) => {
      await post({ ...plain, ...message })
      expect(newest(server)).toMatchObject(shown)
    },
  )
}

function updateTests<S extends Served>(
  { server, client, save }: MessageFunctions<S>,
  { newest, visible, shows: { decided: shownDecision, reminder: shownReminder } }: MessageTests<S>,
  { replace, reply }: Pick<MessageProvider, 'replace' | 'reply'>,
): void {
  if (replace && shownDecision) {
    test('the decision replaces an approval, and a repeat changes nothing', async () => {
      const approval = await save(question)
      for (let call = 0; call < 2; call++) await replace(client(), approval, decided)
      expect(newest(server)).toMatchObject(shownDecision)
      expect(visible(server)).toBe(1)
    })
  }
  if (reply && shownReminder) {
    test('a reminder is another message', async () => {
      await reply(client(), await save(question), reminder)
      expect(newest(server)).toMatchObject(shownReminder)
      expect(visible(server)).toBe(2)
    })
  }
}

function refusedPostTests<S extends Served>(
  { server, post }: MessageFunctions<S>,
  { refused = [] }: MessageTests<S>,
): void {
  testEach(
    refused,
    ({ name }) => `a post to ${name} shows the reason of the platform`,
    async ({ change, channel, reason, kind = 'refused' }) => {
      await change?.(server)
      await expectFailure(post(evaluation, channel === undefined ? {} : { channel }), kind, reason)
    },
  )
}
