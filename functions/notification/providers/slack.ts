import * as z from 'zod/mini'
import { hmacHex, isSame } from '../../../shared/auth/hmac.ts'
import { Failure } from '../../../shared/errors.ts'
import { name, optional, orElse, secret, url } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import type { HttpResponse } from '../../../shared/http/exchange.ts'
import {
  type ButtonRequest,
  defineMessageProvider,
  type MessageButton,
  type PostedMessage,
} from '../../../shared/providers/message.ts'
import { plainSingleLine } from '../../../shared/text/plain-text.ts'
import { escapeText, slackMessage } from '../slack-message.ts'

const connection = z.strictObject({
  baseUrl: z._default(url('Where Slack is: https://slack.com, or https://slack-gov.com'), 'https://slack.com'),
  token: secret("The app's bot token, xoxb-.., with the scope chat:write"),
  signingSecret: optional(
    secret("The app's signing secret, by which a click is known to come from Slack: ask-approval needs it"),
  ),
  channel: optional(name('Default channel, by its id, such as C0123456789')),
})

/** Under which the key of a call is found again. */
const eventType = 'cloud_automation_webhooks'
const own = z.object({ event_type: z.literal(eventType), event_payload: z.object({ key: z.string() }) })

const sent = z.object({ ok: z.literal(true), channel: z.string(), ts: z.string() })
const done = z.object({ ok: z.literal(true) })
const history = z.object({
  ok: z.literal(true),
  messages: z.array(z.object({ ts: z.string(), metadata: orElse(z.optional(own), undefined) })),
})
const permalink = z.object({ ok: z.literal(true), permalink: z.url({ protocol: /^https?$/ }) })
const refusal = z.object({
  ok: z.literal(false),
  error: z.string(),
  /** The scope that is missing. */
  needed: z.optional(z.string()),
  /** Which part of the request is wrong. */
  response_metadata: z.optional(z.object({ messages: z.optional(z.array(z.string())) })),
})
const member = z.object({
  ok: z.literal(true),
  user: z.object({
    team_id: z.optional(z.string()),
    enterprise_user: z.optional(z.object({ enterprise_id: z.optional(z.string()) })),
    real_name: z.optional(z.string()),
    is_email_confirmed: z.optional(z.boolean()),
    profile: z.optional(z.object({ real_name: z.optional(z.string()), email: z.optional(z.string()) })),
  }),
})
const memberWithId = z.object({ ok: z.literal(true), user: z.object({ id: z.string() }) })
const ourselves = z.object({ ok: z.literal(true), team_id: z.string(), enterprise_id: z.nullish(z.string()) })

const payload = z.object({
  type: z.literal('block_actions'),
  user: z.object({ id: z.string(), username: z.optional(z.string()), team_id: z.optional(z.string()) }),
  channel: z.object({ id: z.string() }),
  actions: z.array(
    z.object({
      action_id: z.enum(['approve', 'reject']),
      value: z.string().check(z.regex(/^[\w.-]{1,300}$/)),
    }),
  ),
})

/** Seconds that a click may be old, or ahead of our clock. */
const freshness = 300

/**
 * The status that each of Slack's errors stands for, which come with a 200, and what to do about it. What is not here is a
 * refusal of what we have sent.
 *
 * @see https://docs.slack.dev/reference/methods/chat.postMessage#errors
 */
const errors: Record<string, { status: number; hint?: string }> = {
  not_authed: { status: 401 },
  invalid_auth: { status: 401 },
  account_inactive: { status: 401 },
  token_revoked: { status: 401 },
  token_expired: { status: 401 },
  not_allowed_token_type: { status: 401, hint: 'it takes a bot token, xoxb-..' },
  missing_scope: { status: 403 },
  no_permission: { status: 403, hint: 'invite the app to the channel' },
  access_denied: { status: 403 },
  ekm_access_denied: { status: 403 },
  team_access_not_granted: { status: 403 },
  not_in_channel: { status: 403, hint: 'invite the app to the channel' },
  user_not_in_channel: { status: 403 },
  restricted_action: { status: 403, hint: 'not everybody may post there' },
  is_archived: { status: 403, hint: 'the channel is archived' },
  cant_update_message: { status: 403 },
  channel_not_found: { status: 404, hint: 'there is none of this id, or the app was not invited to it' },
  message_not_found: { status: 404 },
  user_not_found: { status: 404 },
  users_not_found: { status: 404 },
  user_not_visible: { status: 404 },
  ratelimited: { status: 429 },
  rate_limited: { status: 429 },
  message_limit_exceeded: { status: 429 },
  internal_error: { status: 500 },
  fatal_error: { status: 500 },
  update_failed: { status: 500 },
  service_unavailable: { status: 503 },
  request_timeout: { status: 503 },
  external_channel_migrating: { status: 503 },
  org_login_required: { status: 503 },
  team_added_to_org: { status: 503 },
}

/** Where a message is; kept in the task. */
interface Handle {
  channel: string
  ts: string
}

/** Who has clicked, and where. */
interface Clicker {
  user: string
  username?: string | undefined
  team?: string | undefined
  channel: string
}

/**
 * Slack, by an app's bot token.
 *
 * @see https://docs.slack.dev/reference/methods/chat.postMessage
 */
export const slack = defineMessageProvider({
  title: 'Slack',
  connection,
  channel: 'channel, by its id',
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('api/auth.test', { schema: done }),

  errorStatus(body) {
    const refused = refusal.safeParse(body)
    return refused.success ? (errors[refused.data.error]?.status ?? 400) : undefined
  },

  errorReason(body) {
    const refused = refusal.safeParse(body)
    if (!refused.success) return undefined
    const { error, needed, response_metadata } = refused.data
    const scope = needed === undefined ? undefined : `the app needs the scope ${needed}`
    const hints = [errors[error]?.hint, scope, ...(response_metadata?.messages ?? [])]
    return plainSingleLine([error, hints.filter(Boolean).join('; ')].filter(Boolean).join(': '), 500)
  },

  async find({ http, idempotencyKey: key }, channel) {
    const { status, body } = await http.get('api/conversations.history', {
      query: { channel, include_all_metadata: true, limit: 100 },
      schema: history,
      // An app may post where it must not read: then a message may come twice, which is better than never.
      accept: [403, 404],
    })
    if (status !== 200 || channel === undefined) return undefined
    const found = body.messages.find(({ metadata }) => metadata?.event_payload.key === key)
    return found && postedAt(http, { channel, ts: found.ts })
  },

  checkMessage({ needsApproval: asks }, { signingSecret }) {
    if (!asks || signingSecret !== undefined) return
    throw new Failure('misconfigured', 'A connection that asks for approval needs its signingSecret: put it there.')
  },

  async post({ http, connection, idempotencyKey: key }, channel, message) {
    if (message.buttons && !connection.signingSecret) {
      throw new Failure('misconfigured', 'A connection that asks for approval needs its signingSecret: put it there.')
    }
    const { body } = await send(http, 'chat.postMessage', sent, {
      channel,
      ...shown(slackMessage(message)),
      ...(key === undefined ? {} : { metadata: { event_type: eventType, event_payload: { key } } }),
    })
    return postedAt(http, { channel: body.channel, ts: body.ts })
  },

  async reply({ http }, { providerState: handle }, message) {
    const { channel, ts } = handle as Handle
    // In a thread alone hardly anybody would see it.
    const thread = { channel, thread_ts: ts, reply_broadcast: true }
    await send(http, 'chat.postMessage', done, { ...thread, ...shown(slackMessage(message)) })
  },

  async replace({ http }, { providerState: handle }, message) {
    const { channel, ts } = handle as Handle
    await send(http, 'chat.update', done, { channel, ts, ...plainly, ...slackMessage(message) })
  },

  buttons: {
    readToken(request) {
      // Before anything is parsed: whoever has no signature needs no answer that costs more.
      refuseUnsigned(request)
      return clickIn(request.body)?.reference
    },

    async verify({ signingSecret }, request) {
      refuseForged(signingSecret, request)
      const click = clickIn(request.body)
      if (!click) throw new Failure('invalid', 'This is no click on a button of ours.')
      return { decision: click.decision, responder: click.responder }
    },

    async getPerson({ http }, { responder }) {
      const { user: id, username, team } = responder as Clicker
      const [us, info] = await Promise.all([
        http.get('api/auth.test', { schema: ourselves }),
        // What we may not know does not matter; what we can not know now does, since it may be who must not decide.
        http.get('api/users.info', { query: { user: id }, schema: member, accept: [403, 404] }),
      ])
      const known = info.status === 200 ? info.body.user : undefined
      const name = known?.profile?.real_name || known?.real_name || username || id
      // In a shared channel there are people of other organizations, who may have any name and address there.
      if (!isOurs({ team_id: team, ...known }, us.body)) return { name, names: [id] }
      const email = known?.is_email_confirmed === false ? undefined : known?.profile?.email
      // An id is written in capital letters, and a user name in small ones.
      const exactName = username !== undefined && looksLikeId.test(username) ? username.toLowerCase() : undefined
      // An address counts only if it is the one of the profile.
      const userName = exactName === undefined && !username?.includes('@') ? username : undefined
      const names = [id, userName, email].filter((one) => one !== undefined)
      return { name, names, exactName }
    },

    // Slack has no way to look a member up by user name.
    memberNameFormat: 'a member id, such as U012ABCDEF, or an e-mail address',
    isMemberName: (text) => /^(?:[UW][A-Z0-9]{3,20}|[!-?A-~]+@[!-?A-~]+)$/.test(text),
    async findMemberId({ http }, name) {
      const options = { schema: memberWithId, accept: [403, 404] }
      const { status, body } = name.includes('@')
        ? await http.get('api/users.lookupByEmail', { ...options, query: { email: name } })
        : await http.get('api/users.info', { ...options, query: { user: name } })
      return status === 200 ? body.user.id : undefined
    },

    async replyTo({ http }, { responder }, text) {
      const { user, channel } = responder as Clicker
      const said = escapeText(plainSingleLine(text, 1_000))
      await send(http, 'chat.postEphemeral', done, { channel, user, text: said, ...plainly })
      return undefined
    },
  },
})

/** Of a member: somebody may take that of another for a user name. */
const looksLikeId = /^[uw][a-z0-9]{6,}$/i

/** Nothing that looks like a name is made a mention; chat.update would do so where it is not told. */
const plainly = { parse: 'none', link_names: false }

function shown(message: object): object {
  return { ...message, ...plainly, unfurl_links: false, unfurl_media: false }
}

function send<T>(http: Http, method: string, answer: z.ZodMiniType<T>, body: object): Promise<HttpResponse<T>> {
  return http.post(`api/${method}`, body, {
    schema: answer,
    headers: { 'content-type': 'application/json; charset=utf-8' },
  })
}

async function postedAt(http: Http, { channel, ts }: Handle): Promise<PostedMessage> {
  return { id: ts, url: await linkTo(http, { channel, ts }), providerState: { channel, ts } satisfies Handle }
}

async function linkTo(http: Http, { channel, ts }: Handle): Promise<string | undefined> {
  try {
    const query = { channel, message_ts: ts }
    return (await http.get('api/chat.getPermalink', { query, schema: permalink })).body.permalink
  } catch (error) {
    // The message is there: that nobody knows its address is no reason to send it again.
    if (error instanceof Failure) return undefined
    throw error
  }
}

function isOurs(
  { team_id, enterprise_user }: Partial<z.output<typeof member>['user']>,
  us: z.output<typeof ourselves>,
): boolean {
  return team_id === us.team_id || (!!us.enterprise_id && enterprise_user?.enterprise_id === us.enterprise_id)
}

function clickIn(
  body: string,
): { decision: MessageButton['decision']; reference: string; responder: Clicker } | undefined {
  const parsed = payload.safeParse(parse(new URLSearchParams(body).get('payload')))
  const [action] = parsed.data?.actions ?? []
  if (!parsed.data || !action) return undefined
  const { user, channel } = parsed.data
  return {
    decision: action.action_id,
    reference: action.value,
    responder: { user: user.id, username: user.username, team: user.team_id, channel: channel.id },
  }
}

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    // Whatever it is, it is no click.
    return undefined
  }
}

/**
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack
 * @throws Failure `unauthenticated`
 */
function refuseForged(signingSecret: string | undefined, request: ButtonRequest): void {
  if (!signingSecret) throw new Failure('unauthenticated', 'The connection has no signingSecret to know Slack by.')
  const { timestamp, signature } = refuseUnsigned(request)
  const expected = `v0=${hmacHex(signingSecret, `v0:${timestamp}:${request.body}`)}`
  if (!isSame(signature, expected)) throw new Failure('unauthenticated', 'The click is not signed by Slack.')
}

/**
 * Checks what can be checked without the secret: the form of the signature, and the age of the request.
 *
 * @throws Failure `unauthenticated`
 */
function refuseUnsigned({ headers, now }: ButtonRequest): { timestamp: string; signature: string } {
  const timestamp = headers['x-slack-request-timestamp'] ?? ''
  const signature = headers['x-slack-signature'] ?? ''
  if (!/^v0=[0-9a-f]{64}$/.test(signature)) throw new Failure('unauthenticated', 'The click is not signed by Slack.')
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now / 1_000 - Number(timestamp)) > freshness) {
    throw new Failure('unauthenticated', 'The click is too old, or of a clock that is wrong: click again.')
  }
  return { timestamp, signature }
}
