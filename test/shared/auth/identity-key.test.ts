import { expect, it } from '@jest/globals'
import { issueTicketing } from '../../../functions/issue-ticketing/index.ts'
import { ok } from '../../../infra/testing/loopback-server.ts'
import { request, startAws, tokensOf } from '../core/webhook.ts'

const secrets: Record<string, unknown> = {
  callers: { demo: { tokens: tokensOf('caller-token'), categories: ['*'] } },
  'connections/issue-ticketing/default': { provider: 'github', token: 'github-token', project: 'o/r' },
}
const aws = startAws(secrets, () => ok({}))

const call = (httpMethod: string, path: string, body?: unknown) =>
  request(issueTicketing, {
    httpMethod,
    path,
    multiValueQueryStringParameters: { dryRun: ['true'] },
    headers: { authorization: 'Bearer caller-token', 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
const open = (body: object) => call('POST', '/issue-ticketing/open-issue', { input: { title: 'T' }, ...body })

it('Identity key: a call with an event id returns 503 with the name of a missing secret', async () => {
  const detail = 'There is no secret cloud-automation-webhooks/identity. Create it in Secrets Manager.'
  expect(await open({ id: 'e-1' })).toMatchObject({ statusCode: 503, json: { detail } })
})

it('Identity key: a call without an event id works without the secret', async () => {
  expect((await open({})).statusCode).toBe(200)
})

it('Identity key: a key that is too short returns 503', async () => {
  secrets['identity'] = { key: 'too short' }
  const { statusCode, json } = await open({ id: 'e-1' })
  expect({ statusCode, detail: json.detail }).toEqual({ statusCode: 503, detail: expect.stringContaining('key') })
  expect(JSON.stringify(json)).not.toContain('too short')
})

it('Identity key: a status request and an unknown path do not read it', async () => {
  await call('GET', '/issue-ticketing/tasks/nothing')
  await call('GET', '/issue-ticketing/a/b')
  expect(aws.calls.filter(({ text }) => text.includes('/identity'))).toEqual([])
})
