/** A parsed JSON object. */
export type JsonObject = Record<string, unknown>

/** A tool, as `tools/list` returns it. */
export interface Tool {
  name: string
  title?: string
  description: string
  inputSchema: JsonObject
  outputSchema?: JsonObject
  annotations?: JsonObject
}

/** A call of a tool. */
export interface ToolCall {
  name: string
  arguments: JsonObject
  /** The capabilities that the client declares for this request. Empty for the handshake. */
  capabilities: JsonObject
  /** Whether it declares that it can read a task instead of a result. */
  hasTasks: boolean
}

/** The result of a request, with its `resultType` unless that is `complete`. */
export type RpcResult = JsonObject

/** A server of tools. It knows neither HTTP nor versions of the protocol. */
export interface ToolServer {
  info: { name: string; version: string }
  /** For the model: how to use the tools. */
  instructions: string
  /** Returns the tools that this caller may use, always in the same order. */
  listTools(): Promise<Tool[]>
  /** Returns a tool without what differs between callers. */
  findTool(name: string): Tool | undefined
  /** @throws RpcError for a tool that the caller may not use */
  callTool(call: ToolCall): Promise<RpcResult>
  /** @throws RpcError for a task that the caller may not read */
  getTask(taskId: string): Promise<RpcResult>
  /** @throws RpcError for a task that the caller may not read */
  cancelTask(taskId: string): Promise<void>
}
