import * as z from 'zod/mini'
import { name, optional, secret, url } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import type { HttpResponse } from '../../../shared/http/exchange.ts'
import { plainSingleLine } from '../../../shared/text/plain-text.ts'

export const slackConnection = z.strictObject({
  baseUrl: z._default(url('https://slack.com, or https://slack-gov.com for GovSlack'), 'https://slack.com'),
  token: secret('Bot token of the app, xoxb-.., with the scope chat:write'),
  signingSecret: optional(
    secret('Signing secret of the app, which verifies button requests; required for ask-approval'),
  ),
  channel: optional(name('Id of the default channel (at the end of "View channel details"), such as C0123456789')),
})

export const done = z.object({ ok: z.literal(true) })
const refusal = z.object({
  ok: z.literal(false),
  error: z.string(),
  /** The missing scope. */
  needed: z.optional(z.string()),
  /** The invalid part of the request. */
  response_metadata: z.optional(z.object({ messages: z.optional(z.array(z.string())) })),
})

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

/** Returns the HTTP status for an error of Slack, or undefined for a success. */
export function errorStatus(body: unknown): number | undefined {
  const refused = refusal.safeParse(body)
  return refused.success ? (ERRORS[refused.data.error]?.status ?? 400) : undefined
}

export function errorReason(body: unknown): string | undefined {
  const refused = refusal.safeParse(body)
  if (!refused.success) return undefined
  const { error, needed, response_metadata } = refused.data
  const scope = needed === undefined ? undefined : `the app needs the scope ${needed}`
  const hints = [ERRORS[error]?.hint, scope, ...(response_metadata?.messages ?? [])]
  return plainSingleLine([error, hints.filter(Boolean).join('; ')].filter(Boolean).join(': '), 500)
}

/** Prevents Slack from turning names into mentions, which chat.update does by default. */
export const plainText = { parse: 'none', link_names: false }

/** Calls a method of the API that writes. */
export function send<T>(http: Http, method: string, schema: z.ZodMiniType<T>, body: object): Promise<HttpResponse<T>> {
  return http.post(`api/${method}`, body, {
    schema,
    headers: { 'content-type': 'application/json; charset=utf-8' },
  })
}
