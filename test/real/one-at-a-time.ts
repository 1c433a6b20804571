import { type Call, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

/**
 * A proxy that forwards one request at a time to moto. A conditional write of DynamoDB is atomic; moto reads,
 * and then writes: of two at once, measured, up to every second pair both got through.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate
 */
export function oneAtATime(url: string): Promise<Served> {
  const pass = async ({ method, encodedPath, headers, text: body }: Call): Promise<Reply> => {
    const { host: _, connection: __, 'content-length': ___, ...kept } = headers
    const response = await fetch(`${url}${encodedPath}`, { method, headers: kept as Record<string, string>, body })
    const type = response.headers.get('content-type') ?? ''
    return { status: response.status, body: await response.text(), headers: { 'content-type': type } }
  }
  let before: Promise<unknown> = Promise.resolve()
  return serve((call) => {
    const reply = before.then(() => pass(call)).catch((error: unknown) => ({ status: 502, body: `moto: ${error}` }))
    before = reply
    return reply
  })
}
