/** The structured content of a result. */
export interface ToolContent {
  verdict: string
  message: string
  taskId?: string
  progress?: string
}

/** Calls tools as an agent does. */
export interface ToolCaller {
  /** @throws Error if the connection is lost, or if the server refuses the request */
  call(name: string, sent: object, signal?: AbortSignal): Promise<ToolContent>
}

/** A client of the tools without a library. */
export class ToolClient implements ToolCaller {
  readonly #url: string
  readonly #token: string
  #id = 0

  constructor(url: string, token: string) {
    this.#url = `${url}/v1/mcp`
    this.#token = token
  }

  async call(name: string, sent: object, signal?: AbortSignal): Promise<ToolContent> {
    const params = { name, arguments: sent }
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: ++this.#id, method: 'tools/call', params }),
      ...(signal ? { signal } : {}),
    })
    const { result, error } = (await response.json()) as {
      result?: { structuredContent: ToolContent }
      error?: { message: string }
    }
    if (!result) throw new Error(`${name}: ${error?.message ?? response.status}`)
    return result.structuredContent
  }
}
