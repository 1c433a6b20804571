import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { tokenHash } from '../../infra/project/token-hash.ts'
import type { Tool } from '../../shared/agents/server.ts'
import { waitForAll } from '../wait-for-all.ts'
import { callToEnd, callTool, errorOf, mcp, withTasks } from './mcp-client.ts'
import { Service } from './service.ts'

const prefix = 'cloud-automation-webhooks'
const tokens = { agent: 'token-of-the-agent', other: 'token-of-another-agent', limited: 'token-of-the-limited-agent' }
const caller = (token: string, more = {}) => ({
  tokens: [tokenHash(token)],
  categories: ['*'],
  agent: true,
  writes: 'allow',
  ...more,
})

const service = new Service({
  timeScale: 60,
  sandboxTimeScale: 1,
  secrets: {
    [`${prefix}/callers`]: {
      agent: caller(tokens.agent, { connections: { 'ci-cd': 'sandbox' } }),
      other: caller(tokens.other),
      limited: caller(tokens.limited, {
        categories: ['issue-ticketing', 'ci-cd'],
        allow: ['issue-ticketing/open-issue', 'ci-cd/cancel'],
        allowConnections: { 'issue-ticketing': ['default'] },
      }),
    },
  },
})
beforeAll(() => service.start())
afterAll(() => service.end())
afterEach(() => service.clearFaults())

const agent = { token: tokens.agent }
const GENERAL = ['cancel_task', 'get_task', 'list_connections', 'preview_action']
const key = () => `test-${randomUUID()}`
const open = (sent: object, options: object = agent) =>
  callTool(service, 'issue-ticketing_open-issue', { key: key(), ...sent }, options)
const openToEnd = (sent: object) => callToEnd(service, 'issue-ticketing_open-issue', { key: key(), ...sent }, agent)
const issuesWith = async (title: string) => (await service.issues()).filter((issue) => issue.title === title)
const listTools = async (token: string) => (await mcp(service, 'tools/list', {}, { token })).body.result

describe('The tools of an agent', () => {
  it('are the actions that its token may call, and four general tools', async () => {
    const { tools, ttlMs, cacheScope } = await listTools(tokens.agent)
    const names = tools.map(({ name }: { name: string }) => name)
    expect(names).toEqual(names.toSorted())
    expect(names).toEqual(expect.arrayContaining(['remediation_rollback', 'get_task', 'list_connections']))
    expect({ ttlMs, cacheScope }).toEqual({ ttlMs: 300_000, cacheScope: 'private' })
    const limited = (await listTools(tokens.limited)).tools
    expect(limited.map(({ name }: { name: string }) => name)).toEqual([
      'cancel_task',
      // By its former name.
      'ci-cd_cancel-run',
      'get_task',
      'issue-ticketing_open-issue',
      'list_connections',
      'preview_action',
    ])
    const { connection } = limited.at(3).inputSchema.properties
    expect(connection).toMatchObject({ enum: ['default'], 'x-mcp-header': 'Connection' })
  })

  it('fit into the context of a model, and have no alternatives and references', async () => {
    const { tools } = await listTools(tokens.agent)
    // A client sends these parts to a model.
    const parts = tools.map(({ name, description, inputSchema }: Tool) => ({ name, description, inputSchema }))
    const text = JSON.stringify(parts)
    expect(tools.length).toBeGreaterThanOrEqual(33)
    expect(countTokens(text)).toBeLessThanOrEqual(8_000)
    expect(text).not.toMatch(/"(oneOf|anyOf|allOf|\$ref)"/)
    for (const { name, annotations } of tools) {
      expect(name).toMatch(/^[a-zA-Z0-9_-]{1,40}$/)
      expect(Object.keys(annotations).sort()).toEqual([
        'destructiveHint',
        'idempotentHint',
        'openWorldHint',
        'readOnlyHint',
      ])
    }
  })

  it('are unknown if the token may not call them, as if they did not exist', async () => {
    const call = (name: string) => mcp(service, 'tools/call', { name, arguments: {} }, { token: tokens.limited })
    const [forbidden, missing] = await waitForAll([call('remediation_rollback'), call('remediation_unheard-of')])
    expect(errorOf(forbidden)).toEqual([200, -32_602])
    expect(forbidden.body.error.message).toBe('Unknown tool: remediation_rollback')
    expect(missing.body.error.message).toBe('Unknown tool: remediation_unheard-of')
  })

  it.each<[string, Record<string, string>, string[]]>([
    ['?tools=ci-cd', {}, ['ci-cd_cancel-run', 'ci-cd_trigger-build', 'ci-cd_trigger-deployment']],
    ['?tools=slo_push-report,issue-ticketing/open-issue', {}, ['issue-ticketing_open-issue', 'slo_push-report']],
    ['?readonly', {}, ['slo_request-evaluation']],
    ['?tools=unheard-of', {}, []],
    [
      '',
      { 'x-mcp-toolsets': 'ci-cd, slo', 'x-mcp-tools': 'slo/push-report,remediation_rollback' },
      ['slo_push-report'],
    ],
    ['?tools=remediation,slo', { 'x-mcp-toolsets': 'slo', 'x-mcp-readonly': 'true' }, ['slo_request-evaluation']],
    ['?tools=ci-cd/cancel&readonly=false', { 'x-mcp-readonly': '' }, ['ci-cd_cancel-run']],
  ])('are narrowed by %s with the headers %j', async (query, headers, expected) => {
    const request = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
    const { body } = await service.call(`/v1/mcp${query}`, request, { token: tokens.agent, headers })
    const names = body.result.tools.map(({ name }: Tool) => name)
    expect(names.filter((name: string) => !GENERAL.includes(name))).toEqual(expected)
    const isReadOnly = expected.length === 1 && expected[0] === 'slo_request-evaluation'
    expect(names.includes('cancel_task')).toBe(!isReadOnly)
    expect(names).toEqual(expect.arrayContaining(GENERAL.slice(1)))
  })

  it('that the token may not call do not appear, and what is hidden cannot be called', async () => {
    const request = (query: string, message: object, token: string) =>
      service.call(`/v1/mcp${query}`, { jsonrpc: '2.0', id: 1, ...message }, { token })
    const { body } = await request('?tools=remediation,issue-ticketing', { method: 'tools/list' }, tokens.limited)
    const listed = body.result.tools.map(({ name }: Tool) => name)
    expect(listed).toContain('issue-ticketing_open-issue')
    expect(listed.join()).not.toContain('remediation')
    const call = (name: string, sent: object) => ({ method: 'tools/call', params: { name, arguments: sent } })
    const opening = call('issue-ticketing_open-issue', { key: key(), input: { title: 'Hidden' } })
    for (const query of ['?readonly', '?tools=ci-cd'])
      expect((await request(query, opening, tokens.agent)).body.error.message).toBe(
        'Unknown tool: issue-ticketing_open-issue',
      )
    expect(await issuesWith('Hidden')).toEqual([])
    // A reader follows the task of another session, and cannot cancel it.
    const { structuredContent } = await open({ input: { title: 'Followed by a reader' } })
    const { taskId } = structuredContent
    const read = await request('?readonly', call('get_task', { taskId }), tokens.agent)
    expect(read.body.result.structuredContent).toMatchObject({ taskId })
    const cancel = await request('?readonly', call('cancel_task', { taskId }), tokens.agent)
    expect(cancel.body.error.message).toBe('Unknown tool: cancel_task')
  })

  it('name the connections that the token may use, with their providers', async () => {
    const { structuredContent } = await callTool(service, 'list_connections', {}, { token: tokens.limited })
    expect(structuredContent.connections).toMatchObject({
      'issue-ticketing': [{ name: 'default', description: 'github' }],
    })
    expect(Object.keys(structuredContent.connections)).toEqual(['ci-cd', 'issue-ticketing'])
  })
})

describe('A call of an agent', () => {
  it('returns the outcome of a fast action', async () => {
    const { isError, structuredContent, content } = await openToEnd({ input: { title: 'Opened by an agent' } })
    expect({ isError, structuredContent }).toMatchObject({
      isError: false,
      structuredContent: {
        verdict: 'pass',
        taskId: expect.stringMatching(/^issue-ticketing\.[0-9a-f]{40}$/),
        message: expect.stringMatching(/^Opened issue \d+$/),
      },
    })
    expect(JSON.parse(content[0].text)).toEqual(structuredContent)
    expect(content[1]).toMatchObject({ type: 'resource_link', uri: structuredContent.data.url })
  })

  it('is the same call if it is repeated with its key, and happens once', async () => {
    const call = { key: key(), input: { title: 'Opened once' } }
    const [first, second] = [await openToEnd(call), await openToEnd(call)]
    expect(second).toEqual(first)
    expect(await issuesWith('Opened once')).toHaveLength(1)
  })

  it('starts nothing if its key was used with other words, and names the task', async () => {
    const used = key()
    const first = await open({ key: used, input: { title: 'Checkout is slow' } })
    const second = await open({ key: used, input: { title: 'Checkout is slow.' } })
    expect(second).toMatchObject({
      isError: true,
      structuredContent: {
        verdict: 'refused',
        message: expect.stringContaining(first.structuredContent.taskId),
        errors: [{ path: 'key', message: 'was used with other arguments' }],
      },
    })
    expect(await issuesWith('Checkout is slow.')).toEqual([])
    // Another connection is another call, too.
    const third = await open({ key: used, connection: 'other', input: { title: 'Checkout is slow' } })
    expect(third.isError).toBe(true)
  })

  it('starts nothing if its key was used over HTTP, and the other way around', async () => {
    const [first, second] = [key(), key()]
    const post = (used: string, title: string) =>
      service.call(`/v1/issue-ticketing/open-issue?mode=interactive&key=${used}`, { input: { title } }, agent)
    const accepted = await post(first, 'Opened over HTTP')
    expect(accepted.status).toBe(202)
    expect(await open({ key: first, input: { title: 'Opened by the agent' } })).toMatchObject({
      isError: true,
      structuredContent: { message: expect.stringContaining(accepted.body.taskId) },
    })
    // With the same arguments, it is the same task.
    const same = await openToEnd({ key: first, input: { title: 'Opened over HTTP' } })
    expect(same).toMatchObject({ isError: false, structuredContent: { verdict: 'pass' } })
    await open({ key: second, input: { title: 'Opened first' } })
    expect(await post(second, 'Opened second')).toMatchObject({ status: 400, body: { errors: [{ path: 'key' }] } })
    expect(await issuesWith('Opened over HTTP')).toHaveLength(1)
    for (const title of ['Opened by the agent', 'Opened second']) expect(await issuesWith(title)).toEqual([])
  })

  it('is another call if another agent uses the same key', async () => {
    const used = { key: key(), input: { title: 'Opened by two agents' } }
    const tasks = [await open(used), await open(used, { token: tokens.other })]
    const ids = tasks.map(({ structuredContent }) => structuredContent.taskId)
    expect(new Set(ids).size).toBe(2)
    expect(await issuesWith('Opened by two agents')).toHaveLength(2)
  })

  it('sent twice at the same time with other words starts one task only', async () => {
    const used = key()
    const both = await waitForAll(
      ['at once', 'at once!'].map((title) => open({ key: used, input: { title: `Opened ${title}` } })),
    )
    expect(both.map(({ isError }) => isError).sort()).toEqual([false, true])
    const opened = [...(await issuesWith('Opened at once')), ...(await issuesWith('Opened at once!'))]
    expect(opened).toHaveLength(1)
  })

  it('keeps its key after its input was refused, so that a model can correct it', async () => {
    const used = key()
    const refused = await open({ key: used, input: { title: 'Corrected', prority: 'high' } })
    expect(refused).toMatchObject({
      isError: true,
      structuredContent: { verdict: 'refused', errors: [{ path: expect.stringContaining('prority') }] },
    })
    expect((await open({ key: used, input: { title: 'Corrected' } })).isError).toBe(false)
  })

  it.each([
    [{ input: {} }, 'key'],
    [{ key: 'with a space', input: {} }, 'key'],
    [{ key: 'a', wait: 21, input: {} }, 'wait'],
    [{ key: 'a', input: 'text' }, 'input'],
    [{ key: 'a', mode: 'silent' }, 'mode'],
    [{ key: 'a', input: {}, __proto__: undefined, deadline: 5 }, 'deadline'],
  ])('with wrong arguments %j says what to correct', async (sent, path) => {
    const { isError, structuredContent } = await callTool(service, 'issue-ticketing_open-issue', sent, agent)
    expect({ isError, structuredContent }).toMatchObject({ isError: true, structuredContent: { verdict: 'refused' } })
    expect(structuredContent.errors.map((error: { path: string }) => error.path)).toContain(path)
  })

  it('with fields that are null is the call without them', async () => {
    const call = { key: key(), input: { title: 'Without an assignee' } }
    const [first] = [await openToEnd(call)]
    const { title } = call.input
    const nulls = { connection: null, deadline: null, wait: null, data: { project: null } }
    expect(await openToEnd({ ...call, ...nulls, input: { title, assignee: null, labels: null } })).toEqual(first)
    expect(await issuesWith(title)).toHaveLength(1)
  })

  it('with flat arguments, or a typing mistake, says where they belong', async () => {
    const { structuredContent } = await open({ title: 'Flat', project: null, conection: 'default' })
    expect(structuredContent.errors).toEqual([
      { path: 'title', message: 'belongs into input: {"input": {"title": ..}}' },
      { path: 'project', message: 'belongs into input: {"input": {"project": ..}}' },
      { path: 'conection', message: 'is not a known field. Did you mean "connection"?' },
    ])
  })

  it('with a connection that it may not use names the argument, not a query', async () => {
    const { structuredContent } = await open(
      { connection: 'other', input: { title: 'Not allowed' } },
      { token: tokens.limited },
    )
    expect(structuredContent.message).toContain('It may use default: select one with "connection"')
  })

  it('can be previewed, and the preview sends nothing', async () => {
    const { structuredContent } = await callTool(
      service,
      'preview_action',
      { tool: 'issue-ticketing_open-issue', input: { title: 'Only a preview' } },
      agent,
    )
    expect(structuredContent).toMatchObject({
      verdict: 'pass',
      data: { request: { method: 'POST', body: { title: 'Only a preview' } } },
    })
    expect(await issuesWith('Only a preview')).toEqual([])
  })
})

describe('A long call of an agent', () => {
  it('returns a task that can be read, for a client without tasks', async () => {
    await service.fault({ target: 'github', kind: '503' })
    const { isError, structuredContent } = await open({ input: { title: 'Opened later' }, wait: 0 })
    expect({ isError, structuredContent }).toMatchObject({
      isError: false,
      structuredContent: { verdict: 'running', pollAfterSeconds: expect.any(Number) },
    })
    await service.clearFaults()
    const { taskId } = structuredContent
    const read = () => callTool(service, 'get_task', { taskId, wait: 5 }, agent)
    await service.until(async () => (await read()).structuredContent.verdict === 'pass', 'the end of the task')
    expect(await issuesWith('Opened later')).toHaveLength(1)
  })

  it('has an id with its category, which an error explains', async () => {
    const { structuredContent } = await open({ input: { title: 'Read without its category' } })
    const [, id] = structuredContent.taskId.split('.')
    expect((await callTool(service, 'get_task', { taskId: id }, agent)).structuredContent).toMatchObject({
      verdict: 'refused',
      message: expect.stringContaining('A taskId is <category>.<id>'),
    })
    expect((await callTool(service, 'get_task', { task_id: id }, agent)).structuredContent.message).toContain(
      'Did you mean "taskId"?',
    )
  })

  it('is a task for a client that declares the extension', async () => {
    await service.fault({ target: 'github', kind: '503' })
    const created = await open({ input: { title: 'A task' }, wait: 0 }, { ...agent, ...withTasks })
    expect(created).toMatchObject({
      resultType: 'task',
      taskId: expect.stringMatching(/^issue-ticketing\./),
      status: 'working',
      ttlMs: (3_600 + 14 * 86_400) * 1_000,
      pollIntervalMs: expect.any(Number),
    })
    const { taskId } = created
    const request = (method: string, params = {}, options: object = { ...agent, ...withTasks }) =>
      mcp(service, method, { taskId, ...params }, options)
    expect((await request('tasks/get')).body.result).toMatchObject({
      resultType: 'complete',
      taskId,
      status: 'working',
    })
    expect(errorOf(await request('tasks/get', {}, agent))).toEqual([400, -32_021])
    expect((await request('tasks/update', { inputResponses: {} })).body.result).toMatchObject({
      resultType: 'complete',
    })
    expect((await request('tasks/cancel')).body.result).toMatchObject({ resultType: 'complete' })
    const status = async () => (await request('tasks/get')).body.result
    await service.until(async () => (await status()).status === 'cancelled', 'the canceled task')
    expect((await status()).statusMessage).toMatch(/^Canceled by agent/)
    // Also for a task that has ended.
    expect((await request('tasks/cancel')).body.result).toMatchObject({ resultType: 'complete' })
  })

  it('ends as completed with an error if the job fails', async () => {
    await service.fault({ target: 'github', kind: '401' })
    const { taskId } = await callTool(
      service,
      'issue-ticketing_open-issue',
      { key: key(), input: { title: 'Fails' }, wait: 0 },
      {
        ...agent,
        ...withTasks,
      },
    ).then((result) => ({ taskId: result.taskId ?? result.structuredContent.taskId }))
    const get = async () => (await mcp(service, 'tasks/get', { taskId }, { ...agent, ...withTasks })).body.result
    await service.until(async () => (await get()).status !== 'working', 'the end of the task')
    expect(await get()).toMatchObject({
      status: 'completed',
      result: {
        resultType: 'complete',
        isError: true,
        structuredContent: {
          verdict: 'errored',
          message: expect.stringContaining('Do not repeat this with another key'),
        },
      },
    })
  })

  it('is unknown to another agent, with the same words as a task that does not exist', async () => {
    const { structuredContent } = await open({ input: { title: 'A secret task' } })
    const other = { token: tokens.other }
    expect(await callTool(service, 'get_task', { taskId: structuredContent.taskId }, other)).toMatchObject({
      isError: true,
      structuredContent: { errors: [{ path: 'taskId' }] },
    })
    const ids = [structuredContent.taskId, `issue-ticketing.${'0'.repeat(40)}`, 'unheard-of.x', '']
    for (const method of ['tasks/get', 'tasks/cancel']) {
      const answers = await waitForAll(
        ids.map((taskId) => mcp(service, method, { taskId }, { token: tokens.other, ...withTasks })),
      )
      expect(answers.map(errorOf)).toEqual(ids.map(() => [200, -32_602]))
      expect(new Set(answers.map(({ body }) => body.error.message)).size).toBe(1)
    }
  })
})

describe('A client with the handshake', () => {
  const legacy = (method: string, params: object = {}, headers = {}) =>
    service.call('/v1/mcp', { jsonrpc: '2.0', id: 7, method, params }, { token: tokens.agent, headers })

  it('gets results without fields of the newer protocol', async () => {
    const initialize = await legacy('initialize', { protocolVersion: '2025-06-18', capabilities: {} })
    expect(initialize.body.result).toMatchObject({
      protocolVersion: '2025-06-18',
      capabilities: { tools: {} },
      serverInfo: { name: 'cloud-automation-webhooks' },
    })
    expect((await legacy('initialize', { protocolVersion: '1999-01-01' })).body.result.protocolVersion).toBe(
      '2025-11-25',
    )
    // A bridge sends the headers of the newer protocol with it.
    for (const headers of [{ 'mcp-method': 'initialize' }, { 'mcp-protocol-version': '2026-07-28' }])
      expect((await legacy('initialize', { protocolVersion: '2025-11-25' }, headers)).body.result).toMatchObject({
        protocolVersion: '2025-11-25',
      })
    expect((await legacy('tools/list', {}, { 'mcp-method': 'tools/list' })).body.result).not.toHaveProperty('ttlMs')
    const headers = { 'mcp-protocol-version': '2025-06-18' }
    expect(Object.keys((await legacy('tools/list', {}, headers)).body.result)).toEqual(['tools'])
    const call = { name: 'issue-ticketing_open-issue', arguments: { key: key(), input: { title: 'By handshake' } } }
    const { result } = (await legacy('tools/call', call, headers)).body
    expect(Object.keys(result).sort()).toEqual(['content', 'isError', 'structuredContent'])
    expect(result.structuredContent.verdict).toBe('pass')
    expect(errorOf(await legacy('tasks/get', {}, headers))).toEqual([200, -32_601])
    expect((await legacy('ping')).body.result).toEqual({})
    const notification = { jsonrpc: '2.0', method: 'notifications/initialized' }
    expect(await service.call('/v1/mcp', notification, { token: tokens.agent })).toMatchObject({ status: 202 })
  })
})
