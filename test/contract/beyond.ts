import type { Contract, Operation } from './document.ts'
import type { Schema } from './json-schema.ts'

/** A call that a provider makes and its contract does not have, with what the vendor's page says of it. */
export interface Beyond {
  /** Method and path, as in a contract. */
  operation: string
  /** Where it is described. */
  docs: string
  why: 'newer than the contract' | 'left out of the contract' | 'another service than that of the contract'
  query?: Record<string, Schema>
  body?: Schema
  answer: unknown
}

const text: Schema = { type: 'string' }
const texts: Schema = { type: 'array', items: text }
const flag: Schema = { type: 'boolean' }
const count: Schema = { type: 'integer', minimum: 0 }
const page = { per_page: { type: 'integer', minimum: 1, maximum: 100 }, page: { type: 'integer', minimum: 1 } }
const jira = 'https://developer.atlassian.com/cloud/jira/platform/rest/v3'
const todo = { name: 'To Do', statusCategory: { key: 'new' } }

/**
 * All that may be called beyond the contracts, by contract. Anything else that a contract does not have fails; so does
 * what stands here and is called no more.
 */
export const beyond: Record<string, Beyond[]> = {
  github: [
    {
      operation: 'GET /rate_limit',
      docs: 'https://docs.github.com/en/rest/rate-limit/rate-limit',
      why: 'left out of the contract',
      answer: { resources: { core: { limit: 5000, remaining: 4999, reset: 1372700873, used: 1 } } },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/issues/{issue_number}/comments',
      docs: 'https://docs.github.com/en/rest/issues/comments#list-issue-comments',
      why: 'left out of the contract',
      query: { since: { type: 'string', format: 'date-time' }, ...page },
      answer: [{ id: 1, body: 'Me too' }],
    },
    {
      operation: 'POST /repos/{owner}/{repo}/issues/{issue_number}/labels',
      docs: 'https://docs.github.com/en/rest/issues/labels#add-labels-to-an-issue',
      why: 'left out of the contract',
      body: { type: 'object', properties: { labels: { ...texts, minItems: 1 } } },
      answer: [{ id: 208045946, name: 'bug' }],
    },
  ],
  jira: [
    {
      operation: 'GET /rest/api/3/search/jql',
      docs: `${jira}/api-group-issue-search/#api-rest-api-3-search-jql-get`,
      why: 'newer than the contract',
      query: {
        jql: text,
        nextPageToken: text,
        maxResults: { type: 'integer', maximum: 5000 },
        fields: texts,
        expand: text,
        properties: texts,
        fieldsByKeys: flag,
        failFast: flag,
        reconcileIssues: { type: 'array', items: { type: 'integer' } },
      },
      answer: { issues: [], isLast: true },
    },
    {
      operation: 'POST /rest/api/3/issue/bulkfetch',
      docs: `${jira}/api-group-issues/#api-rest-api-3-issue-bulkfetch-post`,
      why: 'newer than the contract',
      body: {
        type: 'object',
        required: ['issueIdsOrKeys'],
        properties: {
          issueIdsOrKeys: { ...texts, minItems: 1, maxItems: 100 },
          expand: texts,
          fields: texts,
          fieldsByKeys: flag,
          properties: { ...texts, maxItems: 5 },
        },
      },
      answer: { issues: [], issueErrors: [] },
    },
    {
      operation: 'GET /rest/api/3/search',
      docs: `${jira}/api-group-issue-search/#api-rest-api-3-search-get`,
      why: 'left out of the contract',
      query: {
        jql: text,
        startAt: count,
        maxResults: count,
        validateQuery: { enum: ['strict', 'warn', 'none', 'true', 'false'] },
        fields: texts,
        expand: text,
        properties: texts,
        fieldsByKeys: flag,
        failFast: flag,
      },
      answer: { startAt: 0, total: 1, issues: [{ id: '10002', key: 'ED-1', fields: { status: todo, labels: [] } }] },
    },
    {
      operation: 'GET /rest/api/3/user/search',
      docs: `${jira}/api-group-user-search/#api-rest-api-3-user-search-get`,
      why: 'left out of the contract',
      query: { query: text, username: text, accountId: text, startAt: count, maxResults: count, property: text },
      answer: [{ accountId: '5b10a2844c20165700ede21g', displayName: 'Mia Krystof', active: true }],
    },
    {
      operation: 'GET /rest/api/3/issue/{issueIdOrKey}/comment',
      docs: `${jira}/api-group-issue-comments/#api-rest-api-3-issue-issueidorkey-comment-get`,
      why: 'left out of the contract',
      query: {
        startAt: count,
        maxResults: count,
        orderBy: { type: 'string', enum: ['created', '-created', '+created'] },
        expand: text,
      },
      answer: { startAt: 0, maxResults: 100, total: 1, comments: [{ id: '10000' }] },
    },
    {
      operation: 'GET /rest/api/3/comment/{commentId}/properties/{propertyKey}',
      docs: `${jira}/api-group-issue-comment-properties/#api-rest-api-3-comment-commentid-properties-propertykey-get`,
      why: 'left out of the contract',
      answer: { key: 'cloud-automation-webhooks', value: { key: 'of another call' } },
    },
  ],
  'keptn-api': [
    {
      operation: 'GET /mongodb-datastore/event',
      docs: 'https://github.com/keptn/keptn/blob/1.4.5/mongodb-datastore/swagger.yaml',
      why: 'another service than that of the contract',
      query: {
        ...{ keptnContext: text, type: text, root: text, project: text, stage: text, service: text, source: text },
        pageSize: { type: 'integer', minimum: 1, maximum: 100 },
        nextPageKey: text,
      },
      answer: { totalCount: 0, pageSize: 100, events: [] },
    },
  ],
}

/** The call as an operation of the contract, with credentials as its others have them. */
export function operationOf(
  { operation, query = {}, body, answer }: Beyond,
  contract: Contract,
  under = '',
): Operation {
  const [method = '', path = ''] = operation.split(' ')
  return {
    name: operation,
    method,
    path: `${under}${path}`,
    parameters: Object.entries(query).map(([name, schema]) => ({ name, in: 'query', required: false, schema })),
    body:
      body === undefined
        ? undefined
        : { required: true, content: { 'application/json': { schema: body, examples: [] } } },
    credentials: contract.operations.find(({ credentials }) => credentials.length > 0)?.credentials ?? [],
    responses: [{ status: 200, schema: undefined, examples: { default: answer } }],
  }
}
