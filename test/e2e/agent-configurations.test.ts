import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { agentClients } from '../../infra/cli/agent-clients.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { webhooks } from '../infra/cli/webhooks.ts'
import { Service } from './service.ts'

const service = await new Service().start()
afterAll(() => service.end())

async function printed(client: string, options = ''): Promise<string> {
  const { code, out } = await webhooks(`agent ${client} --url ${service.url} ${options}`)
  expect(code).toBe(0)
  expect(out).not.toContain(demo.callerToken)
  return out
}

/** Sends a request as the client does that has a configuration, and returns the number of tools. */
async function toolsWith(url: string, headers: Record<string, string>): Promise<number> {
  const sent = Object.entries(headers).map(([name, value]) => [
    name,
    value.replace(/\$?\{\w+(?::[\w-]+)?\}|\$\w+|<token>/, demo.callerToken),
  ])
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...Object.fromEntries(sent) },
    body,
  })
  const { result } = (await response.json()) as { result?: { tools: unknown[] } }
  return result?.tools.length ?? 0
}

describe('The configuration of an agent', () => {
  /** Returns the server of a configuration in JSON. */
  const serverOf = async (client: string, options?: string) => {
    const { mcpServers, servers, mcp } = JSON.parse(await printed(client, options))
    return (mcpServers ?? servers ?? mcp.servers)['cloud-automation']
  }

  test.each([
    ['claude-code', 'url', { type: 'http' }],
    ['copilot', 'url', { type: 'http', tools: ['*'] }],
    ['cursor', 'url', {}],
    ['gemini-cli', 'httpUrl', {}],
    ['kiro', 'url', {}],
    ['opencode', 'url', { type: 'remote' }],
    ['vscode', 'url', { type: 'http' }],
    ['windsurf', 'serverUrl', {}],
    ['json', 'url', { type: 'http' }],
  ])('%s leads to the tools', async (client, field, more) => {
    const { [field]: url, headers, ...others } = await serverOf(client)
    expect(others).toEqual(more)
    expect(await toolsWith(url, headers)).toBeGreaterThan(30)
  })

  test('claude-desktop starts the bridge that the tests run, with the token in its environment', async () => {
    const { command, args, env } = await serverOf('claude-desktop')
    const { dependencies } = JSON.parse(
      readFileSync(join(import.meta.dirname, '../nested/agents/programs/package.json'), 'utf8'),
    )
    expect([command, ...args]).toEqual([
      'npx',
      '-y',
      `mcp-remote@${dependencies['mcp-remote']}`,
      `${service.url}/v1/mcp`,
      '--transport',
      'http-only',
      '--header',
      expect.stringMatching(/^Authorization:\$\{AUTHORIZATION\}$/),
    ])
    expect(await toolsWith(args[2], { authorization: env.AUTHORIZATION })).toBeGreaterThan(30)
  })

  const withSignIn = Object.entries(agentClients).flatMap(([name, { hasSignIn }]) => (hasSignIn ? [name] : []))
  test.each(withSignIn)('%s has no place for a token if people sign in', async (client) => {
    const configuration = await printed(client, '--sign-in')
    expect(configuration).not.toMatch(/token|authorization|headers|inputs/i)
    expect(configuration).toContain(`${service.url}/v1/mcp`)
  })

  test('is narrowed to the tools that are selected', async () => {
    const { url, headers } = await serverOf('json', '--tools slo,ci-cd/trigger-build --readonly')
    expect(url).toBe(`${service.url}/v1/mcp?tools=slo,ci-cd/trigger-build&readonly`)
    // The evaluation, and three general tools.
    expect(await toolsWith(url, headers)).toBe(4)
  })

  test.each([
    ['cursr', "'cursr' is invalid for argument 'client'. Did you mean cursor?"],
    ['json --tools ci-dc', 'Unknown tool "ci-dc". Did you mean "ci-cd"?'],
    ['copilot --sign-in', 'Copilot coding agent needs a stored token: omit --sign-in.'],
  ])('agent %s is refused', async (line, message) => {
    const { code, err } = await webhooks(`agent ${line} --url ${service.url}`)
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) })
  })

  test('codex leads to the tools', async () => {
    const lines = (await printed('codex')).trim().split('\n')
    expect(lines).toEqual([
      '[mcp_servers.cloud-automation]',
      expect.stringMatching(/^url = "http/),
      'bearer_token_env_var = "WEBHOOKS_TOKEN"',
    ])
    const url = /"(.*)"/.exec(lines[1] ?? '')?.[1] ?? ''
    expect(await toolsWith(url, { authorization: 'Bearer $WEBHOOKS_TOKEN' })).toBeGreaterThan(30)
  })

  test('openai-responses leads to the tools, and reads need no approval', async () => {
    const { server_url: url, require_approval: approval } = JSON.parse(await printed('openai-responses'))
    expect(await toolsWith(url, { authorization: 'Bearer $TOKEN' })).toBeGreaterThan(30)
    expect(approval.never.tool_names).toContain('get_task')
  })

  test('agentcore and devops-agent send the token in a header of its own', async () => {
    for (const client of ['agentcore', 'devops-agent']) {
      const text = `${await printed(client)}${agentClients[client]?.token}`
      const [url = ''] = /http:\/\/[^\s"]+/.exec(text) ?? []
      expect(text).toContain('x-token')
      expect(await toolsWith(url, { 'x-token': '$TOKEN' })).toBeGreaterThan(30)
    }
    const classes = (await printed('devops-agent')).split('\n')
    expect(classes).toEqual(
      expect.arrayContaining([
        'slo_request-evaluation READ_ONLY',
        'issue-ticketing_open-issue MUTATIVE',
        'remediation_rollback DESTRUCTIVE',
      ]),
    )
  })

  test('agentcore names its target as the Cedar policy of the documentation does, whose tool exists', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/gateway.md'), 'utf8')
    const [, target = '', tool = ''] = /AgentCore::Action::"([\w-]+?)___([\w-]+)"/.exec(page) ?? []
    expect(await printed('agentcore')).toContain(
      `create-gateway-target --gateway-identifier "<gateway id>" --name ${target} `,
    )
    expect(await printed('devops-agent')).toMatch(new RegExp(`^${tool} `, 'm'))
  })

  test('strands is code for the endpoint', async () => {
    expect(await printed('strands')).toContain(`new URL('${service.url}/v1/mcp')`)
  })

  test('of an unknown client is refused', async () => {
    const { code, err } = await webhooks('agent unheard-of')
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('claude-code') })
  })
})
