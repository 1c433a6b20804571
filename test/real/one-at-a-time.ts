import { type Served, serve } from '../../infra/testing/loopback-server.ts'
import { forward } from './proxy.ts'

/**
 * A proxy that forwards one request at a time to moto. A conditional write of DynamoDB is atomic; moto reads,
 * and then writes: of two at once, measured, up to every second pair both got through.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate
 */
export function oneAtATime(url: string): Promise<Served> {
  let before: Promise<unknown> = Promise.resolve()
  return serve((call) => {
    const reply = before.then(() => forward(url, call))
    before = reply
    return reply
  })
}
