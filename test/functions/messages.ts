import { describe, expect, test } from '@jest/globals'
import type * as z from 'zod/mini'
import type { Served } from '../../infra/sandbox/platforms/loopback-server.ts'
import type { Failure } from '../../shared/errors.ts'
import type { Message, MessageProvider, PostedMessage } from '../../shared/providers/message.ts'
import { messageConformance } from '../conformance/message.ts'
import { type ClientOptions, clientOf, expectFailure, startEach } from './helpers.ts'
import { decided, evaluation, question } from './notification/messages.ts'

type Conformance<S extends Served> = Parameters<typeof messageConformance<S>>[1]

interface MessageTests<S extends Served> extends Conformance<S> {
  /** Returns the newest message of the platform. */
  newest(server: S): unknown
  /** Returns the result of a post, or a part of it. */
  posted?(server: S): object
  /** How the platform shows an evaluation, an open approval, a decided one, and a reminder. */
  shows: { evaluation: object; question: object; decided?: object; reminder?: object }
  /** How the platform shows other messages. Their title defaults to "Deployed". */
  posts?: [what: string, message: Partial<Message>, shown: object][]
  /** Changes of the platform or another channel, and why a post is then refused. */
  refused?: [what: string, change: string | ((server: S) => unknown), reason: string, kind?: Failure['kind']][]
  /** The field of the connection that approvals need, and a part of the message without it. */
  approvalsNeed?: [field: string, message: string]
}

/** Options of a call. `connection` changes fields of the connection. */
export type MessageOptions = ClientOptions & { connection?: object; channel?: string | undefined }

const plain: Message = { mood: 'neutral', title: 'Deployed', fields: [], links: [] }
export const reminder: Message = { ...plain, mood: 'waiting', title: 'Still open' }

/** How a platform shows each mood, in the order of good, warning, bad, neutral and waiting. */
export function moods(...shown: object[]): [what: string, message: Partial<Message>, shown: object][] {
  const all = ['good', 'warning', 'bad', 'neutral', 'waiting'] as const
  return all.map((mood, at) => [`the mood ${mood}`, { mood }, shown[at] ?? {}])
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
  const { newest, posted, shows, posts = [], refused = [], approvalsNeed, ...conformance } = suite
  const server = startEach(conformance.start)
  const connection = (more: object = {}) =>
    provider.connection.parse({ ...conformance.connection(server), ...more }) as z.output<C>
  const client = ({ connection: more, channel: _, ...options }: MessageOptions = {}) =>
    clientOf(provider, connection(more), options)
  const post = (message: Message, options: MessageOptions = {}): Promise<PostedMessage> =>
    provider.post(client(options), 'channel' in options ? options.channel : conformance.channel, message)
  /** Posts a message and returns it as a task stores it. */
  const save = async (message: Message): Promise<PostedMessage> => JSON.parse(JSON.stringify(await post(message)))

  describe(`${provider.title}: messages`, () => {
    if (posted) {
      test('a post returns the id and the link of the message', async () => {
        expect(await post(evaluation)).toMatchObject(posted(server))
      })
    }
    const table: typeof posts = [
      ['an evaluation', evaluation, shows.evaluation],
      ['an open approval', question, shows.question],
      ...posts,
    ]
    test.each(table)('shows %s', async (_what, message, shown) => {
      await post({ ...plain, ...message })
      expect(newest(server)).toMatchObject(shown)
    })
    const { replace, reply } = provider
    if (replace && shows.decided) {
      test('the decision replaces an approval, and a repeat changes nothing', async () => {
        const approval = await save(question)
        for (let call = 0; call < 2; call++) await replace(client(), approval, decided)
        expect(newest(server)).toMatchObject(shows.decided ?? {})
        expect(conformance.visible(server)).toBe(1)
      })
    }
    if (reply && shows.reminder) {
      test('a reminder is another message', async () => {
        await reply(client(), await save(question), reminder)
        expect(newest(server)).toMatchObject(shows.reminder ?? {})
        expect(conformance.visible(server)).toBe(2)
      })
    }
    if (refused.length > 0) {
      test.each(refused)('a post to %s shows the reason of the platform', async (...[_what, change, reason, kind]) => {
        if (typeof change !== 'string') await change(server)
        const options = typeof change === 'string' ? { channel: change } : {}
        await expectFailure(post(evaluation, options), kind ?? 'refused', reason)
      })
    }
    if (approvalsNeed) {
      const [field, message] = approvalsNeed
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
