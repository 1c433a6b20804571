import * as z from 'zod/mini'
import { Failure, refused } from '../errors.ts'
import { basicAuth } from '../http/basic-auth.ts'
import type { Http } from '../http/client.ts'
import { segment } from '../http/segment.ts'

const named = z.object({
  sys_id: z.string(),
  name: z.optional(z.string()),
  user_name: z.optional(z.string()),
  email: z.optional(z.string()),
})
const someNamed = z.object({ result: z.array(named) })

/**
 * Returns the authorization header: a token, else user name and password.
 *
 * @see https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html
 * @throws Failure `misconfigured` if there is neither
 */
export function authorization(
  username: string | undefined,
  password: string | undefined,
  token: string | undefined,
): string {
  if (token) return `Bearer ${token}`
  if (username && password) return basicAuth(username, password)
  throw new Failure('misconfigured', 'The connection to ServiceNow needs username and password, or a token.')
}

/** Returns the API path of a table. */
export function tablePath(table: string): string {
  return `api/now/table/${segment(table)}`
}

/** Returns the API path of a record. */
export function recordPath(table: string, id: string): string {
  return `${tablePath(table)}/${segment(id)}`
}

/** Returns whether a text is the id of a record. */
export function isSysId(id: string): boolean {
  return /^[0-9a-f]{32}$/i.test(id)
}

/** Compares names without case. */
export function is(name: string | undefined, wanted: string): boolean {
  return name?.toLowerCase() === wanted.toLowerCase()
}

/**
 * Returns the sys_id of an active group.
 *
 * @throws Failure `refused` if the user of the connection sees no such group
 */
export async function groupOf(http: Http, group: string): Promise<string> {
  if (isSysId(group)) return group
  const found = await search(http, 'sys_user_group', `name=${term(group)}^active=true`)
  return only(
    found.filter(({ name }) => is(name, group)),
    'assignment group',
    group,
  )
}

/**
 * Returns the sys_id of an active user, by login, e-mail address or name.
 *
 * @throws Failure `refused` if the user of the connection sees none, or more than one
 */
export async function userOf(http: Http, user: string): Promise<string> {
  if (isSysId(user)) return user
  const userName = term(user)
  const query = `user_name=${userName}^ORemail=${userName}^ORname=${userName}^active=true`
  const found = await search(http, 'sys_user', query)
  const byLogin = found.filter(({ user_name }) => is(user_name, user))
  return only(
    byLogin.length > 0 ? byLogin : found.filter(({ name, email }) => is(name, user) || is(email, user)),
    'user',
    user,
  )
}

async function search(http: Http, table: string, query: string): Promise<z.output<typeof named>[]> {
  const request = { query: { sysparm_query: query, sysparm_fields: 'sys_id,name,user_name,email', sysparm_limit: 10 } }
  return (await http.get(tablePath(table), { ...request, schema: someNamed })).body.result
}

function only([found, ...more]: { sys_id: string }[], what: string, wanted: string): string {
  if (found && more.length === 0) return found.sys_id
  throw refused(
    `ServiceNow shows ${found ? 'more than one' : 'no'} active ${what} "${wanted}" to the user of the connection. Send its sys_id.`,
  )
}

/**
 * Returns a value for an encoded query. ServiceNow runs scripts in such queries, and has no way to escape a character.
 *
 * @throws Failure `invalid`
 */
export function term(value: string): string {
  if (!/[\^\p{Cc}]|javascript:/iu.test(value)) return value
  throw new Failure('invalid', `ServiceNow cannot search for "${value}". Send the sys_id`)
}
