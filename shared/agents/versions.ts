/** The revision in which each request stands alone. */
export const STATELESS = '2026-07-28'
/** The revisions with a handshake, newest first. */
export const HANDSHAKE = ['2025-11-25', '2025-06-18', '2025-03-26'] as const
export const VERSIONS = [STATELESS, ...HANDSHAKE] as const

/** The extension for calls that outlive a request. */
export const TASKS = 'io.modelcontextprotocol/tasks'

const META = 'io.modelcontextprotocol'
/** The names of the protocol in `_meta`. */
export const META_KEYS = {
  version: `${META}/protocolVersion`,
  capabilities: `${META}/clientCapabilities`,
  client: `${META}/clientInfo`,
  server: `${META}/serverInfo`,
} as const
