import type * as z from 'zod'
import { Failure } from '../errors.ts'
import { secret, url, word } from '../fields.ts'
import type { Client, Provider } from '../function/provider.ts'
import type { Http } from '../http.ts'
import type { AdfDocument } from './adf.ts'

/** What a connection to Jira holds, in every category. */
export const jiraConnection = {
  baseUrl: url().describe(
    'The site: https://your-domain.atlassian.net, or https://api.atlassian.com/ex/jira/<cloudId> for a token with scopes',
  ),
  site: url().optional().describe('Where people open issues, if not at baseUrl: https://your-domain.atlassian.net'),
  email: word()
    .optional()
    .describe('Whose API token it is; without it the token is sent as a Bearer token (OAuth 2.0)'),
  token: secret().describe('An API token, or an OAuth 2.0 access token'),
  project: word().optional().describe('Default project, by its key'),
  type: word().optional().describe('Default issue type; Task where left out'),
}

type Credentials = { email?: string | undefined; token: string }

/**
 * How Jira Cloud's REST API is called, whatever for.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/
 */
export const jiraApi = {
  headers: ({ email, token }: Credentials) => ({
    authorization: email ? `Basic ${Buffer.from(`${email}:${token}`).toString('base64')}` : `Bearer ${token}`,
  }),
  check: ({ http }) => http.get('rest/api/3/myself'),
} satisfies Pick<Provider<z.ZodObject<{ email: z.ZodOptional<z.ZodString>; token: z.ZodString }>>, 'headers' | 'check'>

/** How a project is named: by its key or its id. */
export const jiraProject = { pattern: /^(?:[A-Z][A-Z0-9_]*|\d{1,18})$/, example: 'OPS' }

/** Under this name the key of a call is kept with an issue or a comment, where no one sees it. */
export const keyProperty = 'cloud-automation-webhooks'

/** An issue, with the fields that are asked for here. */
export interface JiraIssue {
  id: string
  key: string
  fields: {
    status: { name: string; statusCategory: { key: string } }
    labels?: string[]
  }
  properties?: Record<string, unknown>
}

const issueFields = ['status', 'labels']
/** What one call may fetch: Jira allows 100. */
export const mostIssues = 50

/**
 * The first issues that a query finds, as the search index knows them: it follows what is written within seconds, under
 * load within minutes.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/
 * @see https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/
 */
export async function searchIssues(http: Http, jql: string): Promise<JiraIssue[]> {
  const query = { jql, maxResults: mostIssues, fields: issueFields.join(), properties: keyProperty }
  const gone = [404, 410]
  let answer = await http.get('rest/api/3/search/jql', { query, accept: gone })
  // What is older than 2025 and speaks v3 has only this one, which today's Cloud answers with 410.
  if (gone.includes(answer.status)) answer = await http.get('rest/api/3/search', { query })
  return (answer.body as { issues: JiraIssue[] }).issues
}

/**
 * Those of the issues that there are and may be seen, as they stand now: this reads the issues, not the search index.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-bulkfetch-post
 */
export async function fetchIssues(http: Http, keys: string[]): Promise<JiraIssue[]> {
  const { body } = await http.post(
    'rest/api/3/issue/bulkfetch',
    { issueIdsOrKeys: keys, fields: issueFields, properties: [keyProperty] },
    { reads: true, accept: [400, 404] },
  )
  return (body as { issues?: JiraIssue[] } | undefined)?.issues ?? []
}

/**
 * The account to assign: an e-mail address is looked up, anything else is an account id already.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-user-search/#api-rest-api-3-user-search-get
 * @throws Failure `refused` where the address belongs to nobody that may be seen, or to several
 */
export async function accountOf({ http }: Client, assignee: string): Promise<{ accountId: string }> {
  if (!assignee.includes('@')) return { accountId: assignee }
  const { body } = await http.get('rest/api/3/user/search', { query: { query: assignee, maxResults: 10 } })
  const users = body as { accountId: string; emailAddress?: string; active?: boolean }[]
  const exact = users.find(({ emailAddress }) => emailAddress?.toLowerCase() === assignee.toLowerCase())
  // An account may hide its address: then the only one that the search found is the one.
  const user = exact ?? (users.length === 1 ? users[0] : undefined)
  if (user) return { accountId: user.accountId }
  throw new Failure(
    'refused',
    `Jira knows ${users.length === 0 ? 'nobody' : 'more than one'} by ${assignee}: write the account id as assignee.`,
  )
}

/** A step of the workflow that an issue may take now. */
export interface Transition {
  id: string
  name: string
  isAvailable?: boolean
  to: JiraIssue['fields']['status']
  /** The fields of its screen. */
  fields?: Record<string, { required?: boolean; allowedValues?: { name?: string }[] }>
}

/** A comment as it is written. */
export interface JiraComment {
  id: string
  body: AdfDocument
  properties?: { key: string; value: unknown }[]
}
