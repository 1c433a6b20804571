/** The codes of JSON-RPC and of the Model Context Protocol (MCP) that the endpoint sends. */
export const RPC_CODES = {
  parse: -32_700,
  request: -32_600,
  method: -32_601,
  params: -32_602,
  internal: -32_603,
  headers: -32_020,
  capability: -32_021,
  version: -32_022,
} as const

/** An error of the protocol, in contrast to an error of a tool, which is a result that a model can read. */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly code: number
  /** The status of the HTTP response. */
  readonly status: number
  readonly data: object | undefined

  constructor(code: number, message: string, { status = 200, data }: { status?: number; data?: object } = {}) {
    super(message)
    this.code = code
    this.status = status
    this.data = data
  }
}

/** @example throw invalidParams('The tool "x" is unknown.') */
export function invalidParams(message: string, status = 200): RpcError {
  return new RpcError(RPC_CODES.params, message, { status })
}

/** The id of a request. */
export type RpcId = string | number

/** The response to a message. Without a body, there is nothing to answer. */
export interface RpcResponse {
  status: number
  body?: object
}

export function resultResponse(id: RpcId, result: object): RpcResponse {
  return { status: 200, body: { jsonrpc: '2.0', id, result } }
}

/** @param id undefined if the id of the request is not known */
export function errorResponse(id: RpcId | undefined, { code, message, status, data }: RpcError): RpcResponse {
  const error = { code, message, ...(data === undefined ? {} : { data }) }
  return { status, body: { jsonrpc: '2.0', ...(id === undefined ? {} : { id }), error } }
}
