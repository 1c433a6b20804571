import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { hmacHex, isSame } from '../../../shared/hmac.ts'
import type { ButtonRequest, Buttons, MessageButton } from '../../../shared/providers/message.ts'
import { plainSingleLine } from '../../../shared/text/plain-text.ts'
import { done, plainText, send, type slackConnection } from './api.ts'
import { escapeText } from './message.ts'

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

/** The person who pressed a button. */
interface Responder {
  user: string
  username?: string | undefined
  team?: string | undefined
  channel: string
}

/** A user name can have the form of another member's id. */
const ID_FORMAT = /^[uw][a-z0-9]{6,}$/i

/** Approval buttons: verifies who pressed one, and answers only to that person. */
export const slackButtons: Buttons<typeof slackConnection> = {
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
    const names = [id, userName, email].filter((name) => name !== undefined)
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
