import * as z from 'zod/mini'
import { invalidInput } from '../errors.ts'
import { name, oneOf, optional } from '../fields.ts'
import { passed } from '../outcome.ts'
import { slug } from '../text/slug.ts'
import type { ImmediateAction } from './action.ts'
import { cutText, cuttable, MAX_TEXT } from './cut-text.ts'
import type { Message, MessageContext, MessageProvider, PostedMessage } from './message.ts'
import { type Client, hasIdempotencyKey } from './provider.ts'

/** The complete input of a message action. */
export interface Push {
  channel: string | undefined
  message: Message
}

export const channelField = optional(name("Channel, by the platform's name. Defaults to the connection's channel"))

/** Returns an action that posts a message about an event. */
export function pushMessage<const T extends readonly [string, ...string[]]>(options: {
  summary: string
  templates: T
  /** Returns the message for an event. */
  compose: (context: MessageContext, template: T[number] | undefined) => Message
}): ImmediateAction<MessageProvider, Push, { channel?: string; text?: string; template?: T[number] }> {
  const { summary, templates, compose } = options
  return {
    type: 'immediate',
    kind: 'message',
    effect: 'reversible',
    summary,
    isNotification: true,
    input: z.strictObject({
      channel: channelField,
      text: optional(cuttable(MAX_TEXT, 'Text to send instead of a template')),
      template: optional(oneOf(templates, 'Template. Defaults to the one for the event')),
    }),
    outputs: ['id', 'url'],
    deadline: 3_600,
    complete(input, { event, sequenceUrl, connection, provider, note }) {
      const text = input.text === undefined ? undefined : cutText('text', input.text, MAX_TEXT, note)
      const composed = compose({ event, sequenceUrl }, input.template)
      // A custom text replaces everything that a template would show.
      const message = text === undefined ? composed : { ...composed, text, fields: [], table: undefined }
      return { channel: resolveChannel(input.channel, connection, provider, false), message }
    },
    async run(provider, client, { channel, message }) {
      const posted = await postOnce(provider, client, channel, message)
      const to = channel ? ` to ${channel}` : ''
      return passed(`Sent "${message.title}"${to}`, postedData(posted), postedLinks(provider, posted))
    },
  }
}

/**
 * Returns the channel of a call: the input's, else the connection's.
 *
 * @param needsApproval whether the message requests an approval
 * @throws Failure `invalid`
 */
export function resolveChannel(
  input: string | undefined,
  connection: Record<string, unknown>,
  provider: MessageProvider,
  needsApproval: boolean,
): string | undefined {
  if (provider.channel === undefined) {
    if (input !== undefined)
      throw invalidInput('input.channel', `is not supported: a connection of ${provider.title} has one destination`)
    provider.checkMessage?.({ channel: undefined, needsApproval }, connection)
    return undefined
  }
  const channel = input ?? (connection['channel'] as string | undefined)
  if (channel === undefined) {
    throw invalidInput(
      'input.channel',
      `is required, because the connection has no default: name the ${provider.channel}`,
    )
  }
  provider.checkMessage?.({ channel, needsApproval }, connection)
  return channel
}

/**
 * Posts a message. A retry first searches for the message of an earlier attempt. If the platform has no search, the message
 * may be posted twice, which is better than never.
 */
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
