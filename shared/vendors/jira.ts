import * as z from 'zod/mini'
import { refused, retryLater } from '../errors.ts'
import { optional, secret, url, word } from '../fields.ts'
import { basicAuth } from '../http/basic-auth.ts'
import type { Http } from '../http/client.ts'
import { segment } from '../http/segment.ts'
import type { Client, Provider } from '../providers/provider.ts'
import { searchSince } from '../providers/search-window.ts'
import { isRecord } from '../record.ts'
import { sleep } from '../sleep.ts'

/** The fields of a connection to Jira in every category. */
export const jiraConnection = {
  baseUrl: url(
    'The site: https://your-domain.atlassian.net, or https://api.atlassian.com/ex/jira/<cloudId> for a token with scopes',
  ),
  site: optional(url('URL of the site for people, if it is not baseUrl: https://your-domain.atlassian.net')),
  email: optional(word('User of the API token. Without it, the token is sent as a Bearer token (OAuth 2.0)')),
  token: secret('An API token, or an OAuth 2.0 access token'),
  project: optional(word('Default project, by its key')),
  type: optional(word('Issue type, by name or id. Defaults to Task')),
}

type Credentials = { email?: string | undefined; token: string }

/**
 * The common members of all Jira providers.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/
 */
export const jiraApi = {
  headers: ({ email, token }: Credentials) => ({
    authorization: email ? basicAuth(email, token) : `Bearer ${token}`,
  }),
  check: ({ http }) => http.get('rest/api/3/myself'),
} satisfies Pick<
  Provider<z.ZodMiniObject<{ email: z.ZodMiniOptional<z.ZodMiniString>; token: z.ZodMiniString }>>,
  'headers' | 'check'
>

/** Projects have a key or an id. */
export const jiraProject = { pattern: /^(?:[A-Z][A-Z0-9_]*|\d{1,18})$/, example: 'OPS' }

/** The entity property of issues and comments that stores the idempotency key. People do not see it. */
export const keyProperty = 'cloud-automation-webhooks'

/** Returns the entity property with an idempotency key. */
export function propertyOf(key: string) {
  return { key: keyProperty, value: { key } }
}

/** Returns whether an entity property has the idempotency key. */
export function holdsKey(property: { key: string; value?: unknown }, key: string): boolean {
  return property.key === keyProperty && (property.value as { key?: unknown } | undefined)?.key === key
}

/** Returns the label with an idempotency key. Only labels can be searched. */
export function labelOf(key: string): string {
  return `caw-${key}`
}

export const jiraStatus = z.object({ name: z.string(), statusCategory: z.object({ key: z.string() }) })
/** The fields of an issue that we read. */
const jiraIssue = z.object({
  id: z.string(),
  key: z.string(),
  fields: z.object({ status: jiraStatus, labels: z.optional(z.array(z.string())) }),
  properties: z.optional(z.record(z.string(), z.unknown())),
})
export type JiraIssue = z.output<typeof jiraIssue>
const jiraIssues = z.object({ issues: z.array(jiraIssue) })
const jiraUsers = z.array(z.object({ accountId: z.string(), emailAddress: z.optional(z.string()) }))

const issueFields = ['status', 'labels']
/** Jira allows 100. */
const perPage = 50
const DAY_MS = 24 * 3_600_000
/** Milliseconds before each search for the issue of an earlier attempt. */
export const SEARCH_DELAYS_MS = [0, 1_000, 2_000]

/** Returns the API path of an issue, by its id or key. */
export function issuePath(idOrKey: string): string {
  return `rest/api/3/issue/${segment(idOrKey)}`
}

/** Reads an issue with its current status. */
export async function readIssue(http: Http, idOrKey: string): Promise<JiraIssue> {
  return (await http.get(issuePath(idOrKey), { query: { fields: 'status' }, schema: jiraIssue })).body
}

/**
 * Returns the issue with the idempotency key.
 *
 * JQL finds labels, but entity properties only if an installed app indexes them. The index is seconds late, under load
 * minutes, and a consistent search needs ids, which are unknown after a lost response. If an earlier attempt may have
 * created the issue, the newest indexed issues of the project and the keys that follow them are read, too, for three
 * seconds. That misses issues that Jira creates later.
 *
 * @param project its key or id
 * @returns `'unknown'` if the keys that follow do not reach the newest issue
 * @see https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/
 * @see https://developer.atlassian.com/cloud/jira/platform/modules/entity-property/
 */
export async function findIssue(
  { http, idempotencyKey, isRetry }: Pick<Client, 'http' | 'isRetry'> & { idempotencyKey: string },
  project: string,
): Promise<JiraIssue | undefined | 'unknown'> {
  let found: JiraIssue | undefined | 'unknown'
  for (const pause of isRetry ? SEARCH_DELAYS_MS : [0]) {
    await sleep(pause)
    const [labelled] = await search(http, `labels = "${labelOf(idempotencyKey)}" ORDER BY created ASC`)
    found = labelled ?? (isRetry ? await findUnindexed(http, idempotencyKey, project) : undefined)
    if (found && found !== 'unknown') break
  }
  return found
}

/**
 * Returns whether `findIssue` cannot have read all issues without a label that an earlier attempt may have created.
 *
 * @param project its key or id
 */
export async function hidesUnlabelled(http: Http, project: string): Promise<boolean> {
  const sinceDays = Math.ceil((Date.now() - searchSince(true).getTime()) / DAY_MS)
  const found = await search(http, `${isIn(project)} AND created >= -${sinceDays}d ORDER BY key DESC`)
  return found.length >= perPage
}

function isIn(project: string): string {
  return `project = ${/^\d/.test(project) ? project : `"${project}"`}`
}

async function findUnindexed(http: Http, key: string, project: string): Promise<JiraIssue | undefined | 'unknown'> {
  const newest = await search(http, `${isIn(project)} ORDER BY key DESC`)
  const [, prefix = project, last = '0'] = /^(.+)-(\d+)$/.exec(newest[0]?.key ?? '') ?? []
  const next = Array.from({ length: perPage }, (_, index) => `${prefix}-${Number(last) + index + 1}`)
  // Some projects do not allow labels. Then only the property has the key.
  const isOurs = ({ fields: { labels = [] }, properties = {} }: JiraIssue) =>
    labels.includes(labelOf(key)) || holdsKey({ key: keyProperty, value: properties[keyProperty] }, key)
  const listed = newest.find(isOurs)
  if (listed) return listed
  const later = await fetchAll(http, next)
  return later.find(isOurs) ?? (later.some(({ key }) => key === next.at(-1)) ? 'unknown' : undefined)
}

/** @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/ */
async function search(http: Http, jql: string): Promise<JiraIssue[]> {
  const query = { jql, maxResults: perPage, fields: issueFields.join(), properties: keyProperty }
  const gone = [404, 410]
  const { status, body } = await http.get('rest/api/3/search/jql', { query, accept: gone, schema: jiraIssues })
  // Servers older than 2025 have only this endpoint. The Cloud answers 410.
  if (gone.includes(status)) return (await http.get('rest/api/3/search', { query, schema: jiraIssues })).body.issues
  return body.issues
}

/**
 * Returns the existing issues of a list, read from the database instead of the search index.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-bulkfetch-post
 */
async function fetchAll(http: Http, keys: string[]): Promise<JiraIssue[]> {
  const query = { issueIdsOrKeys: keys, fields: issueFields, properties: [keyProperty] }
  const unreadable = [400, 404]
  const { status, body } = await http.post('rest/api/3/issue/bulkfetch', query, {
    isRead: true,
    accept: unreadable,
    schema: jiraIssues,
  })
  if (!unreadable.includes(status)) return body.issues
  // Jira's own responses have a known structure. A proxy's may mean anything.
  if (isRecord(body) && ('errorMessages' in body || 'errors' in body)) return []
  throw retryLater(`The response ${status} is not from Jira.`)
}

/**
 * Returns the account id of an assignee. Looks up e-mail addresses.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-user-search/#api-rest-api-3-user-search-get
 * @throws Failure `refused` if no visible account, or more than one, has the address
 */
export async function accountOf(http: Http, assignee: string): Promise<{ accountId: string }> {
  if (!assignee.includes('@')) return { accountId: assignee }
  const query = { query: assignee, maxResults: 10 }
  const { body: users } = await http.get('rest/api/3/user/search', { query, schema: jiraUsers })
  const exact = users.find(({ emailAddress }) => emailAddress?.toLowerCase() === assignee.toLowerCase())
  // Accounts may hide their address. A single result of the search is then the right one.
  const user = exact ?? (users.length === 1 ? users[0] : undefined)
  if (user) return { accountId: user.accountId }
  throw refused(
    `Jira finds ${users.length === 0 ? 'no account' : 'more than one account'} for ${assignee}. Send the account id as assignee.`,
  )
}
