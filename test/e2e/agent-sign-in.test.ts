import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type SentButtonPress, slackServer } from '../functions/notification/slack/fake.ts'
import { AuthorizationServer } from '../platforms/authorization-server.ts'
import { signingKey } from '../platforms/issuer.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { waitForAll } from '../wait-for-all.ts'
import { callToEnd, callTool, mcp } from './mcp-client.ts'
import { Service } from './service.ts'

const prefix = 'cloud-automation-webhooks'
const METADATA = '/.well-known/oauth-protected-resource/v1/mcp'

const policyFile = join(temporaryFolder(), 'policy.yaml')
writeFileSync(
  policyFile,
  `timeZone: UTC
approval: { connection: ops, channel: C0RELEASES, waitAtMost: PT10M }
rules:
  - name: another person
    when: { actions: [issue-ticketing/open-issue], input: "title == 'Reviewed'" }
    approve: { notRequester: true }
`,
)

let provider: AuthorizationServer
let service: Service
let slack: Awaited<ReturnType<typeof slackServer>>
let resource: string

beforeAll(async () => {
  slack = await slackServer()
  slack.people.push({ id: 'U0BEN', name: 'ben', realName: 'Ben Roe', email: 'ben@example.com' })
  provider = await AuthorizationServer.start(await signingKey('k1'), {
    'acme-jane': { email: 'jane@example.com', email_verified: true },
    'acme-claimed': { email: 'jane@example.com', email_verified: false },
  })
  service = new Service({
    timeScale: 60,
    hasAgentSignIn: true,
    policyFile,
    secrets: (url) => ({
      [`${prefix}/callers`]: {
        agent: {
          oidc: { issuer: provider.issuer, audience: `${url}/v1/mcp`, claims: { sub: 'acme-*' } },
          categories: ['issue-ticketing', 'ci-cd', 'slo', 'notification'],
          agent: true,
          writes: 'allow',
        },
      },
      [`${prefix}/connections/notification/ops`]: {
        provider: 'slack',
        baseUrl: slack.url,
        token: slack.token,
        signingSecret: slack.signingSecret,
        channel: 'C0RELEASES',
      },
    }),
  })
  await service.start()
  resource = `${service.url}/v1/mcp`
})
afterAll(() => waitForAll([service.end(), provider.stop(), slack.close()]))

const key = () => `test-${randomUUID()}`
const opening = (title: string) => ({ name: 'issue-ticketing_open-issue', arguments: { key: key(), input: { title } } })
const issuesWith = async (title: string) => (await service.issues()).filter((issue) => issue.title === title).length
const post = (path: string, token: string, body: object = {}) => service.call(`/v1/${path}`, body, { token })

/** Returns a token that the provider issues for some minutes. */
const tokenOf = (claims: object) => provider.sign({ aud: resource, sub: 'acme-robot', ...claims })
const reader = () => tokenOf({ scope: 'actions:read' })
const writer = () => tokenOf({ scope: 'actions:write' })

/** Expects that a response names the scope that the token lacks. */
function expectScope(answer: { status: number; headers: Headers }, scope: string, metadata = ''): void {
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
    403,
    `Bearer error="insufficient_scope", scope="${scope}"${metadata}`,
  ])
}

describe('An agent that signs in', () => {
  it('learns where, and calls as the person, whom the audit record names', async () => {
    const refused = await mcp(service, 'tools/list', {}, { token: null })
    const challenge = `Bearer scope="actions:read actions:write", resource_metadata="${service.url}${METADATA}"`
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, challenge])
    const { body } = await service.call(METADATA, undefined, { method: 'GET', token: null })
    expect(body).toMatchObject({ resource, authorization_servers: [provider.issuer] })
    const token = await provider.tokenOf('acme-jane', resource)
    const { structuredContent } = await callToEnd(
      service,
      'issue-ticketing_open-issue',
      opening('Opened by Jane').arguments,
      { token },
    )
    expect(structuredContent).toMatchObject({ verdict: 'pass' })
    expect(await issuesWith('Opened by Jane')).toBe(1)
    await service.ended()
    const records = service.logs().filter(({ audit, person }) => audit === 'task' && person !== undefined)
    expect(records).toMatchObject([{ caller: 'agent', person: 'jane@example.com', outcome: 'pass' }])
    expect(service.output).not.toContain(token)
  })

  it('is not approved by this person', async () => {
    slack.empty()
    const token = await provider.tokenOf('acme-jane', resource)
    const call = opening('Reviewed')
    const { taskId } = (await callTool(service, call.name, { ...call.arguments, wait: 0 }, { token })).structuredContent
    await service.until(() => slack.posts.length > 0, 'a request for an approval')
    const press = async (user: string) => {
      const { headers = {}, body }: SentButtonPress = slack.pressButton(slack.posts[0] as never, 'approve', user)
      return fetch(`${service.url}/v1/notification/slack`, { method: 'POST', headers, body })
    }
    await press('U0JANE')
    expect(slack.ephemerals.at(-1)?.text).toContain('You requested this approval')
    expect(await issuesWith('Reviewed')).toBe(0)
    await press('U0BEN')
    const read = () => callTool(service, 'get_task', { taskId }, { token })
    await service.until(async () => (await read()).structuredContent.verdict === 'pass', 'the end of the task')
  })

  it.each(['acme-robot', 'acme-claimed'])(
    'is refused as %s if another person than the requester must approve',
    async (login) => {
      const { name, arguments: sent } = opening('Reviewed')
      const result = await callTool(service, name, sent, { token: await provider.tokenOf(login, resource) })
      expect([result.isError, result.structuredContent.message]).toEqual([
        true,
        expect.stringContaining('another person than the requester, who is not known'),
      ])
    },
  )

  it('keeps its task while the provider is down', async () => {
    await service.fault({ target: 'github', kind: '503' })
    const { name, arguments: sent } = opening('Opened meanwhile')
    const token = await writer()
    const { taskId } = (await callTool(service, name, { ...sent, wait: 0 }, { token })).structuredContent
    await provider.stop()
    await service.clearFaults()
    await service.ended()
    await provider.startAgain()
    const { structuredContent } = await callTool(service, 'get_task', { taskId }, { token })
    expect(structuredContent).toMatchObject({ verdict: 'pass' })
  })
})

describe('A token with the scope actions:read', () => {
  const metadata = () => `, resource_metadata="${service.url}${METADATA}"`

  it('lists the tools, reads, and previews', async () => {
    const token = await reader()
    const { body } = await mcp(service, 'tools/list', {}, { token })
    expect(body.result.tools.map(({ name }: { name: string }) => name)).toContain('issue-ticketing_open-issue')
    const input = { title: 'Previewed' }
    const preview = await callTool(service, 'preview_action', { tool: opening('').name, input }, { token })
    expect(preview.structuredContent).toMatchObject({ verdict: 'pass' })
    const unknown = await mcp(service, 'tools/call', { name: 'get_task', arguments: { taskId: 'ci-cd.x' } }, { token })
    expect(unknown.status).toBe(200)
  })

  it('calls no tool that writes, and learns which scope it needs', async () => {
    const token = await reader()
    const { taskId } = (
      await callTool(service, opening('').name, opening('Opened before').arguments, { token: await writer() })
    ).structuredContent
    for (const call of [opening('Read only'), { name: 'cancel_task', arguments: { taskId } }])
      expectScope(await mcp(service, 'tools/call', call, { token }), 'actions:write', metadata())
    const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
    expectScope(await mcp(service, 'tasks/cancel', { taskId }, { token, capabilities }), 'actions:write', metadata())
    expect(await issuesWith('Read only')).toBe(0)
  })

  it('writes nothing at the webhooks either', async () => {
    const token = await reader()
    const { structuredContent } = await callTool(service, opening('').name, opening('Opened before, too').arguments, {
      token: await writer(),
    })
    const task = `issue-ticketing/tasks/${structuredContent.taskId.split('.')[1]}`
    const input = { title: 'Read only' }
    const writes: [string, object][] = [
      ['issue-ticketing/open-issue', { input }],
      ['issue-ticketing/open-issue?mode=interactive&key=k', { input }],
      ['issue-ticketing/open-issue/cancel?mode=interactive&key=k', { input }],
      ['issue-ticketing/verify', {}],
      [`${task}/cancel`, {}],
      [`${task}/rerun`, {}],
      [`${task}/answer`, {}],
    ]
    for (const [path, body] of writes) expectScope(await post(path, token, body), 'actions:write')
    expect((await post('issue-ticketing/open-issue?dryRun=true', token, { input })).status).toBe(200)
    expect((await service.call(`/v1/${task}`, undefined, { method: 'GET', token })).status).toBe(200)
    expect(await issuesWith('Read only')).toBe(0)
  })
})

describe('A token without a scope', () => {
  it('is worth nothing, at the endpoint and at the webhooks', async () => {
    const token = await tokenOf({ scope: 'openid' })
    const metadata = `, resource_metadata="${service.url}${METADATA}"`
    expectScope(await mcp(service, 'tools/list', {}, { token }), 'actions:read', metadata)
    expectScope(await post('issue-ticketing/open-issue', token, { input: { title: 'None' } }), 'actions:read')
    expectScope(
      await post('issue-ticketing/open-issue?dryRun=true', token, { input: { title: 'None' } }),
      'actions:read',
    )
  })
})
