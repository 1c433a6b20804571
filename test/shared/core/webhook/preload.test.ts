import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { beforeEach, expect, jest, test } from '@jest/globals'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { startOnce } from '../../../functions/helpers.ts'
import { startSecrets } from '../../../functions/secrets.ts'

const prefix = 'cloud-automation-webhooks'
const tokens = [`sha256:${createHash('sha256').update('caller-token').digest('hex')}`]
const github = { provider: 'github', token: 'github-token', project: 'o/r' }
const secrets = new Map<string, unknown>()
const server = startOnce(() => startSecrets(secrets))
const namesRead = () => server.calls.map(({ body }) => (body as { SecretId: string }).SecretId.slice(prefix.length + 1))
process.env['WEBHOOKS_STATE_TABLE'] = 'table'

beforeEach(() => {
  server.recover()
  server.calls.splice(0)
  const stored = {
    callers: {
      keptn: { tokens, categories: ['*'], orchestrator: 'production', connections: { 'issue-ticketing': 'main' } },
      other: { tokens: [`sha256:${'a'.repeat(64)}`], categories: ['ci-cd'], orchestrator: 'test' },
    },
    identity: { key: 'identity-key-of-thirty-two-characters' },
    'orchestrators/production': { type: 'keptn', baseUrl: 'https://keptn.example', token: 'keptn-token' },
    'connections/issue-ticketing/main': github,
    'connections/issue-ticketing/default': github,
  }
  for (const [name, secret] of Object.entries(stored)) secrets.set(name, secret)
})

async function newWebhook() {
  jest.resetModules()
  const { webhookHandler } = await import('../../../../shared/core/webhook/handler.ts')
  const { issueTicketing } = await import('../../../../functions/issue-ticketing/index.ts')
  return webhookHandler(issueTicketing)
}

function call(handler: Awaited<ReturnType<typeof newWebhook>>) {
  const event = {
    httpMethod: 'POST',
    path: '/issue-ticketing/open-issue',
    headers: { authorization: 'Bearer caller-token', 'content-type': 'application/json' },
    multiValueQueryStringParameters: { dryRun: ['true'] },
    body: JSON.stringify({ id: 'e-1', data: {}, input: { title: 'T' } }),
    requestContext: { domainName: 'a.example', path: '/v1/issue-ticketing/open-issue' },
  } as unknown as APIGatewayProxyEvent
  return handler(event, { awsRequestId: 'r', getRemainingTimeInMillis: () => 20_000 } as unknown as Context)
}

test('a preloaded webhook has read the secrets of its callers before the first call', async () => {
  const handler = await newWebhook()
  await handler.preload()
  const names = ['callers', 'connections/issue-ticketing/main', 'identity', 'orchestrators/production']
  expect(namesRead().toSorted()).toEqual(names)
  server.calls.splice(0)
  expect(await call(handler)).toMatchObject({ statusCode: 200 })
  expect(namesRead()).toEqual([])
})

test('a webhook whose secrets cannot be read starts, and reads them again for a call', async () => {
  const stored = [...secrets]
  secrets.clear()
  const handler = await newWebhook()
  await handler.preload()
  for (const [name, secret] of stored) secrets.set(name, secret)
  expect(await call(handler)).toMatchObject({ statusCode: 200 })
})

test('init ends in time if Secrets Manager does not respond', async () => {
  server.hang()
  jest.resetModules()
  const { preload } = await import('../../../../shared/core/webhook/preload.ts')
  const { issueTicketing } = await import('../../../../functions/issue-ticketing/index.ts')
  const waiting = new AbortController()
  const isReady = Promise.race([preload(issueTicketing, 10).then(() => true), wait(4_000, false, waiting)])
  expect(await isReady).toBe(true)
  waiting.abort()
  while (namesRead().length < 2) await wait(1)
  expect(namesRead().toSorted()).toEqual(['callers', 'identity'])
})

test('the log has the error of Secrets Manager, of which the response says only that it is not available', async () => {
  server.down()
  const handler = await newWebhook()
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true)
  expect(await call(handler)).toMatchObject({ statusCode: 503, body: expect.stringContaining('cannot be read') })
  const lines = write.mock.calls.map(([line]) => JSON.parse(String(line)))
  write.mockRestore()
  const error = expect.objectContaining({ message: expect.stringMatching(/socket hang up|ECONN/) })
  expect(lines).toContainEqual(expect.objectContaining({ message: 'AWS unavailable', error }))
})
