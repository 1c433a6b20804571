/** The path of the API's resource that says where agents get a token. At the custom domain, it follows `/.well-known`. */
export const METADATA_PATH = '/oauth-protected-resource/v1/mcp'

/**
 * Returns a challenge that says where a client gets a token for the endpoint, and with which scopes.
 *
 * @param challenge such as `Bearer error="invalid_token"`
 * @param mcpUrl of the endpoint
 * @param scopes at the provider. Without them, the client finds them in the metadata
 * @example completeChallenge('Bearer', 'https://webhooks.example.com/v1/mcp')
 */
export function completeChallenge(challenge: string, mcpUrl: string, scopes: readonly string[] = []): string {
  const parameters = [
    challenge.replace(/^Bearer ?/, ''),
    scopes.length === 0 || challenge.includes('scope=') ? '' : `scope="${scopes.join(' ')}"`,
    `resource_metadata="${new URL(mcpUrl).origin}/.well-known${METADATA_PATH}"`,
  ]
  return `Bearer ${parameters.filter(Boolean).join(', ')}`
}
