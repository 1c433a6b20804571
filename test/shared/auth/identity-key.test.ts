import { createHash } from 'node:crypto'
import { afterAll, beforeEach, expect, it, jest } from '@jest/globals'
import type { WebhookResponse } from '../../../shared/http/response.ts'

const prefix = 'cloud-automation-webhooks'
const hash = createHash('sha256').update('caller-token').digest('hex')
const secrets: Record<string, unknown> = {
  [`${prefix}/callers`]: { demo: { tokens: [`sha256:${hash}`], categories: ['*'] } },
  [`${prefix}/connections/issue-ticketing/default`]: { provider: 'github', token: 'github-token', project: 'o/r' },
}
let read: string[] = []
jest.unstable_mockModule('../../../shared/aws/secret-value.ts', () => ({
  getSecret: async (name: string) => {
    read.push(name)
    if (secrets[name] === undefined) throw Object.assign(new Error('no secret'), { name: 'ResourceNotFoundException' })
    return JSON.stringify(secrets[name])
  },
}))
const { issueTicketing } = await import('../../../functions/issue-ticketing/index.ts')
const { webhookHandler } = await import('../../../shared/core/http/handler.ts')

process.env['WEBHOOKS_STATE_TABLE'] = 'table'
afterAll(() => {
  delete process.env['WEBHOOKS_STATE_TABLE']
})
beforeEach(() => {
  read = []
  delete secrets[`${prefix}/identity`]
})

async function call(method: string, path: string, body?: unknown): Promise<WebhookResponse> {
  const handler = webhookHandler(issueTicketing) as (...args: unknown[]) => Promise<WebhookResponse>
  const request = {
    httpMethod: method,
    path,
    headers: { authorization: 'Bearer caller-token', 'content-type': 'application/json' },
    multiValueQueryStringParameters: { dryRun: ['true'] },
    body: body === undefined ? null : JSON.stringify(body),
    isBase64Encoded: false,
    requestContext: { domainName: 'd', path: `/v1${path}` },
  }
  return handler(request, { awsRequestId: 'r-1', getRemainingTimeInMillis: () => 20_000 })
}

const open = (body: object) => call('POST', '/issue-ticketing/open-issue', { input: { title: 'T' }, ...body })

it('Identity key: a call with an event id returns 503 with the name of a missing secret', async () => {
  const { statusCode, body } = await open({ id: 'e-1' })
  const expected = { statusCode: 503, detail: `There is no secret ${prefix}/identity. Create it in Secrets Manager.` }
  expect({ statusCode, detail: JSON.parse(body).detail }).toEqual(expected)
})

it('Identity key: a call without an event id works without the secret', async () => {
  expect((await open({})).statusCode).toBe(200)
})

it('Identity key: a key that is too short returns 503', async () => {
  secrets[`${prefix}/identity`] = { key: 'too short' }
  const { statusCode, body } = await open({ id: 'e-1' })
  const expected = { statusCode: 503, detail: expect.stringContaining('key') }
  expect({ statusCode, detail: JSON.parse(body).detail }).toEqual(expected)
  expect(body).not.toContain('too short')
})

it('Identity key: a status request and an unknown path do not read it', async () => {
  await call('GET', '/issue-ticketing/tasks/nothing')
  await call('GET', '/issue-ticketing/a/b')
  expect(read.filter((name) => name.endsWith('/identity'))).toEqual([])
})
