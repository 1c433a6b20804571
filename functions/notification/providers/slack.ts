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
  baseUrl: z._default(url('https://slack.com, or https://slack-gov.com'), 'https://slack.com'),
  token: secret('Bot token of the app, xoxb-.., with the scope chat:write'),
  signingSecret: optional(
    secret('Signing secret of the app, which verifies button requests; required for ask-approval'),
  ),
  channel: optional(name('Id of the default channel, such as C0123456789')),
})

/** Metadata of messages that hold an idempotency key. */
const EVENT_TYPE = 'cloud_automation_webhooks'
const keyMetadata = z.object({ event_type: z.literal(EVENT_TYPE), event_payload: z.object({ key: z.string() }) })

const sent = z.object({ ok: z.literal(true), channel: z.string(), ts: z.string() })
const done = z.object({ ok: z.literal(true) })
const history = z.object({
  ok: z.literal(true),
  messages: z.array(z.object({ ts: z.string(), metadata: orElse(z.optional(keyMetadata), undefined) })),
})
const permalink = z.object({ ok: z.literal(true), permalink: z.url({ protocol: /^https?$/ }) })
const refusal = z.object({
  ok: z.literal(false),
  error: z.string(),
  /** The missing scope. */
  needed: z.optional(z.string()),
  /** The invalid part of the request. */
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
const authTest = z.object({ ok: z.literal(true), team_id: z.string(), enterprise_id: z.nullish(z.string()) })

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

/** Slack recommends rejecting requests that differ by more than five minutes. */
const MAX_CLOCK_DIFFERENCE_SECONDS = 300

/**
 * Maps Slack's errors, which have the status 200, to HTTP statuses and advice. Other errors are treated as a 400.
 *
 * @see https://docs.slack.dev/reference/methods/chat.postMessage#errors
 */
const ERRORS: Record<string, { status: number; hint?: string }> = {
  not_authed: { status: 401 },
  invalid_auth: { status: 401 },
  account_inactive: { status: 401 },
  token_revoked: { status: 401 },
  token_expired: { status: 401 },
  not_allowed_token_type: { status: 401, hint: 'use a bot token, xoxb-..' },
  missing_scope: { status: 403 },
  no_permission: { status: 403, hint: 'invite the app to the channel' },
  access_denied: { status: 403 },
  ekm_access_denied: { status: 403 },
  team_access_not_granted: { status: 403 },
  not_in_channel: { status: 403, hint: 'invite the app to the channel' },
  user_not_in_channel: { status: 403 },
  restricted_action: { status: 403, hint: 'posting is restricted in this channel' },
  is_archived: { status: 403, hint: 'the channel is archived' },
  cant_update_message: { status: 403 },
  channel_not_found: { status: 404, hint: 'check the id, and invite the app to the channel' },
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

/** Saved with a message, for replies and updates. */
interface SlackState {
  channel: string
  ts: string
}

/** The person who pressed a button. */
interface Responder {
  user: string
  username?: string | undefined
  team?: string | undefined
  channel: string
}

/**
 * Slack, with the bot token of an app.
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
    return refused.success ? (ERRORS[refused.data.error]?.status ?? 400) : undefined
  },

  errorReason(body) {
    const refused = refusal.safeParse(body)
    if (!refused.success) return undefined
    const { error, needed, response_metadata } = refused.data
    const scope = needed === undefined ? undefined : `the app needs the scope ${needed}`
    const hints = [ERRORS[error]?.hint, scope, ...(response_metadata?.messages ?? [])]
    return plainSingleLine([error, hints.filter(Boolean).join('; ')].filter(Boolean).join(': '), 500)
  },

  async find({ http, idempotencyKey }, channel) {
    const { status, body } = await http.get('api/conversations.history', {
      query: { channel, include_all_metadata: true, limit: 100 },
      schema: history,
      // Some apps can post but not read. A duplicate message is better than none.
      accept: [403, 404],
    })
    if (status !== 200 || channel === undefined) return undefined
    const found = body.messages.find(({ metadata }) => metadata?.event_payload.key === idempotencyKey)
    return found && postedAt(http, { channel, ts: found.ts })
  },

  checkMessage({ needsApproval }, { signingSecret }) {
    if (!needsApproval || signingSecret !== undefined) return
    throw new Failure(
      'misconfigured',
      'Approvals need the signing secret of the Slack app. Add signingSecret to the connection.',
    )
  },

  async post({ http, connection, idempotencyKey }, channel, message) {
    if (message.buttons && !connection.signingSecret) {
      throw new Failure(
        'misconfigured',
        'Approvals need the signing secret of the Slack app. Add signingSecret to the connection.',
      )
    }
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

  buttons: {
    readToken(request) {
      // Reject unsigned requests before parsing them.
      refuseUnsigned(request)
      return parseButtonPress(request.body)?.token
    },

    async verify({ signingSecret }, request) {
      refuseForged(signingSecret, request)
      const press = parseButtonPress(request.body)
      if (!press) throw new Failure('invalid', 'Unknown button payload.')
      return { decision: press.decision, responder: press.responder }
    },

    async getPerson({ http }, { responder }) {
      const { user: id, username, team } = responder as Responder
      const [us, info] = await Promise.all([
        http.get('api/auth.test', { schema: authTest }),
        // Continue without permission to read the user, but not after other errors: the names may exclude this person.
        http.get('api/users.info', { query: { user: id }, schema: member, accept: [403, 404] }),
      ])
      const known = info.status === 200 ? info.body.user : undefined
      const name = known?.profile?.real_name || known?.real_name || username || id
      // People of other organizations in a shared channel can have any name and address.
      if (!isInOurWorkspace({ team_id: team, ...known }, us.body)) return { name, names: [id] }
      const email = known?.is_email_confirmed === false ? undefined : known?.profile?.email
      // Ids are in capital letters, user names in lower case.
      const exactName = username !== undefined && ID_FORMAT.test(username) ? username.toLowerCase() : undefined
      // Only the e-mail address of the profile counts, not one in the user name.
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
      const { user, channel } = responder as Responder
      const escaped = escapeText(plainSingleLine(text, 1_000))
      await send(http, 'chat.postEphemeral', done, { channel, user, text: escaped, ...plainText })
      return undefined
    },
  },
})

/** A user name can have the form of another member's id. */
const ID_FORMAT = /^[uw][a-z0-9]{6,}$/i

/** Prevents Slack from turning names into mentions, which chat.update does by default. */
const plainText = { parse: 'none', link_names: false }

function withoutPreviews(message: object): object {
  return { ...message, ...plainText, unfurl_links: false, unfurl_media: false }
}

function send<T>(http: Http, method: string, schema: z.ZodMiniType<T>, body: object): Promise<HttpResponse<T>> {
  return http.post(`api/${method}`, body, {
    schema,
    headers: { 'content-type': 'application/json; charset=utf-8' },
  })
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

function isInOurWorkspace(
  { team_id, enterprise_user }: Partial<z.output<typeof member>['user']>,
  us: z.output<typeof authTest>,
): boolean {
  return team_id === us.team_id || (!!us.enterprise_id && enterprise_user?.enterprise_id === us.enterprise_id)
}

function parseButtonPress(
  body: string,
): { decision: MessageButton['decision']; token: string; responder: Responder } | undefined {
  const parsed = payload.safeParse(parseJson(new URLSearchParams(body).get('payload')))
  const [action] = parsed.data?.actions ?? []
  if (!parsed.data || !action) return undefined
  const { user, channel } = parsed.data
  return {
    decision: action.action_id,
    token: action.value,
    responder: { user: user.id, username: user.username, team: user.team_id, channel: channel.id },
  }
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    // Not a button request.
    return undefined
  }
}

/**
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack
 * @throws Failure `unauthenticated`
 */
function refuseForged(signingSecret: string | undefined, request: ButtonRequest): void {
  if (!signingSecret)
    throw new Failure(
      'unauthenticated',
      'The connection has no signingSecret, so requests of Slack cannot be verified.',
    )
  const { timestamp, signature } = refuseUnsigned(request)
  const expected = `v0=${hmacHex(signingSecret, `v0:${timestamp}:${request.body}`)}`
  if (!isSame(signature, expected)) throw new Failure('unauthenticated', 'Invalid Slack signature.')
}

/**
 * Checks the format of the signature and the age of the request, for which no secret is needed.
 *
 * @throws Failure `unauthenticated`
 */
function refuseUnsigned({ headers, now }: ButtonRequest): { timestamp: string; signature: string } {
  const timestamp = headers['x-slack-request-timestamp'] ?? ''
  const signature = headers['x-slack-signature'] ?? ''
  if (!/^v0=[0-9a-f]{64}$/.test(signature)) throw new Failure('unauthenticated', 'Invalid Slack signature.')
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now / 1_000 - Number(timestamp)) > MAX_CLOCK_DIFFERENCE_SECONDS) {
    throw new Failure('unauthenticated', 'The timestamp is outside the 5-minute window. Press the button again.')
  }
  return { timestamp, signature }
}
