import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { optional, secret, url, word } from '../fields.ts'
import type { Http } from '../http/client.ts'
import type { Level } from '../providers/priority-level.ts'
import type { Client, Provider } from '../providers/provider.ts'

/** What a connection to PagerDuty's REST API holds, in every category. */
export const pagerdutyConnection = {
  baseUrl: z._default(
    url('The API: https://api.pagerduty.com, or https://api.eu.pagerduty.com for an account in Europe'),
    'https://api.pagerduty.com',
  ),
  token: secret('A REST API key that may write'),
  email: optional(
    word(
      'E-mail address of the user who makes the changes: required with an account-level key, not with that of a user',
    ),
  ),
}

type Credentials = { token: string; email?: string | undefined }

/**
 * How PagerDuty's REST API is called, whatever for.
 *
 * @see https://developer.pagerduty.com/docs/rest-api-overview
 */
export const pagerdutyApi = {
  headers: ({ token, email }: Credentials) => ({
    authorization: `Token token=${token}`,
    accept: 'application/vnd.pagerduty+json;version=2',
    ...(email ? { from: email } : {}),
  }),
  check: checkConnection,
} satisfies Pick<
  Provider<z.ZodMiniObject<{ token: z.ZodMiniString; email: z.ZodMiniOptional<z.ZodMiniString> }>>,
  'headers' | 'check'
>

/**
 * Checks the token, and that writes have a user: with an account-level key PagerDuty refuses every write without the e-mail
 * address of one in the header From.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/REST/openapiv3.json (getCurrentUser, createIncident)
 * @throws Failure `misconfigured`
 */
async function checkConnection({ http, connection: { email } }: Client<Credentials>): Promise<void> {
  if (email === undefined) {
    // PagerDuty refuses this request for a key that belongs to no user.
    const { status } = await http.get('users/me', { accept: [400, 403, 404] })
    if (status < 400) return
    const message =
      'The connection needs "email": PagerDuty accepts changes with an account-level key only from a user.'
    throw new Failure('misconfigured', message)
  }
  if (await findUser(http, email)) return
  throw new Failure('misconfigured', `PagerDuty has no user with the address in "email" of the connection: ${email}.`)
}

const priorityList = z.object({ priorities: z.array(z.object({ id: z.string(), name: z.string() })) })
const userList = z.object({ users: z.array(z.object({ id: z.string(), email: z.string() })) })

/** Priorities come with the larger plans. */
const planLacksIt = [402]
/** From the most severe on, as PagerDuty lists its priorities. */
const levels: string[] = ['critical', 'high', 'medium', 'low'] satisfies Level[]

/**
 * The priority of a name, or of a level by its place in the account's own list; the last where the list is shorter.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/REST/openapiv3.json (listPriorities)
 * @returns undefined for a level where the account has no priorities
 * @throws Failure `refused` that lists the names there are
 */
export async function priorityOf(http: Http, asked: string) {
  const { status, body } = await http.get('priorities', { accept: planLacksIt, schema: priorityList })
  const listed = planLacksIt.includes(status) ? [] : body.priorities
  const named = listed.find(({ name }) => name.toLowerCase() === asked.toLowerCase())
  const place = levels.indexOf(asked.trim().toLowerCase())
  const found = named ?? (place < 0 ? undefined : listed[Math.min(place, listed.length - 1)])
  if (found) return { id: found.id, type: 'priority_reference' }
  if (place >= 0) return undefined
  const known = listed.map(({ name }) => name).join(', ') || 'none'
  throw new Failure('refused', `PagerDuty has no priority "${asked}"; the account has: ${known}.`)
}

/** Whether it is one of the neutral levels. */
export function isLevel(value: string): value is Level {
  return levels.includes(value.trim().toLowerCase())
}

/**
 * The user of an e-mail address; anything else is the id of one already.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/REST/openapiv3.json (listUsers)
 * @throws Failure `refused` where the address belongs to nobody
 */
export async function userOf(http: Http, assignee: string) {
  const type = 'user_reference'
  if (!assignee.includes('@')) return { id: assignee, type }
  const user = await findUser(http, assignee)
  if (user) return { id: user.id, type }
  throw new Failure('refused', `PagerDuty knows nobody by ${assignee}: write the id of the user as assignee.`)
}

async function findUser(http: Http, address: string) {
  const { users } = (await http.get('users', { query: { query: address, limit: 100 }, schema: userList })).body
  return users.find(({ email }) => email.toLowerCase() === address.toLowerCase())
}
