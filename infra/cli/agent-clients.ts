import { generalTools } from '../../shared/agents/general-tools.ts'
import { catalogueOf } from '../build/catalogue.ts'
import { categories } from '../project/categories.ts'

/** How to connect a client of the Model Context Protocol. */
interface AgentClient {
  title: string
  /** The file or the page for the configuration, and how the client gets the token. */
  place: string
  /** @param url of the endpoint */
  configuration(url: string): string
}

const NAME = 'cloud-automation'
const VARIABLE = 'WEBHOOKS_TOKEN'
const json = (value: unknown) => JSON.stringify(value, null, 2)

/** The clients by name. Each gets the token from its own store, so that no configuration contains it. */
export const agentClients: Record<string, AgentClient> = {
  'claude-code': {
    title: 'Claude Code',
    place: `Save it as .mcp.json in the project. The token is in the variable ${VARIABLE} of its environment.`,
    configuration: (url) =>
      json({
        mcpServers: { [NAME]: { type: 'http', url, headers: { Authorization: `Bearer \${${VARIABLE}}` } } },
      }),
  },
  codex: {
    title: 'Codex',
    place: `Add it to ~/.codex/config.toml. The token is in the variable ${VARIABLE} of its environment.`,
    configuration: (url) =>
      [`[mcp_servers.${NAME}]`, `url = "${url}"`, `bearer_token_env_var = "${VARIABLE}"`].join('\n'),
  },
  vscode: {
    title: 'VS Code',
    place: 'Save it as .vscode/mcp.json. VS Code asks for the token at the first start.',
    configuration: (url) =>
      json({
        inputs: [{ type: 'promptString', id: 'webhooks-token', description: 'Token of the agent', password: true }],
        servers: { [NAME]: { type: 'http', url, headers: { Authorization: `Bearer \${input:webhooks-token}` } } },
      }),
  },
  copilot: {
    title: 'Copilot coding agent',
    place:
      'Paste it into the MCP settings of the repository. The token is the secret COPILOT_MCP_WEBHOOKS_TOKEN for Copilot.',
    configuration: (url) =>
      json({
        mcpServers: {
          [NAME]: { type: 'http', url, headers: { Authorization: 'Bearer $COPILOT_MCP_WEBHOOKS_TOKEN' }, tools: ['*'] },
        },
      }),
  },
  'openai-responses': {
    title: 'OpenAI Responses',
    place: 'Add it to the tools of a request, and set authorization to the token.',
    configuration: (url) =>
      json({
        type: 'mcp',
        server_label: NAME,
        server_url: url,
        authorization: '<token>',
        // Your program asks before it calls another tool.
        require_approval: { never: { tool_names: ['get_task', 'list_connections', 'preview_action'] } },
      }),
  },
  strands: {
    title: 'Strands (TypeScript)',
    place: `Use it in the code of the agent. The token is in the variable ${VARIABLE} of its environment.`,
    configuration: (url) =>
      [
        "import { Agent, McpClient } from '@strands-agents/sdk'",
        "import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'",
        '',
        `const transport = new StreamableHTTPClientTransport(new URL('${url}'), {`,
        `  requestInit: { headers: { Authorization: \`Bearer \${process.env.${VARIABLE}}\` } },`,
        '})',
        'export const agent = new Agent({ tools: [new McpClient({ transport })] })',
      ].join('\n'),
  },
  agentcore: {
    title: 'AgentCore Gateway',
    place: `Run it with the id of your gateway. The token is in the variable ${VARIABLE}.`,
    configuration: (
      url,
    ) => `PROVIDER=$(aws bedrock-agentcore-control create-api-key-credential-provider --name ${NAME} \\
  --api-key "$${VARIABLE}" --query credentialProviderArn --output text)
aws bedrock-agentcore-control create-gateway-target --gateway-identifier "<gateway id>" --name ${NAME} \\
  --target-configuration '{"mcp": {"mcpServer": {"endpoint": "${url}"}}}' \\
  --credential-provider-configurations "[{\\"credentialProviderType\\": \\"API_KEY\\", \\"credentialProvider\\":
    {\\"apiKeyCredentialProvider\\": {\\"providerArn\\": \\"$PROVIDER\\", \\"credentialLocation\\": \\"HEADER\\", \\"credentialParameterName\\": \\"x-token\\"}}}]"`,
  },
  'devops-agent': {
    title: 'AWS DevOps Agent',
    place:
      'Register the URL as an MCP server with the authentication "API key", in the header x-token. Allow the tools that the agent needs, with these classes.',
    configuration: (url) =>
      [
        url,
        ...[...generalTools, ...catalogueOf(categories).tools].map(
          ({ tool: { name, annotations = {} } }) => `${name} ${classOf(annotations)}`,
        ),
      ].join('\n'),
  },
}

/** Returns the class of a tool in AWS DevOps Agent, which asks people before it uses one that is not read-only. */
function classOf({ readOnlyHint, destructiveHint }: Record<string, unknown>): string {
  if (readOnlyHint === true) return 'READ_ONLY'
  return destructiveHint === false ? 'MUTATIVE' : 'DESTRUCTIVE'
}
