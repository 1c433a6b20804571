interface Client {
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert on any result.
  callTool(call: { name: string; arguments: object }): Promise<any>
}

/** Calls a tool, and waits for the end of its task: on a busy machine, that takes longer than the tool waits. */
export async function callToEnd(
  client: Client,
  call: Parameters<Client['callTool']>[0],
): ReturnType<Client['callTool']> {
  let result = await client.callTool(call)
  while (result.structuredContent?.verdict === 'running') {
    const { taskId } = result.structuredContent
    result = await client.callTool({ name: 'get_task', arguments: { taskId, wait: 20 } })
  }
  return result
}
