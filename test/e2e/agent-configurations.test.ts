import { afterAll, describe, expect, test } from '@jest/globals'
import { agentClients } from '../../infra/cli/agent-clients.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { webhooks } from '../infra/cli/webhooks.ts'
import { Service } from './service.ts'

const service = await new Service().start()
afterAll(() => service.end())

async function printed(client: string): Promise<string> {
  const { code, out } = await webhooks(`agent ${client} --url ${service.url}`)
  expect(code).toBe(0)
  expect(out).not.toContain(demo.callerToken)
  return out
}

/** Sends a request as the client does that has a configuration, and returns the number of tools. */
async function toolsWith(url: string, headers: Record<string, string>): Promise<number> {
  const sent = Object.entries(headers).map(([name, value]) => [
    name,
    value.replace(/\$\{\w+(?::[\w-]+)?\}|\$\w+/, demo.callerToken),
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
  test.each([
    ['claude-code', 'mcpServers'],
    ['copilot', 'mcpServers'],
    ['vscode', 'servers'],
  ])('%s leads to the tools', async (client, servers) => {
    const { url, headers, type } = JSON.parse(await printed(client))[servers]['cloud-automation']
    expect(type).toBe('http')
    expect(await toolsWith(url, headers)).toBeGreaterThan(30)
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
      const text = `${await printed(client)}${agentClients[client]?.place}`
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

  test('strands is code for the endpoint', async () => {
    expect(await printed('strands')).toContain(`new URL('${service.url}/v1/mcp')`)
  })

  test('of an unknown client is refused', async () => {
    const { code, err } = await webhooks('agent unheard-of')
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('claude-code') })
  })
})
