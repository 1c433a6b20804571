import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { agentClients } from '../../../infra/cli/agent-clients.ts'
import { agentDemo } from '../../../infra/cli/demo/agent-demo.ts'
import { runDemo } from '../../../infra/cli/demo/run-demo.ts'
import { tokenHash } from '../../../infra/project/token-hash.ts'
import { mcp, withTasks } from '../../e2e/mcp-client.ts'
import { Service } from '../../e2e/service.ts'
import { callToEnd } from './call-to-end.ts'
import { installPrograms, programs } from './programs.ts'

const TOKEN = 'token-of-the-agent'
const MODERN = '2026-07-28'
const SETTINGS = { name: 'test', version: '1.0.0' }
const callers = { agent: { tokens: [tokenHash(TOKEN)], categories: ['*'], agent: true, writes: 'allow' } }
const service = new Service({ timeScale: 60, secrets: { 'cloud-automation-webhooks/callers': callers } })

beforeAll(async () => {
  await installPrograms()
  await service.start()
})
afterAll(() => service.end())
afterEach(() => service.clearFaults())

const folder = join(programs, 'node_modules/@modelcontextprotocol')
// biome-ignore lint/suspicious/noExplicitAny: the packages are installed when the test runs.
const load = (file: string): Promise<any> => import(pathToFileURL(join(folder, file)).href)
const request = () => ({ requestInit: { headers: { authorization: `Bearer ${TOKEN}` } } })
const endpoint = () => new URL(`${service.url}/v1/mcp`)
const opening = (title: string) => ({
  name: 'issue-ticketing_open-issue',
  arguments: { key: `test-${randomUUID()}`, input: { title } },
})
const opened = async (title: string) => (await service.issues()).filter((issue) => issue.title === title).length

describe('@modelcontextprotocol/client', () => {
  test.each([
    ['auto', 'auto'],
    ['legacy', 'legacy'],
    ['pinned', { pin: MODERN }],
  ])('in mode %s lists and calls tools, and happens once', async (name, mode) => {
    const { Client, StreamableHTTPClientTransport } = await load('client/dist/index.mjs')
    const client = new Client(SETTINGS, { versionNegotiation: { mode } })
    await client.connect(new StreamableHTTPClientTransport(endpoint(), request()))
    const { tools } = await client.listTools()
    expect(tools.map((tool: { name: string }) => tool.name)).toContain('remediation_rollback')
    const call = opening(`Opened in mode ${name}`)
    const results = [await callToEnd(client, call), await callToEnd(client, call)]
    for (const { structuredContent } of results) expect(structuredContent).toMatchObject({ verdict: 'pass' })
    expect(await opened(`Opened in mode ${name}`)).toBe(1)
    await client.close()
  })
})

test('@modelcontextprotocol/sdk lists and calls tools', async () => {
  const { Client } = await load('sdk/dist/esm/client/index.js')
  const { StreamableHTTPClientTransport } = await load('sdk/dist/esm/client/streamableHttp.js')
  const client = new Client(SETTINGS)
  await client.connect(new StreamableHTTPClientTransport(endpoint(), request()))
  expect((await client.listTools()).tools.length).toBeGreaterThan(20)
  // It checks structured content against the schema of the tool.
  const { structuredContent } = await callToEnd(client, opening('Opened by SDK v1'))
  expect(structuredContent).toMatchObject({ verdict: 'pass', message: expect.stringMatching(/^Opened issue/) })
  await expect(client.callTool({ name: 'unheard-of', arguments: {} })).rejects.toThrow('Unknown tool')
  await client.close()
})

describe('@modelcontextprotocol/ext-tasks', () => {
  test('polls a task until it has ended', async () => {
    const [{ Client, StreamableHTTPClientTransport }, { createTaskSessionFromClient, resultFromTaskOutcome }] =
      await Promise.all([load('client/dist/index.mjs'), load('ext-tasks/dist/client/index.js')])
    const { capabilities } = withTasks
    const client = new Client(SETTINGS, { versionNegotiation: { mode: { pin: MODERN } }, capabilities })
    await client.connect(new StreamableHTTPClientTransport(endpoint(), request()))
    const session = createTaskSessionFromClient(client, {
      endpointId: 'test',
      rawDispatch: async ({ id, method, params }: { id: unknown; method: string; params: Record<string, unknown> }) => {
        const { _meta: _, ...others } = params
        const { body } = await mcp(service, method, others, { token: TOKEN, capabilities })
        return { ...body, id }
      },
      v2RequestFraming: { protocolVersion: MODERN, clientInfo: SETTINGS, clientCapabilities: capabilities },
    })
    await service.fault({ target: 'github', kind: '503' })
    const { name, arguments: sent } = opening('Opened as a task')
    const execution = await session.callTool(name, { ...sent, wait: 0 })
    await service.clearFaults()
    const { outcome } = await execution.settle()
    expect(resultFromTaskOutcome(outcome)).toMatchObject({ structuredContent: { verdict: 'pass' } })
    await session.close()
    await client.close()
  })

  test('accepts each state of a task', async () => {
    const { isCreateTaskResultV2, isDetailedTaskV2 } = await load('ext-tasks/dist/core/v2/index.js')
    const options = { token: TOKEN, ...withTasks }
    const resultOf = async (method: string, params: object) =>
      (await mcp(service, method, params as Record<string, unknown>, options)).body.result
    await service.fault({ target: 'github', kind: '503' })
    const { name, arguments: sent } = opening('Canceled')
    const created = await resultOf('tools/call', { name, arguments: { ...sent, wait: 0 } })
    expect(isCreateTaskResultV2(created)).toBe(true)
    const { taskId } = created
    const working = await resultOf('tasks/get', { taskId })
    await resultOf('tasks/cancel', { taskId })
    await service.ended()
    const canceled = await resultOf('tasks/get', { taskId })
    await service.clearFaults()
    const completed = await resultOf('tools/call', { ...opening('Completed') })
    const ended = await resultOf('tasks/get', { taskId: completed.structuredContent.taskId })
    const states = [working, canceled, ended]
    expect(states.map(({ status }) => status)).toEqual(['working', 'cancelled', 'completed'])
    for (const state of states) expect({ state, isValid: isDetailedTaskV2(state) }).toEqual({ state, isValid: true })
  })
})

/** Returns a client of a SDK, which calls tools in the demo. */
async function sdkClient(name: string, url: string, token: string) {
  const [{ Client }, { StreamableHTTPClientTransport }] =
    name === 'client'
      ? await Promise.all([load('client/dist/index.mjs'), load('client/dist/index.mjs')])
      : await Promise.all([load('sdk/dist/esm/client/index.js'), load('sdk/dist/esm/client/streamableHttp.js')])
  const client = new Client(SETTINGS, name === 'client' ? { versionNegotiation: { mode: 'auto' } } : {})
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/v1/mcp`), { requestInit }))
  // The second argument of SDK v1 is the schema of the result.
  const optionsAt = name === 'client' ? [] : [undefined]
  return {
    async call(tool: string, sent: object, signal?: AbortSignal) {
      const result = await client.callTool({ name: tool, arguments: sent }, ...optionsAt, { signal })
      return result.structuredContent
    },
  }
}

test.each(['client', 'sdk'])('an agent with @modelcontextprotocol/%s completes webhooks demo agent', async (name) => {
  const lines: string[] = []
  const demo = agentDemo((url, token) => sdkClient(name, url, token))
  await runDemo(
    demo,
    (line) => lines.push(line),
    (effects) => expect(effects).toEqual(demo.expected),
  )
  expect(lines.join('\n')).toContain('loses its connection')
})

/** Programs that let a client which only starts programs reach the endpoint: the file of each, and its arguments. */
const bridges: [string, string, () => { args: string[]; env?: Record<string, string> }][] = [
  [
    'mcp-remote, as webhooks agent claude-desktop prints it',
    'mcp-remote/dist/proxy.js',
    () => {
      const printed = JSON.parse(agentClients['claude-desktop']?.configuration(endpoint().href, true) ?? '{}')
      const { args, env } = printed.mcpServers['cloud-automation']
      return { args: args.slice(2), env: { AUTHORIZATION: env.AUTHORIZATION.replace('<token>', TOKEN) } }
    },
  ],
  [
    'supergateway',
    'supergateway/dist/index.js',
    () => ({ args: ['--streamableHttp', endpoint().href, '--oauth2Bearer', TOKEN, '--logLevel', 'none'] }),
  ],
]

test.each(bridges)('%s lets a client that starts a program list and call tools', async (name, file, start) => {
  const { Client } = await load('sdk/dist/esm/client/index.js')
  const { StdioClientTransport } = await load('sdk/dist/esm/client/stdio.js')
  const { args, env } = start()
  const state = { HOME: service.state, MCP_REMOTE_CONFIG_DIR: join(service.state, 'mcp-remote') }
  const client = new Client(SETTINGS)
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join(programs, 'node_modules', file), ...args],
      env: { PATH: process.env['PATH'], ...state, ...env },
    }),
  )
  expect((await client.listTools()).tools.length).toBeGreaterThan(20)
  const { structuredContent } = await callToEnd(client, opening(`Opened through ${name}`))
  expect(structuredContent).toMatchObject({ verdict: 'pass' })
  expect(await opened(`Opened through ${name}`)).toBe(1)
  await client.close()
})

describe("Inspector's command line", () => {
  const inspector = join(folder, 'inspector/clients/launcher/build/index.js')
  async function inspect(...args: string[]): Promise<string> {
    const header = ['--header', `Authorization: Bearer ${TOKEN}`]
    const child = spawn(
      process.execPath,
      [inspector, '--cli', endpoint().href, '--transport', 'http', ...header, ...args],
      { env: { NO_COLOR: '1', PATH: process.env['PATH'], HOME: service.state } },
    )
    const printed = { out: '', err: '' }
    child.stdout.on('data', (chunk) => (printed.out += chunk))
    child.stderr.on('data', (chunk) => (printed.err += chunk))
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`The Inspector exited with ${code}:\n${printed.err}${printed.out}`)
    return printed.out
  }

  test('lists tools, whose schemas have no portability problem, and calls one', async () => {
    const { tools } = JSON.parse(await inspect('--method', 'tools/list', '--strict'))
    expect(tools.map(({ name }: { name: string }) => name)).toContain('slo_request-evaluation')
    const { name, arguments: sent } = opening('Opened by the Inspector')
    const args = ['--tool-arg', `key=${sent.key}`, 'wait=20', `input=${JSON.stringify(sent.input)}`]
    const result = JSON.parse(await inspect('--method', 'tools/call', '--tool-name', name, ...args))
    expect(result.structuredContent).toMatchObject({ verdict: 'pass' })
    expect(await opened('Opened by the Inspector')).toBe(1)
  })
})
