import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { name, oneOf, optional } from '../fields.ts'
import { passed } from '../outcome.ts'
import { slug } from '../text/slug.ts'
import type { ImmediateAction } from './action.ts'
import { cutText, cuttable, MAX_TEXT } from './cut-text.ts'
import type { Message, MessageContext, MessageProvider, PostedMessage } from './message.ts'
import { type Client, hasIdempotencyKey } from './provider.ts'

/** How a category makes messages of events. */
type Compose<T extends string> = (occasion: MessageContext, template: T | undefined) => Message

/** What is to be posted, whatever made it. */
export interface Push {
  channel: string | undefined
  message: Message
}

/** Where it goes; the connection's default where left out. */
export const channelField = optional(
  name("Where to, as the platform names it; the connection's default where left out"),
)

/** Posts a message about an event. */
export function pushMessage<const T extends readonly [string, ...string[]]>(options: {
  summary: string
  templates: T
  compose: Compose<T[number]>
}): ImmediateAction<MessageProvider, Push, { channel?: string; text?: string; template?: T[number] }> {
  const { summary, templates, compose } = options
  return {
    type: 'immediate',
    kind: 'message',
    summary,
    isNotification: true,
    input: z.strictObject({
      channel: channelField,
      text: optional(cuttable(MAX_TEXT, 'What it says, instead of a template')),
      template: optional(oneOf(templates, 'What it looks like; picked by the event where left out')),
    }),
    outputs: ['id', 'url'],
    deadline: 3_600,
    complete(input, from) {
      const { event, bridgeUrl, connection, provider, note } = from
      const text = input.text === undefined ? undefined : cutText('text', input.text, MAX_TEXT, note)
      const composed = compose({ event, bridgeUrl }, input.template)
      // What somebody wrote says it all: the rest would only be in its way.
      const message = text === undefined ? composed : { ...composed, text, fields: [], table: undefined }
      return { channel: resolveChannel(input.channel, connection, provider, false), message }
    },
    async run(provider, client, { channel, message }) {
      const posted = await postOnce(provider, client, channel, message)
      return passed(
        `Sent "${message.title}"${channel ? ` to ${channel}` : ''}`,
        postedData(posted),
        postedLinks(provider, posted),
      )
    },
  }
}

/**
 * @param needsApproval whether people are to answer
 * @throws Failure `invalid`
 */
export function resolveChannel(
  asked: string | undefined,
  connection: Record<string, unknown>,
  provider: MessageProvider,
  needsApproval: boolean,
): string | undefined {
  if (provider.channel === undefined) {
    if (asked !== undefined) throw invalid(`is of no use: the connection of ${provider.title} leads to one place`)
    provider.checkMessage?.({ channel: undefined, needsApproval }, connection)
    return undefined
  }
  const channel = asked ?? (connection['channel'] as string | undefined)
  if (channel === undefined)
    throw invalid(`is missing, and the connection has no default: name the ${provider.channel}`)
  provider.checkMessage?.({ channel, needsApproval }, connection)
  return channel
}

function invalid(message: string): Failure {
  return new Failure('invalid', `input.channel ${message}`, { errors: [{ path: 'input.channel', message }] })
}

/** A message whose answer was lost is looked for where the platform lets us; else it may come twice, which is better than never. */
export async function postOnce(
  provider: MessageProvider,
  client: Client,
  channel: string | undefined,
  message: Message,
): Promise<PostedMessage> {
  const found = client.isRetry && hasIdempotencyKey(client) ? await provider.find?.(client, channel) : undefined
  return found ?? provider.post(client, channel, message)
}

export function postedData({ id, url }: PostedMessage): Record<string, unknown> {
  return { ...(id === undefined ? {} : { id }), ...(url === undefined ? {} : { url }) }
}

export function postedLinks({ title }: MessageProvider, { url }: PostedMessage): Record<string, string> {
  return url === undefined ? {} : { [`${slug(title)} message`]: url }
}
