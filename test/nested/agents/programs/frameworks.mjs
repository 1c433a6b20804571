// The clients of MCP in frameworks for agents. A file of this folder, so that it finds their packages.
import { createMCPClient } from '@ai-sdk/mcp'
import { MultiServerMCPClient } from '@langchain/mcp-adapters'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { MCPServerStreamableHttp } from '@openai/agents'
import { McpClient } from '@strands-agents/sdk'

const NAME = 'webhooks'

/**
 * Each connects to an endpoint, and returns the names of the tools, and functions that call one and disconnect. A result is what the
 * framework passes to a model.
 */
export const frameworks = {
  '@ai-sdk/mcp': async (url, headers) => {
    const client = await createMCPClient({ transport: { type: 'http', url, headers } })
    const tools = await client.tools()
    const call = (name, input) => tools[name].execute(input, { toolCallId: '1', messages: [] })
    return { names: Object.keys(tools), call, close: () => client.close() }
  },

  '@langchain/mcp-adapters': async (url, headers) => {
    const client = new MultiServerMCPClient({ mcpServers: { [NAME]: { transport: 'http', url, headers } } })
    const tools = await client.getTools()
    const call = (name, input) => tools.find((tool) => tool.name === name).invoke(input)
    return { names: tools.map(({ name }) => name), call, close: () => client.close() }
  },

  '@openai/agents': async (url, headers) => {
    const server = new MCPServerStreamableHttp({ url, name: NAME, requestInit: { headers } })
    await server.connect()
    const names = (await server.listTools()).map(({ name }) => name)
    return { names, call: (name, input) => server.callTool(name, input), close: () => server.close() }
  },

  '@strands-agents/sdk': async (url, headers) => {
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } })
    const client = new McpClient({ transport })
    const tools = await client.listTools()
    const call = (name, input) =>
      client.callTool(
        tools.find((tool) => tool.name === name),
        input,
      )
    return { names: tools.map(({ name }) => name), call, close: () => client.disconnect() }
  },
}
