import { generalTools } from '../../shared/agents/general-tools.ts'
import { catalogueOf } from '../build/tool-schemas.ts'
import { categories } from '../project/categories.ts'

/** How to connect a client of the Model Context Protocol. */
interface AgentClient {
  title: string
  /** The file or the page for the configuration. */
  place: string
  /** How the client gets the token. */
  token: string
  /** People can sign in with it, instead of a stored token. */
  hasSignIn?: true
  /**
   * @param url of the endpoint
   * @param hasToken whether it sends a stored token
   */
  configuration(url: string, hasToken: boolean): string
}

const NAME = 'cloud-automation'
const VARIABLE = 'WEBHOOKS_TOKEN'
const HEADER_VARIABLE = 'AUTHORIZATION'
const INPUT = 'webhooks-token'
/** Connects clients that only start programs. The tests run this version. */
const BRIDGE = 'mcp-remote@0.15.1'
const FROM_ENVIRONMENT = `The token is in the variable ${VARIABLE} of its environment.`
const json = (value: unknown) => JSON.stringify(value, null, 2)

/** @param token refers to the token, or stands for it */
const headersWith = (hasToken: boolean, token: string) =>
  hasToken ? { headers: { Authorization: `Bearer ${token}` } } : {}

/** The clients by name. Each gets the token from its own store, so that no configuration contains it. */
export const agentClients: Record<string, AgentClient> = {
  'claude-code': {
    title: 'Claude Code',
    place: 'Save it as .mcp.json in the project.',
    token: FROM_ENVIRONMENT,
    hasSignIn: true,
    configuration: (url, hasToken) =>
      json({ mcpServers: { [NAME]: { type: 'http', url, ...headersWith(hasToken, `\${${VARIABLE}}`) } } }),
  },
  'claude-desktop': {
    title: 'Claude Desktop',
    place: 'Add it to claude_desktop_config.json, which Settings > Developer > Edit Config shows. It needs Node.js.',
    token: 'Replace <token>.',
    hasSignIn: true,
    configuration: (url, hasToken) => {
      const args = ['-y', BRIDGE, url, '--transport', 'http-only']
      // A space in an argument is lost on Windows, so the variable has it.
      const withToken = {
        args: [...args, '--header', `Authorization:\${${HEADER_VARIABLE}}`],
        env: { [HEADER_VARIABLE]: 'Bearer <token>' },
      }
      return json({ mcpServers: { [NAME]: { command: 'npx', ...(hasToken ? withToken : { args }) } } })
    },
  },
  codex: {
    title: 'Codex',
    place: 'Add it to ~/.codex/config.toml.',
    token: FROM_ENVIRONMENT,
    hasSignIn: true,
    configuration: (url, hasToken) =>
      [`[mcp_servers.${NAME}]`, `url = "${url}"`, ...(hasToken ? [`bearer_token_env_var = "${VARIABLE}"`] : [])].join(
        '\n',
      ),
  },
  cursor: {
    title: 'Cursor',
    place: 'Save it as .cursor/mcp.json in the project.',
    token: FROM_ENVIRONMENT,
    hasSignIn: true,
    configuration: (url, hasToken) =>
      json({ mcpServers: { [NAME]: { url, ...headersWith(hasToken, `\${env:${VARIABLE}}`) } } }),
  },
  'gemini-cli': {
    title: 'Gemini CLI',
    place: 'Add it to .gemini/settings.json in the project.',
    token: FROM_ENVIRONMENT,
    hasSignIn: true,
    configuration: (url, hasToken) =>
      json({ mcpServers: { [NAME]: { httpUrl: url, ...headersWith(hasToken, `\${${VARIABLE}}`) } } }),
  },
  kiro: {
    title: 'Kiro',
    place: 'Save it as .kiro/settings/mcp.json in the project.',
    token: `${FROM_ENVIRONMENT} Kiro asks whether it may read it.`,
    hasSignIn: true,
    configuration: (url, hasToken) =>
      json({ mcpServers: { [NAME]: { url, ...headersWith(hasToken, `\${${VARIABLE}}`) } } }),
  },
  opencode: {
    title: 'opencode',
    place: 'Add it to opencode.json in the project.',
    token: FROM_ENVIRONMENT,
    hasSignIn: true,
    configuration: (url, hasToken) =>
      json({ mcp: { servers: { [NAME]: { type: 'remote', url, ...headersWith(hasToken, `{env:${VARIABLE}}`) } } } }),
  },
  vscode: {
    title: 'VS Code',
    place: 'Save it as .vscode/mcp.json.',
    token: 'VS Code asks for the token at the first start.',
    hasSignIn: true,
    configuration: (url, hasToken) =>
      json({
        ...(hasToken
          ? {
              inputs: [{ type: 'promptString', id: INPUT, description: 'Token of the agent', password: true }],
            }
          : {}),
        servers: { [NAME]: { type: 'http', url, ...headersWith(hasToken, `\${input:${INPUT}}`) } },
      }),
  },
  windsurf: {
    title: 'Windsurf',
    place: 'Add it to ~/.codeium/windsurf/mcp_config.json.',
    token: FROM_ENVIRONMENT,
    hasSignIn: true,
    configuration: (url, hasToken) =>
      json({ mcpServers: { [NAME]: { serverUrl: url, ...headersWith(hasToken, `\${env:${VARIABLE}}`) } } }),
  },
  json: {
    title: 'another client, in the usual form',
    place: 'Add it to the configuration of the client. The names of the fields may differ.',
    token: 'Replace <token>, or refer to a variable as the client documents it.',
    hasSignIn: true,
    configuration: (url, hasToken) =>
      json({ mcpServers: { [NAME]: { type: 'http', url, ...headersWith(hasToken, '<token>') } } }),
  },
  copilot: {
    title: 'Copilot coding agent',
    place: 'Paste it into the MCP settings of the repository.',
    token: 'The token is the secret COPILOT_MCP_WEBHOOKS_TOKEN for Copilot.',
    configuration: (url) =>
      json({
        mcpServers: {
          [NAME]: { type: 'http', url, ...headersWith(true, '$COPILOT_MCP_WEBHOOKS_TOKEN'), tools: ['*'] },
        },
      }),
  },
  'openai-responses': {
    title: 'OpenAI Responses',
    place: 'Add it to the tools of a request.',
    token: 'Set authorization to the token.',
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
    place: 'Use it in the code of the agent.',
    token: FROM_ENVIRONMENT,
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
    place: 'Run it with the id of your gateway.',
    token: `The token is in the variable ${VARIABLE}.`,
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
    place: 'Register the URL as an MCP server. Allow the tools that the agent needs, with these classes.',
    token: 'Select the authentication "API key", in the header x-token.',
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
