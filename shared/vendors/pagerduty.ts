import * as z from 'zod/mini'
import { Failure, refused } from '../errors.ts'
import { optional, secret, url, word } from '../fields.ts'
import type { Http } from '../http/client.ts'
import type { Level } from '../providers/priority-level.ts'
import type { Client, Provider } from '../providers/provider.ts'

/** The fields of a connection to the REST API of PagerDuty in every category. */
export const pagerdutyConnection = {
  baseUrl: z._default(
    url(
      'URL of the API: https://api.pagerduty.com, or https://api.eu.pagerduty.com for accounts in the EU service region',
    ),
    'https://api.pagerduty.com',
  ),
  token: secret('A REST API key with write access'),
  email: optional(word('E-mail address of the user who makes the changes. Required with an account-level key')),
}

type Credentials = { token: string; email?: string | undefined }

/**
 * The common members of all PagerDuty providers.
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
 * Checks the token, and that requests have a user. With an account-level key, PagerDuty requires the e-mail address of a user in
 * the From header of every write.
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
      'The connection needs "email", because PagerDuty accepts changes with an account-level key only from a user.'
    throw new Failure('misconfigured', message)
  }
  if (await findUser(http, email)) return
  throw new Failure(
    'misconfigured',
    `PagerDuty has no user with the e-mail address ${email}. Correct "email" of the connection.`,
  )
}

const priorityList = z.object({ priorities: z.array(z.object({ id: z.string(), name: z.string() })) })
const userList = z.object({ users: z.array(z.object({ id: z.string(), email: z.string() })) })

/** Priorities are not part of every plan. */
const NOT_IN_PLAN = [402]
/** The most severe first, like the priorities of PagerDuty. */
const LEVELS: string[] = ['critical', 'high', 'medium', 'low'] satisfies Level[]

/**
 * Returns the priority with a name, or the one for a level by its position in the list of the account.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/REST/openapiv3.json (listPriorities)
 * @returns undefined for a level if the account has no priorities
 * @throws Failure `refused` with the existing names
 */
export async function priorityOf(http: Http, priority: string) {
  const { status, body } = await http.get('priorities', { accept: NOT_IN_PLAN, schema: priorityList })
  const listed = NOT_IN_PLAN.includes(status) ? [] : body.priorities
  const named = listed.find(({ name }) => name.toLowerCase() === priority.toLowerCase())
  const position = LEVELS.indexOf(priority.trim().toLowerCase())
  const found = named ?? (position < 0 ? undefined : listed[Math.min(position, listed.length - 1)])
  if (found) return { id: found.id, type: 'priority_reference' }
  if (position >= 0) return undefined
  const known = listed.map(({ name }) => name).join(', ') || 'none'
  throw refused(`PagerDuty has no priority "${priority}". Priorities: ${known}.`)
}

/** Returns whether a value is one of the neutral levels. */
export function isLevel(value: string): value is Level {
  return LEVELS.includes(value.trim().toLowerCase())
}

/**
 * Returns the user with an e-mail address or an id.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/REST/openapiv3.json (listUsers)
 * @throws Failure `refused` if no user has the address
 */
export async function userOf(http: Http, assignee: string) {
  const type = 'user_reference'
  if (!assignee.includes('@')) return { id: assignee, type }
  const user = await findUser(http, assignee)
  if (user) return { id: user.id, type }
  throw refused(`PagerDuty has no user with the e-mail address ${assignee}. Send the id of the user as assignee.`)
}

async function findUser(http: Http, address: string) {
  const { users } = (await http.get('users', { query: { query: address, limit: 100 }, schema: userList })).body
  return users.find(({ email }) => email.toLowerCase() === address.toLowerCase())
}
