import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { optional, secret, url, word } from '../fields.ts'
import { basicAuth } from '../http/basic-auth.ts'
import type { Http } from '../http/client.ts'
import { segment } from '../http/segment.ts'
import type { Client, Provider } from '../providers/provider.ts'
import { isRecord } from '../record.ts'
import { sleep } from '../sleep.ts'

/** What a connection to Jira holds, in every category. */
export const jiraConnection = {
  baseUrl: url(
    'The site: https://your-domain.atlassian.net, or https://api.atlassian.com/ex/jira/<cloudId> for a token with scopes',
  ),
  site: optional(url('Where people open issues, if not at baseUrl: https://your-domain.atlassian.net')),
  email: optional(word('Whose API token it is; without it the token is sent as a Bearer token (OAuth 2.0)')),
  token: secret('An API token, or an OAuth 2.0 access token'),
  project: optional(word('Default project, by its key')),
  type: optional(word('Default issue type, by name or id; Task where left out')),
}

type Credentials = { email?: string | undefined; token: string }

/**
 * How Jira Cloud's REST API is called, whatever for.
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

/** How a project is named: by its key or its id. */
export const jiraProject = { pattern: /^(?:[A-Z][A-Z0-9_]*|\d{1,18})$/, example: 'OPS' }

/** Under this name the key of a call is kept with an issue or a comment, where no one sees it. */
export const keyProperty = 'cloud-automation-webhooks'

/** The key of a call as an entity property of an issue or a comment. */
export function propertyOf(key: string) {
  return { key: keyProperty, value: { key } }
}

/** Whether an entity property holds the key. */
export function holdsKey(property: { key: string; value?: unknown }, key: string): boolean {
  return property.key === keyProperty && (property.value as { key?: unknown } | undefined)?.key === key
}

/** The key of a call as a label: only this can be searched for. */
export function labelOf(key: string): string {
  return `caw-${key}`
}

export const jiraStatus = z.object({ name: z.string(), statusCategory: z.object({ key: z.string() }) })
/** An issue, with the fields that are asked for here. */
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
/** What is fetched at once, of the 100 that Jira allows. */
const perPage = 50
/** Milliseconds before each look for an issue that an earlier try may have made: three seconds in all. */
const looks = [0, 1_000, 2_000]

/** Where an issue is, by its id or its key. */
export function issuePath(idOrKey: string): string {
  return `rest/api/3/issue/${segment(idOrKey)}`
}

/** An issue and its status, as it stands now. */
export async function readIssue(http: Http, idOrKey: string): Promise<JiraIssue> {
  return (await http.get(issuePath(idOrKey), { query: { fields: 'status' }, schema: jiraIssue })).body
}

/**
 * The issue that carries the key of the call.
 *
 * JQL finds its label; an entity property it finds only where an installed app has it indexed. The index lags by seconds,
 * under load by minutes, and a consistent search needs ids that we do not have where the answer got lost. So where an
 * earlier try may have made the issue, those of the project that are newest in the index and the keys that follow them are
 * read too, for three seconds. That misses an issue which Jira makes only after that, and one which 50 others follow that
 * are not indexed either.
 *
 * @param project its key or id
 * @see https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/
 * @see https://developer.atlassian.com/cloud/jira/platform/modules/entity-property/
 */
export async function findIssue(
  { http, idempotencyKey: key, isRetry: repeated }: Pick<Client, 'http' | 'isRetry'> & { idempotencyKey: string },
  project: string,
): Promise<JiraIssue | undefined> {
  for (const pause of repeated ? looks : [0]) {
    await sleep(pause)
    const [labelled] = await search(http, `labels = "${labelOf(key)}" ORDER BY created ASC`)
    const found = labelled ?? (repeated ? await findUnindexed(http, key, project) : undefined)
    if (found) return found
  }
  return undefined
}

async function findUnindexed(http: Http, key: string, project: string): Promise<JiraIssue | undefined> {
  const newest = await search(http, `project = ${/^\d/.test(project) ? project : `"${project}"`} ORDER BY key DESC`)
  const [, prefix = project, last = '0'] = /^(.+)-(\d+)$/.exec(newest[0]?.key ?? '') ?? []
  const next = Array.from({ length: perPage }, (_, at) => `${prefix}-${Number(last) + at + 1}`)
  // Not every project lets labels be set: then there is the property alone.
  const isOurs = ({ fields: { labels = [] }, properties = {} }: JiraIssue) =>
    labels.includes(labelOf(key)) || holdsKey({ key: keyProperty, value: properties[keyProperty] }, key)
  return newest.find(isOurs) ?? (await fetchAll(http, next)).find(isOurs)
}

/** @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/ */
async function search(http: Http, jql: string): Promise<JiraIssue[]> {
  const query = { jql, maxResults: perPage, fields: issueFields.join(), properties: keyProperty }
  const gone = [404, 410]
  const { status, body } = await http.get('rest/api/3/search/jql', { query, accept: gone, schema: jiraIssues })
  // What speaks v3 but is older than 2025 has only this one, which today's Cloud answers with 410.
  if (gone.includes(status)) return (await http.get('rest/api/3/search', { query, schema: jiraIssues })).body.issues
  return body.issues
}

/**
 * Those of the issues that there are, read from where they are kept and not from the search index.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-bulkfetch-post
 */
async function fetchAll(http: Http, keys: string[]): Promise<JiraIssue[]> {
  const asked = { issueIdsOrKeys: keys, fields: issueFields, properties: [keyProperty] }
  const unreadable = [400, 404]
  const { status, body } = await http.post('rest/api/3/issue/bulkfetch', asked, {
    isRead: true,
    accept: unreadable,
    schema: jiraIssues,
  })
  if (!unreadable.includes(status)) return body.issues
  // Jira says why, in its own form: of what a proxy says nothing is known.
  if (isRecord(body) && ('errorMessages' in body || 'errors' in body)) return []
  throw new Failure('platform', `There was a ${status} that is not one of Jira.`)
}

/**
 * The account to assign: an e-mail address is looked up, anything else is an account id already.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-user-search/#api-rest-api-3-user-search-get
 * @throws Failure `refused` where the address belongs to nobody that may be seen, or to several
 */
export async function accountOf(http: Http, assignee: string): Promise<{ accountId: string }> {
  if (!assignee.includes('@')) return { accountId: assignee }
  const query = { query: assignee, maxResults: 10 }
  const { body: users } = await http.get('rest/api/3/user/search', { query, schema: jiraUsers })
  const exact = users.find(({ emailAddress }) => emailAddress?.toLowerCase() === assignee.toLowerCase())
  // An account may hide its address: then the only one that the search found is the one.
  const user = exact ?? (users.length === 1 ? users[0] : undefined)
  if (user) return { accountId: user.accountId }
  throw new Failure(
    'refused',
    `Jira knows ${users.length === 0 ? 'nobody' : 'more than one'} by ${assignee}: write the account id as assignee.`,
  )
}
