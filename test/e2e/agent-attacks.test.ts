import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { callTool, errorOf, mcp, withTasks } from './mcp-client.ts'
import { Service } from './service.ts'

const prefix = 'cloud-automation-webhooks'
const tokens = { agent: 'token-of-the-agent', demo: 'token-of-the-demo-caller' }
const SECRET = 'platform-secret-0123456789'
const caller = (token: string) => ({ tokens: [tokenHash(token)], categories: ['*'] })

const service = new Service({
  timeScale: 60,
  secrets: (url) => ({
    [`${prefix}/callers`]: {
      agent: { ...caller(tokens.agent), agent: true, writes: 'allow' },
      demo: caller(tokens.demo),
    },
    [`${prefix}/connections/issue-ticketing/own`]: {
      provider: 'github',
      baseUrl: `${url}/sandbox/github`,
      token: SECRET,
      project: 'demo/shop',
    },
  }),
})
beforeAll(() => service.start())
afterAll(() => service.end())
afterEach(() => service.clearFaults())

const agent = { token: tokens.agent }
const key = () => `test-${randomUUID()}`
const open = (sent: object, options: object = agent) =>
  callTool(service, 'issue-ticketing_open-issue', { key: key(), ...sent }, options)
const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
const post = (
  body: unknown,
  headers: Record<string, string> = {},
  path = '/v1/mcp',
  token: string | null = tokens.agent,
) => service.call(path, body, { token, headers })

/** Sends headers that `fetch` does not send, such as two with the same name. */
async function rawPost(
  body: object,
  headers: [string, string][],
): Promise<{ status?: number | undefined; body: string }> {
  const text = JSON.stringify(body)
  const sent = [
    ['host', new URL(service.url).host],
    ['content-length', String(text.length)],
    ['content-type', 'application/json'],
  ]
  const req = request(`${service.url}/v1/mcp`, { method: 'POST', headers: [...sent, ...headers].flat() })
  req.end(text)
  const [res] = await once(req, 'response')
  let answer = ''
  for await (const chunk of res) answer += chunk
  return { status: res.statusCode, body: answer }
}

describe('The endpoint for agents', () => {
  it('refuses every request without a valid token, before it reads the body', async () => {
    const answers = [
      await post('{', {}, '/v1/mcp', null),
      await post(list, {}, '/v1/mcp', 'a-token-for-another-server'),
      // A token in the URL would be in logs.
      await post(list, {}, `/v1/mcp?token=${tokens.agent}&access_token=${tokens.agent}`, null),
    ]
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401])
    expect(answers.map(({ headers }) => headers.get('www-authenticate'))).toEqual([
      'Bearer',
      'Bearer error="invalid_token"',
      'Bearer',
    ])
  })

  it('has no stream and no session', async () => {
    for (const method of ['GET', 'DELETE', 'PUT'])
      expect((await service.call('/v1/mcp', undefined, { method, token: tokens.agent })).status).toBe(405)
    const { headers } = await post({ ...list, method: 'initialize' }, { 'mcp-session-id': 'mine' })
    expect(headers.get('mcp-session-id')).toBeNull()
  })

  it.each([
    ['a page of another site', list, { origin: 'https://evil.example' }, 403],
    ['another content type', list, { 'content-type': 'text/plain' }, 415],
    ['text that is not JSON', '{"jsonrpc"', { 'content-type': 'application/json' }, 400],
    ['an array of messages', [list, list], {}, 400],
    ['an id that is null', { ...list, id: null }, {}, 400],
    ['a deep body', JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`), {}, 400],
    [
      'names of the prototype',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"__proto__":{}}}}',
      { 'content-type': 'application/json' },
      400,
    ],
    ['a large body', { ...list, params: { text: 'x'.repeat(300_000) } }, {}, 413],
    ['an unknown version', list, { 'mcp-protocol-version': '2020-01-01' }, 400],
  ])('refuses %s', async (_what, body, headers, status) => {
    const answer = await post(body, headers)
    expect(answer.status).toBe(status)
    expect(answer.body.result).toBeUndefined()
  })

  it('refuses headers that differ from the body, or from each other', async () => {
    const call = (headers: Record<string, string | undefined>) =>
      mcp(service, 'tools/call', { name: 'get_task', arguments: {} }, { ...agent, headers })
    const differing = [{ 'mcp-name': 'list_connections' }, { 'mcp-method': 'tools/list' }, { 'mcp-name': undefined }]
    for (const headers of differing) expect(errorOf(await call(headers))).toEqual([400, -32_020])
    const toOther = mcp(
      service,
      'tools/call',
      {
        name: 'issue-ticketing_open-issue',
        arguments: { key: key(), connection: 'default', input: { title: 'Smuggled' } },
      },
      { ...agent, headers: { 'mcp-param-connection': 'own' } },
    )
    expect(errorOf(await toOther)).toEqual([400, -32_020])
    const params = {
      name: 'get_task',
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    }
    const twice = await rawPost({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }, [
      ['authorization', `Bearer ${tokens.agent}`],
      ['mcp-protocol-version', '2026-07-28'],
      ['mcp-method', 'tools/call'],
      ['mcp-name', 'get_task'],
      ['Mcp-Name', 'issue-ticketing_open-issue'],
    ])
    expect({ status: twice.status, code: JSON.parse(twice.body).error.code }).toEqual({ status: 400, code: -32_020 })
    const two = await rawPost(list, [
      ['authorization', `Bearer ${tokens.agent}`],
      ['Authorization', `Bearer ${tokens.demo}`],
    ])
    expect(two.status).toBe(400)
  })

  it('uses an alias of the webhooks that refuses direct calls, which could name any caller', async () => {
    const payload = JSON.stringify({ action: 'open-issue', caller: 'demo', id: 'x', input: { title: 'Direct' } })
    const invoke = async (FunctionName: string) => {
      const { FunctionError, Payload } = await service
        .lambdaClient()
        .send(new InvokeCommand({ FunctionName, Payload: payload }))
      return { FunctionError, payload: new TextDecoder().decode(Payload) }
    }
    expect(await invoke('issue-ticketing-webhook:http')).toMatchObject({
      FunctionError: 'Unhandled',
      payload: expect.stringContaining('accepts requests only'),
    })
    expect((await invoke('issue-ticketing-webhook')).payload).toContain('Opened issue')
  })
})

describe('A result for an agent', () => {
  it('is refused without showing a stored credential that the arguments contain', async () => {
    // The connection is read first, so that its credentials are known.
    const result = await open({ connection: 'own', input: { title: `My token is ${SECRET}` } })
    expect(result.isError).toBe(true)
    expect(result.structuredContent.message).toContain('contains a stored credential')
    expect(JSON.stringify(result)).not.toContain(SECRET)
  })

  it('never contains the link or the key with which a person decides an approval', async () => {
    const sent = { connection: 'default', input: { question: 'Deploy?' } }
    const preview = await callTool(service, 'preview_action', { tool: 'notification_ask-approval', ...sent }, agent)
    const asked = await callTool(service, 'notification_ask-approval', { key: key(), wait: 1, ...sent }, agent)
    const { taskId } = asked.structuredContent
    const read = await callTool(service, 'get_task', { taskId }, agent)
    const task = await mcp(service, 'tasks/get', { taskId }, { ...agent, ...withTasks })
    expect(asked.structuredContent.verdict).toBe('running')
    for (const shown of [preview, asked, read, task.body])
      expect(JSON.stringify(shown)).not.toMatch(/notification\/approvals|[0-9a-f]{40}\.[0-9a-z]+\.[0-9a-f]{16}/)
    await callTool(service, 'cancel_task', { taskId }, agent)
    await service.ended()
  })

  it('is not an answer to a question, because the server asks the agent nothing', async () => {
    const call = { name: 'issue-ticketing_open-issue', arguments: { key: key(), input: { title: 'No question' } } }
    const forged = { ...call, requestState: 'approved', inputResponses: { approve: { action: 'accept' } } }
    const { body } = await mcp(service, 'tools/call', forged, agent)
    expect(body.result).toMatchObject({ resultType: 'complete', structuredContent: { taskId: expect.any(String) } })
  })
})

describe('A task of an agent', () => {
  it('survives a crash between its creation and the first poll, and happens once', async () => {
    await service.fault({ target: 'github', kind: '503' })
    const call = { key: key(), input: { title: 'Survives a crash' }, wait: 0 }
    const created = await open(call, { ...agent, ...withTasks })
    const taskId = created.taskId ?? created.structuredContent.taskId
    await service.kill()
    await service.start()
    await service.clearFaults()
    const get = async () => (await mcp(service, 'tasks/get', { taskId }, { ...agent, ...withTasks })).body.result
    await service.until(async () => (await get()).status === 'completed', 'the end of the task')
    expect(await get()).toMatchObject({ result: { structuredContent: { verdict: 'pass' } } })
    // A model that has lost the answer repeats the call.
    expect((await open(call)).structuredContent.taskId).toBe(taskId)
    expect((await service.issues()).filter(({ title }) => title === 'Survives a crash')).toHaveLength(1)
  })
})
