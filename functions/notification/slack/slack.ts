import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { orElse } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { defineMessageProvider, type PostedMessage } from '../../../shared/providers/message.ts'
import { done, errorReason, errorStatus, plainText, send, slackConnection } from './api.ts'
import { slackButtons } from './buttons.ts'
import { slackMessage } from './message.ts'

/** Metadata of messages that hold an idempotency key. */
const EVENT_TYPE = 'cloud_automation_webhooks'
const keyMetadata = z.object({ event_type: z.literal(EVENT_TYPE), event_payload: z.object({ key: z.string() }) })

const sent = z.object({ ok: z.literal(true), channel: z.string(), ts: z.string() })
const history = z.object({
  ok: z.literal(true),
  messages: z.array(z.object({ ts: z.string(), metadata: orElse(z.optional(keyMetadata), undefined) })),
})
const permalink = z.object({ ok: z.literal(true), permalink: z.url({ protocol: /^https?$/ }) })
/** A message of an earlier attempt is among the newest. */
const PAGE_SIZE = 100

/** Saved with a message, for replies and updates. */
interface SlackState {
  channel: string
  ts: string
}

/**
 * Slack, with the bot token of an app.
 *
 * @see https://docs.slack.dev/reference/methods/chat.postMessage
 */
export const slack = defineMessageProvider({
  title: 'Slack',
  connection: slackConnection,
  channel: 'channel, by its id',
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('api/auth.test', { schema: done }),
  errorStatus,
  errorReason,
  buttons: slackButtons,

  lookUp: { newest: PAGE_SIZE, needs: { text: 'the scope `channels:history`, and the id of the channel' } },

  async find({ http, idempotencyKey }, channel) {
    const { status, body } = await http.get('api/conversations.history', {
      query: { channel, include_all_metadata: true, limit: PAGE_SIZE },
      schema: history,
      // Some apps can post but not read. A duplicate message is better than none.
      accept: [403, 404],
    })
    if (status !== 200 || channel === undefined) return undefined
    const found = body.messages.find(({ metadata }) => metadata?.event_payload.key === idempotencyKey)
    return found && postedAt(http, { channel, ts: found.ts })
  },

  checkMessage({ needsApproval }, { signingSecret }) {
    if (needsApproval) requireSigningSecret(signingSecret)
  },

  async post({ http, connection, idempotencyKey }, channel, message) {
    if (message.buttons) requireSigningSecret(connection.signingSecret)
    const { body } = await send(http, 'chat.postMessage', sent, {
      channel,
      ...withoutPreviews(slackMessage(message)),
      ...(idempotencyKey === undefined
        ? {}
        : { metadata: { event_type: EVENT_TYPE, event_payload: { key: idempotencyKey } } }),
    })
    return postedAt(http, { channel: body.channel, ts: body.ts })
  },

  async reply({ http }, { providerState }, message) {
    const { channel, ts } = providerState as SlackState
    // Few people would notice a message that is only in the thread.
    const thread = { channel, thread_ts: ts, reply_broadcast: true }
    await send(http, 'chat.postMessage', done, { ...thread, ...withoutPreviews(slackMessage(message)) })
  },

  async replace({ http }, { providerState }, message) {
    const { channel, ts } = providerState as SlackState
    await send(http, 'chat.update', done, { channel, ts, ...plainText, ...slackMessage(message) })
  },
})

/** Without it, the signature of a button press cannot be verified. */
function requireSigningSecret(signingSecret: string | undefined): void {
  if (signingSecret) return
  throw new Failure(
    'misconfigured',
    'Approvals need the signing secret of the Slack app. Add signingSecret to the connection.',
  )
}

function withoutPreviews(message: object): object {
  return { ...message, ...plainText, unfurl_links: false, unfurl_media: false }
}

async function postedAt(http: Http, { channel, ts }: SlackState): Promise<PostedMessage> {
  return { id: ts, url: await linkTo(http, { channel, ts }), providerState: { channel, ts } satisfies SlackState }
}

async function linkTo(http: Http, { channel, ts }: SlackState): Promise<string | undefined> {
  try {
    const query = { channel, message_ts: ts }
    return (await http.get('api/chat.getPermalink', { query, schema: permalink })).body.permalink
  } catch (error) {
    // The message was posted. Do not post it again because its link is missing.
    if (error instanceof Failure) return undefined
    throw error
  }
}
